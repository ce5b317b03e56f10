"""The command line: `python -m processengine`."""

import sys

from processengine.runtime.cli import main

if __name__ == "__main__":
    sys.exit(main())
