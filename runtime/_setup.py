"""What a host opens a runtime with."""

from __future__ import annotations

import attrs

from ._library import Loader
from ._observers import Observers
from ._options import Options
from ._storage import Storage
from .definition import ProcessDefinition


@attrs.frozen(kw_only=True)
class Setup:
    """What was given to `open_runtime`, checked."""

    options: Options
    storage: Storage | None = None
    definitions: tuple[ProcessDefinition, ...] = ()
    loader: Loader | None = None
    observers: Observers = attrs.field(factory=Observers)
