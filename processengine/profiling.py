"""Where the time of a process goes: engine, node functions, store, or waiting."""

from processengine.runtime.profiling import (
    NodeTimes,
    PlaceTime,
    Profile,
    ProfileElsewhere,
    UnfitProfile,
    profile,
)

__all__ = [
    "NodeTimes",
    "PlaceTime",
    "Profile",
    "ProfileElsewhere",
    "UnfitProfile",
    "profile",
]
