"""Whole runs of many executions, to the same work written by hand."""

from __future__ import annotations

import random

import processengine as pe

from .._measure import Row, compare, on_trio, row
from . import _by_hand as by_hand
from ._processes import chain, checkpoint, fork_join, nothing, run_all, sleep

LENGTH, WIDTH = 10, 48


def chains(quick: bool) -> list[Row]:
    """1000 executions of 10 nodes in a row, history on."""
    count, rounds = (20, 2) if quick else (1000, 15)
    rows: list[Row] = []
    for name, body, hand, bar, stretch in (
        ("no-op nodes", nothing, by_hand.chains, 1.5, 1.0),
        ("no-op nodes, history by hand too", nothing, by_hand.chains_with_history, None, None),
        ("nodes with a checkpoint", checkpoint, by_hand.chains, None, None),
    ):
        times = compare(
            on_trio(run_all, chain(LENGTH, body), count),
            on_trio(hand, body, LENGTH, count),
            rounds,
        )
        rows.append(
            row(
                f"{count} x {LENGTH} {name}",
                times,
                per=count * LENGTH,
                unit="µs a node",
                scale=1e6,
                yardstick_name="trio by hand, a task each",
                bar=bar,
                stretch=stretch,
            )
        )
    return rows


def fork_joins(quick: bool) -> list[Row]:
    """100 executions of 50 nodes in fork and join."""
    count, rounds = (5, 2) if quick else (100, 15)
    times = compare(
        on_trio(run_all, fork_join(WIDTH), count),
        on_trio(by_hand.fork_joins, nothing, WIDTH, count),
        rounds,
    )
    return [
        row(
            f"{count} x {WIDTH + 2}-node fork-join, no-op",
            times,
            per=count * (WIDTH + 2),
            unit="µs a node",
            scale=1e6,
            yardstick_name="trio by hand, nurseries",
            bar=0.4,
            stretch=0.22,
        )
    ]


def sleeping(quick: bool) -> list[Row]:
    """The same two with nodes that sleep for 10 ms."""
    chain_count, fork_count, rounds = (5, 2, 1) if quick else (1000, 100, 5)
    return [
        row(
            f"{chain_count} x {LENGTH} nodes of 10 ms",
            compare(
                on_trio(run_all, chain(LENGTH, sleep), chain_count),
                on_trio(by_hand.chains, sleep, LENGTH, chain_count),
                rounds,
            ),
            per=1,
            unit="ms in all",
            scale=1e3,
            yardstick_name="trio by hand, a task each",
            bar=1.15,
            stretch=1.0,
        ),
        row(
            f"{fork_count} x {WIDTH + 2}-node fork-join of 10 ms",
            compare(
                on_trio(run_all, fork_join(WIDTH, sleep), fork_count),
                on_trio(by_hand.fork_joins, sleep, WIDTH, fork_count),
                rounds,
            ),
            per=1,
            unit="ms in all",
            scale=1e3,
            yardstick_name="trio by hand, nurseries",
            bar=1.15,
            stretch=1.0,
        ),
    ]


async def unreliable() -> None:
    """A node of which three in ten attempts fail."""
    if random.random() < 0.3:
        raise ConnectionError("busy")


def failing(quick: bool) -> list[Row]:
    """Nodes that fail three times in ten, tried again after up to 1 ms."""
    count, rounds = (10, 1) if quick else (1000, 7)
    retry = pe.Retry(attempts=30, initial=0.001, maximum=0.001)
    times = compare(
        on_trio(run_all, chain(LENGTH, unreliable, retry), count),
        on_trio(by_hand.failing_chains, unreliable, LENGTH, count, 30),
        rounds,
    )
    return [
        row(
            f"{count} x {LENGTH} nodes, 30% of attempts fail",
            times,
            per=count * LENGTH,
            unit="µs a node",
            scale=1e6,
            yardstick_name="trio by hand, a task each",
            bar=1.0,
            stretch=0.4,
        )
    ]
