"""Where the time of executions goes: engine, node functions, store, or waiting for something.

Looks at the stacks of a program that runs, and reads the history; nothing in
the engine knows of it, so it costs nothing when it is not used. Start reading at `_profile`, then
`_places`, which decides what a stack means.
"""

from ._errors import ProfileElsewhere, UnfitProfile
from ._node_times import NodeTimes, node_times
from ._places import Kind, Place, Sight, owners_of, sight_of_loop, sight_of_thread
from ._profile import profile
from ._report import PlaceTime, Profile, flame_of, place_times
from ._stacks import Frame, Stack

__all__ = [
    "Frame",
    "Kind",
    "NodeTimes",
    "Place",
    "PlaceTime",
    "Profile",
    "ProfileElsewhere",
    "Sight",
    "Stack",
    "UnfitProfile",
    "flame_of",
    "node_times",
    "owners_of",
    "place_times",
    "profile",
    "sight_of_loop",
    "sight_of_thread",
]
