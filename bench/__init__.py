"""Measurements of the engine, each against a yardstick in the same run.

`python -m bench` runs them all; see CONTRIBUTING.md. Start reading at `_measure`, then `cases`.
"""
