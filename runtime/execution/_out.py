"""How a node function chooses the port it leaves by."""

from typing import Any

import attrs


@attrs.frozen
class Out:
    """Return it from a node function to leave by `port` with `value` as the result."""

    port: str
    value: Any = None
