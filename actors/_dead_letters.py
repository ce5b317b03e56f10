"""What could not be delivered: counted by reason, the latest kept for a look."""

from collections import Counter, deque
from collections.abc import Mapping

import attrs


@attrs.frozen
class DeadLetter:
    """A message that no actor took: to whom, what kind, why, and when (seconds, runtime clock)."""

    address: str
    message: object
    why: str
    at: float


class DeadLetters:
    """The dead-letter office of a runtime; bounded, so that a flood cannot fill the memory."""

    def __init__(self, keep: int = 100) -> None:
        self._latest: deque[DeadLetter] = deque(maxlen=keep)
        self._counts: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._counts.total()

    def add(self, letter: DeadLetter) -> None:
        """Count a letter and keep it among the latest."""
        self._counts[letter.why] += 1
        self._latest.append(letter)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many there were since the runtime opened, by reason."""
        return dict(self._counts)

    @property
    def latest(self) -> tuple[DeadLetter, ...]:
        """The latest of them, oldest first."""
        return tuple(self._latest)
