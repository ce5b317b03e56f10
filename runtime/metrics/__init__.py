"""What is counted about a running engine: histograms, and counts by definition.

It owns the numbers and never looks at the engine: who has something to count holds one of these and
adds to it, once for an execution that ends, an attempt that fails or a commit, never for a node
that fares well. Start reading at `_histogram`.
"""

from ._commits import CommitCounts, StoreMetrics
from ._counts import OTHER, AttemptCounts, DefinitionCounts, DefinitionMetrics, ExecutionCounts
from ._histogram import EMPTY, Histogram, Recorder

__all__ = [
    "EMPTY",
    "OTHER",
    "AttemptCounts",
    "CommitCounts",
    "DefinitionCounts",
    "DefinitionMetrics",
    "ExecutionCounts",
    "Histogram",
    "Recorder",
    "StoreMetrics",
]
