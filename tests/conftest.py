"""How hard Hypothesis looks: set `HYPOTHESIS_PROFILE` to `thorough` or to `quick`."""

import os

from hypothesis import HealthCheck, settings

# Every value that Hypothesis would choose differently under CI is given, so that a run on a
# developer's machine and a run there look alike. No deadline: it would assert a time.
settings.register_profile(
    "ci",
    max_examples=50,
    deadline=None,
    derandomize=False,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("quick", settings.get_profile("ci"), max_examples=10)
settings.register_profile("thorough", settings.get_profile("ci"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
