"""The same work done by other engines, in one run with ours: `python -m bench.peers`.

The works stand in `_work`: chains of steps in memory, and with each step in a file on a disk, and
messages to an actor. Each file in `programs` does some of them with one engine, in an environment
that holds nothing else. To add an engine, add a file there: start reading at `_peer`, which says
what must be in it.
"""
