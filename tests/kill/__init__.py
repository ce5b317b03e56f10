"""Processes that are killed at random instants, and what must be true of their store afterwards.

`_program` is the program that is killed; `_campaign` starts, kills and restarts it until all that
it does has ended; `_checks` compares what really ran, by the log of effects, with what is stored.
By hand: `python -m tests.kill --kills 300 --seed 1`.
"""
