"""Figures for Prometheus, added up over all processes of one server; the only prometheus_client user.

The library chooses how it counts when it is first imported, from an environment variable; so that is set here.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator

_KEY = "PROMETHEUS_MULTIPROC_DIR"


def _own_folder() -> None:
    """A folder that the processes count in, removed by the process that made it."""
    folder, owner = tempfile.mkdtemp(prefix="nuanxin-figures-"), os.getpid()
    os.environ[_KEY] = folder
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == owner else None)


if _KEY not in os.environ:
    _own_folder()

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest  # noqa: E402
from prometheus_client.core import GaugeMetricFamily  # noqa: E402
from prometheus_client.multiprocess import MultiProcessCollector  # noqa: E402

__all__ = ["CONTENT_TYPE", "Counter", "Histogram", "add_source", "figures"]
CONTENT_TYPE = CONTENT_TYPE_LATEST


Figure = tuple[str, str, dict[str, str], float]
"""Name, what it is, labels, value."""
_sources: list[Callable[[], Iterable[Figure]]] = []


def add_source(source: Callable[[], Iterable[Figure]]) -> None:
    """Figures that are worked out when asked for, such as what stands in the store."""
    _sources.append(source)


class _Asked:
    """The sources as gauges."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        families: dict[str, GaugeMetricFamily] = {}
        for source in _sources:
            for name, what, labels, value in source():
                family = families.setdefault(name, GaugeMetricFamily(name, what, labels=list(labels)))
                family.add_metric(list(labels.values()), value)
        yield from families.values()


def figures() -> bytes:
    """All counters, histograms and sources, in Prometheus's text format."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    registry.register(_Asked())
    return generate_latest(registry)
