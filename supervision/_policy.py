"""What a supervisor goes by: whom it restarts, how often, and how soon."""

from __future__ import annotations

import attrs

from ._backoff import Backoff
from ._expected import choice, instance
from ._intensity import Intensity
from ._strategy import Strategy


@attrs.frozen(kw_only=True)
class Policy:
    """What a supervisor goes by."""

    strategy: Strategy = attrs.field(
        default="one_for_one",
        validator=choice("one_for_one", "one_for_all", "rest_for_one", "dynamic"),
    )
    intensity: Intensity = attrs.field(
        default=Intensity(), validator=instance(Intensity, "an Intensity")
    )
    backoff: Backoff = attrs.field(default=Backoff(), validator=instance(Backoff, "a Backoff"))
