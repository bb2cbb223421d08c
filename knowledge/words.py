"""The words table: legal terms, what people say for them, dialect, fillers; read and checked.

Knows nothing of segmentation or matching: bot.text makes use of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import yaml

from knowledge.records import Fault

TABLE = Path(__file__).resolve().parent / "data" / "words.yaml"
_KEYS = {"groups", "terms", "dialect", "fillers"}


@dataclass(frozen=True, slots=True)
class Words:
    """The table as values.

    Attributes:
        legal: a term, and everything people say for it, each to the term (炒鱿鱼 to 用人单位解除劳动合同).
        terms: further words of the field, for segmentation and for mending homophone slips.
        dialect: spoken and Shandong words to their standard ones, longest first.
        fillers: greetings and the like that carry no question, longest first.
    """

    legal: Mapping[str, str]
    terms: tuple[str, ...]
    dialect: Mapping[str, str]
    fillers: tuple[str, ...]

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Every word of the field: the terms, what is said for them, and the further words."""
        return tuple(dict.fromkeys((*self.legal, *self.terms)))


def read_words(path: Path = TABLE) -> tuple[Words, list[Fault]]:
    """The table and every fault in it; use the table only where there is no fault."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(data, dict) or set(data) != _KEYS:
        return Words({}, (), {}, ()), [Fault(path.name, "-", f"wanted a mapping with {', '.join(sorted(_KEYS))}")]
    faults: list[Fault] = []
    legal: dict[str, str] = {}
    for group in data["groups"]:
        term = str(group.get("term") or "")
        if not term or set(group) != {"term", "said"}:
            faults.append(Fault(path.name, term or "groups", "a group has term and said"))
            continue
        for word in (term, *map(str, group["said"])):
            if legal.setdefault(word, term) != term:
                faults.append(Fault(path.name, word, f"stands under {legal[word]} and under {term}"))
    dialect = {str(said): str(meant) for said, meant in data["dialect"].items()}
    faults.extend(Fault(path.name, said, "means itself") for said, meant in dialect.items() if said == meant)
    return (
        Words(
            MappingProxyType(legal),
            tuple(map(str, data["terms"])),
            MappingProxyType(dict(sorted(dialect.items(), key=lambda pair: -len(pair[0])))),
            tuple(sorted(map(str, data["fillers"]), key=len, reverse=True)),
        ),
        faults,
    )


@lru_cache(maxsize=1)
def words() -> Words:
    """Our own table, read once.

    Raises:
        ValueError: it has faults; `python -m knowledge.checks` names them too.
    """
    table, faults = read_words()
    if faults:
        raise ValueError("; ".join(map(str, faults)))
    return table
