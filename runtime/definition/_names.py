"""What may be the name of a process, a node, an input, a group or a node type."""

import re

A_NAME = "a name of letters, digits, '_', '-', '.', ':', '#'"

NAME = re.compile(r"\w[\w.:#-]*")
