"""Short and spoken names of laws to their full titles.

Knows no articles; a name that is not in the table stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import yaml

TABLE = Path(__file__).resolve().parent / "data" / "law_names.yaml"


@lru_cache(maxsize=1)
def short_names() -> Mapping[str, str]:
    """Short names that a citation may use, each with the canonical title it stands for."""
    return _names("short")


@lru_cache(maxsize=1)
def spoken_names() -> Mapping[str, str]:
    """What people call a law when they talk (合同法 for 劳动合同法); too loose for a citation."""
    return _names("said")


def full_name(title: str) -> str:
    """The canonical title behind a short name; any other title unchanged."""
    return short_names().get(title, title)


def _names(key: str) -> Mapping[str, str]:
    rows = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return MappingProxyType({short: "".join(row["name"].split()) for row in rows for short in row.get(key, ())})
