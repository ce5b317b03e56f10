"""The same durable work done by other engines, in one run with ours: `python -m bench.peers`.

The work: executions of a chain of steps, each of which stores a small value, in a SQLite file on a
disk. Each file in `programs` does it with one engine, in an environment that holds nothing else.
To add an engine, add a file there: start reading at `_peer`, which says what must be in it.
"""
