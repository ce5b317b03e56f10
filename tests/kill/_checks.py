"""What must be true after a kill, and at the end; each check yields what is wrong, in words."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from processengine.actors import Signal
from processengine.runtime.execution import Completed, Failed

from ._effects import Effect
from ._evidence import Attempt, Evidence
from ._load import is_lazy

_ATTEMPT = re.compile(r"(?<=\.\d)\.\d+(?=/|$)")
Summary = Mapping[str, Mapping[str, Any]]


def after_a_kill(
    before: Evidence, now: Evidence, effects: Sequence[Effect], life: int
) -> Iterator[str]:
    """All that a kill must not break; `before` is what the kill before left."""
    yield from now.faults
    yield from _nothing_is_forgotten(before, now)
    yield from _acknowledged_is_stored(now, effects)
    yield from _completed_is_not_repeated(before, effects, life)
    yield from _recorded_has_run(now, effects)


def at_the_end(
    now: Evidence,
    effects: Sequence[Effect],
    summary: Summary,
    reference: tuple[Evidence, Summary],
) -> Iterator[str]:
    """What must be true when all has ended; `reference` is what a run without kills left."""
    yield from _starts_are_numbered(effects)
    yield from _interrupted_is_made_again(now, effects)
    yield from _ends_are_as_without_kills(now, summary, reference)


def _nothing_is_forgotten(before: Evidence, now: Evidence) -> Iterator[str]:
    for id, head in before.heads.items():
        if id not in now.heads:
            yield f"{id} is gone from the store"
            continue
        if now.heads[id].incarnation < head.incarnation:
            yield f"{id}: incarnation {head.incarnation} fell to {now.heads[id].incarnation}"
        kept = now.journals[id][: len(before.journals[id])]
        if kept != before.journals[id]:
            yield f"{id}: its records up to {head.seq} are not those of the kill before"
    for id, records in now.journals.items():
        if len(records) != now.heads[id].seq:
            yield f"{id}: {len(records)} records, its row says {now.heads[id].seq}"
        times = [record.at for record in records]
        if times != sorted(times):
            yield f"{id}: its records are not in the order of their times"


def _acknowledged_is_stored(now: Evidence, effects: Iterable[Effect]) -> Iterator[str]:
    for each in effects:
        id = each.execution
        if is_lazy(id) or each.what not in ("spawned", "signalled", "ended"):
            continue
        if id not in now.heads:
            yield f"{id}: {each.what} was acknowledged in life {each.life}, it is not stored"
        elif each.what == "ended" and now.heads[id].state != each.detail:
            yield f"{id}: {each.detail} was told in life {each.life}, it is {now.heads[id].state}"
        elif each.what == "signalled" and not _has_signal(now, id):
            yield f"{id}: a signal was acknowledged in life {each.life}, it is not stored"


def _has_signal(now: Evidence, id: str) -> bool:
    return any(isinstance(record.message, Signal) for record in now.journals[id])


def _completed_is_not_repeated(
    before: Evidence, effects: Iterable[Effect], life: int
) -> Iterator[str]:
    """What the kill before `life` left as completed did not start in that life."""
    done = {(id, step): attempt for id, step, attempt in before.outcomes(Completed)}
    for each in effects:
        place = each.execution, each.step
        if each.what == "start" and each.life == life and place in done:
            yield (
                f"{each.key} ({each.node}) was recorded as completed by attempt {done[place]},"
                f" and started again in life {life}, attempt {each.attempt}"
            )


def _recorded_has_run(now: Evidence, effects: Sequence[Effect]) -> Iterator[str]:
    """Every recorded outcome is that of one attempt which really came out so, and was the last."""
    counted = Counter((each.what, _attempt_of(each)) for each in effects)
    last: dict[tuple[str, int], int] = defaultdict(int)
    for each in effects:
        if each.what == "start":
            place = each.execution, each.step
            last[place] = max(last[place], each.attempt)
    for what, kind in (("end", Completed), ("fail", Failed)):
        for made in now.outcomes(kind):
            if not is_lazy(made[0]) and counted["start", made] != 1:
                yield f"{made}: recorded, and started {counted['start', made]} times"
            if not is_lazy(made[0]) and counted[what, made] != 1:  # type: ignore[index]
                yield f"{made}: recorded as {what}, but it came out so otherwise often"
    for id, step, attempt in now.outcomes(Completed):
        if not is_lazy(id) and last[id, step] > attempt:
            yield f"{id}/{step}: completed by attempt {attempt}, and {last[id, step]} was started"


def _attempt_of(effect: Effect) -> Attempt:
    return effect.execution, effect.step, effect.attempt


def _starts_are_numbered(effects: Sequence[Effect]) -> Iterator[str]:
    """No attempt starts twice under one number, and a key means one step of one node."""
    starts = [each for each in effects if each.what == "start" and not is_lazy(each.execution)]
    for attempt, count in Counter(map(_attempt_of, starts)).items():
        if count > 1:
            yield f"{attempt}: started {count} times"
    nodes: dict[str, set[tuple[int, str]]] = defaultdict(set)
    for each in starts:
        nodes[each.key].add((each.step, each.node))
    for key, meant in nodes.items():
        if len(meant) > 1:
            yield f"{key} is the key of {sorted(meant)}"


def _interrupted_is_made_again(now: Evidence, effects: Sequence[Effect]) -> Iterator[str]:
    """What started last under a key has come out: no attempt in flight at a kill is the last.

    Unless its execution was cancelled then: nothing of that is made again.
    """
    latest: dict[str, Effect] = {}
    for each in effects:
        if each.key and not is_lazy(each.execution):
            latest[each.key] = each
    for key, each in latest.items():
        if each.what == "start" and now.heads[each.execution].state != "cancelled":
            yield f"{key} ({each.node}): attempt {each.attempt} of life {each.life} was the last"


def _ends_are_as_without_kills(
    now: Evidence, summary: Summary, reference: tuple[Evidence, Summary]
) -> Iterator[str]:
    expected, ends = reference
    for id, end in ends.items():
        if summary.get(id) != end:
            yield f"{id} ended as {summary.get(id)}, without kills as {end}"
    with_kills, without = _states(now), _states(expected)
    for id, state in (with_kills - without).elements():
        yield f"{id} is stored as {state}, and is not without kills"
    for id, state in (without - with_kills).elements():
        yield f"{id} is not stored as {state}, and is without kills"


def _states(evidence: Evidence) -> Counter[tuple[str, str]]:
    """The states of all; the ids of children without the attempts that called them."""
    return Counter((_ATTEMPT.sub("", id), head.state) for id, head in evidence.heads.items())
