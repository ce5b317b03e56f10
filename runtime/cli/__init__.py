"""The command line: run, check, draw and simulate processes written in files.

Owns words and exit codes; what it does, it does through the rest of the package. Start reading at
`_main`, then one module for each command.
"""

from ._main import main

__all__ = ["main"]
