"""The figures of a runtime in the form that Prometheus scrapes.

It only translates: what is counted, and how, is `runtime.metrics()`. Needs the extra `prometheus`.
Start reading at `_families`.
"""

from ._collector import RuntimeCollector, exposition
from ._families import FAMILIES, Family

__all__ = ["FAMILIES", "Family", "RuntimeCollector", "exposition"]
