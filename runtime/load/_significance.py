"""Whether one sample of rounds is really larger than another: the test of Mann and Whitney.

It asks only how values of the two rank among each other, so it needs no assumption about how
durations are distributed, which is not normally.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

EXACT = 40
"""Up to so many values together the distribution is counted out, beyond it is taken as normal."""


def chance_of_larger(before: Sequence[float], now: Sequence[float]) -> float:
    """The chance to see `now` rank so high above `before` if both were of the same kind.

    One-sided; ties get the mean of their ranks, and are counted out with the rest (a permutation
    test). 1 if either is empty.
    """
    if not before or not now:
        return 1.0
    ranks = doubled_ranks([*before, *now])
    observed = sum(ranks[len(before) :])
    if len(ranks) <= EXACT:
        return _exact(ranks, len(now), observed)
    return _normal(ranks, len(now), observed)


def doubled_ranks(values: Sequence[float]) -> list[int]:
    """Twice the rank of each value from 1, so that the mean rank of ties is whole too."""
    counts = Counter(values)
    ranks: dict[float, int] = {}
    below = 0
    for value in sorted(counts):
        ranks[value] = 2 * below + counts[value] + 1
        below += counts[value]
    return [ranks[value] for value in values]


def _exact(ranks: Sequence[int], size: int, observed: int) -> float:
    """The share of all choices of `size` ranks whose sum is not below the observed one."""
    choices: list[Counter[int]] = [Counter() for _ in range(size + 1)]
    choices[0][0] = 1
    for rank in ranks:
        for chosen in range(size, 0, -1):
            for total, ways in choices[chosen - 1].items():
                choices[chosen][total + rank] += ways
    high = sum(ways for total, ways in choices[size].items() if total >= observed)
    return high / math.comb(len(ranks), size)


def _normal(ranks: Sequence[int], size: int, observed: int) -> float:
    """The same by a normal distribution of the same mean and variance, corrected for steps."""
    count = len(ranks)
    mean = math.fsum(ranks) / count
    spread = math.fsum((rank - mean) ** 2 for rank in ranks) / (count - 1)
    variance = size * (count - size) / count * spread
    if variance == 0:
        return 1.0
    z = (observed - 1 - size * mean) / math.sqrt(variance)
    return 0.5 * math.erfc(z / math.sqrt(2))


def adjusted(chances: Sequence[float]) -> list[float]:
    """Chances corrected for how many questions were asked at once (Holm 1979), in their order.

    To call those below 5% real is then wrong, in all questions together, in 5% of cases at most.
    """
    order = sorted(range(len(chances)), key=chances.__getitem__)
    result = [1.0] * len(chances)
    highest = 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, (len(chances) - place) * chances[index]))
        result[index] = highest
    return result
