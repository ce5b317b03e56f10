"""Figures of a runtime for Prometheus; needs the extra `prometheus`."""

from processengine.runtime.exposition import RuntimeCollector, exposition

__all__ = ["RuntimeCollector", "exposition"]
