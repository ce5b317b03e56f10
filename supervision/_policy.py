"""What a supervisor goes by: whom it restarts, how often, and how soon."""

from __future__ import annotations

import attrs
from attrs import validators

from ._backoff import Backoff
from ._intensity import Intensity
from ._strategy import Strategy


@attrs.frozen(kw_only=True)
class Policy:
    """What a supervisor goes by."""

    strategy: Strategy = attrs.field(
        default="one_for_one",
        validator=validators.in_(("one_for_one", "one_for_all", "rest_for_one", "dynamic")),
    )
    intensity: Intensity = attrs.field(
        default=Intensity(), validator=validators.instance_of(Intensity)
    )
    backoff: Backoff = attrs.field(default=Backoff(), validator=validators.instance_of(Backoff))
