"""A worker's words to the office of the place they name; a name that several places bear is told, not guessed.

Knows names and the tree of offices, not who is on duty.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from bot.text import normalise
from knowledge.records import Terminal
from knowledge.terminals import read_terminals

TERMINALS = Path(__file__).resolve().parent.parent.parent / "knowledge" / "data" / "terminals.yaml"


@dataclass(frozen=True, slots=True)
class Found:
    """What a text says about places.

    Attributes:
        places: the places named, the first named first; a county stands for its city too.
        choices: where a name is borne by several places and nothing in the text decides: these.
    """

    places: tuple[Terminal, ...] = ()
    choices: tuple[Terminal, ...] = ()


class Places:
    """The offices and what people call their places."""

    def __init__(self, terminals: Sequence[Terminal]) -> None:
        self.by_code = {terminal.code: terminal for terminal in terminals}
        self.top = terminals[0]
        self._strong: dict[str, list[Terminal]] = {}
        self._weak: dict[str, list[Terminal]] = {}
        for terminal in terminals:
            for name in terminal.names:
                self._strong.setdefault(normalise(name), []).append(terminal)
            for name in terminal.weak:
                self._weak.setdefault(normalise(name), []).append(terminal)
        for terminal in terminals:
            parent = self.by_code.get(terminal.parent)
            if terminal.level == "county" and parent is not None:  # 枣庄市中 is one name, not 枣庄市 and 中
                for above in parent.names:
                    for name in (*terminal.names, *terminal.weak):
                        self._strong.setdefault(normalise(above + name), []).append(terminal)
        names = sorted({*self._strong, *self._weak}, key=len, reverse=True)
        self._names = re.compile("|".join(map(re.escape, names)) + r"|(?<!\d)\d{6}(?!\d)")

    def find(self, text: str) -> Found:
        """Places that a text names: by name, everyday name or code; 市中区 after 枣庄 is Zaozhuang's."""
        clean = normalise(text)
        named = [(match.start(), match.end(), match[0]) for match in self._names.finditer(clean)]
        city: Terminal | None = None
        places: list[Terminal] = []
        open_choices: tuple[Terminal, ...] = ()
        said_city = {
            t.code for _, _, name in named for t in self._strong.get(name, ()) if t.level == "city" and len(self._strong[name]) == 1
        }
        end = -1
        for start, stop, name in named:
            beside = start - end <= 2 and end >= 0
            owners = [self.by_code[name]] if name in self.by_code else self._strong.get(name, [])
            # An everyday word counts only right after its city's name (济南天桥).
            owners = owners or [t for t in self._weak.get(name, ()) if city is not None and t.parent == city.code and beside]
            if len(owners) > 1:
                inside = [t for t in owners if t.parent in said_city or t.code in said_city]
                owners = inside or owners
            if len(owners) == 1:
                owner = owners[0]
                if owner.level == "city":
                    city = owner
                elif owner.level == "county" and (parent := self.by_code.get(owner.parent)) in places:
                    places.remove(parent)  # the county says it more exactly
                if owner.level != "province" and owner not in places and not self._covers(places, owner):
                    places.append(owner)
                end = stop
            elif owners and not open_choices:
                open_choices = tuple(owners)
        if places:
            return Found(tuple(places))
        return Found((), open_choices)

    @staticmethod
    def _covers(places: Sequence[Terminal], owner: Terminal) -> bool:
        return any(place.parent == owner.code for place in places)

    def full_name(self, terminal: Terminal) -> str:
        """Name with the city's before it: 枣庄市市中区."""
        parent = self.by_code.get(terminal.parent)
        return f"{parent.name}{terminal.name}" if parent is not None and terminal.level == "county" else terminal.name

    def chain(self, code: str) -> list[Terminal]:
        """A place and everything above it, up to the province; the province alone for a code that is not known."""
        found: list[Terminal] = []
        terminal = self.by_code.get(code, self.top)
        while True:
            found.append(terminal)
            if not terminal.parent:
                return found
            terminal = self.by_code[terminal.parent]

    def above(self, code: str) -> str:
        """The office one level up; empty at the province."""
        return self.by_code[code].parent if code in self.by_code else ""


@lru_cache(maxsize=1)
def bundled_places() -> Places:
    """The offices of knowledge/data/terminals.yaml."""
    terminals, faults = read_terminals(TERMINALS)
    if faults:
        raise ValueError(f"terminals.yaml: {faults[0].reason}")
    return Places(terminals)


def scope(code: str) -> str:
    """What all codes of an office and below it begin with: 37 for the province, 3701 for a city, the whole code for a county."""
    return code[:2] if code.endswith("0000") else code[:4] if code.endswith("00") else code


def covers(region: str, code: str) -> bool:
    """Whether an office's region holds a place."""
    return bool(code) and code.startswith(scope(region))
