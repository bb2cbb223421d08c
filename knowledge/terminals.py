"""The terminal file to the tree of service terminals: province, cities, counties.

Knows names and codes, not who is on duty or what a worker said.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from knowledge.records import Fault, Level, Terminal

_KEYS = {"code", "name", "names", "weak", "phone", "hours", "duty"}
_CHILDREN: dict[Level, str] = {"province": "cities", "city": "counties", "county": ""}
_BELOW: dict[Level, Level] = {"province": "city", "city": "county"}
_SHARED_DIGITS: dict[Level, int] = {"province": 0, "city": 2, "county": 4}
"""How many leading digits a code has in common with its parent's (GB/T 2260)."""
_CODE = re.compile(r"\d{6}")


def read_terminals(path: Path) -> tuple[list[Terminal], list[Fault]]:
    """All terminals of a YAML tree, parents before children, and everything wrong in the file.

    A code must be six digits, begin like its parent's and occur once; a name must be given; a key
    must be known.
    """
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        return [], [Fault(path.name, "-", f"cannot be read: {error}")]
    terminals: list[Terminal] = []
    faults: list[Fault] = []
    _read_node(tree, "province", "", path.name, terminals, faults)
    seen: set[str] = set()
    for terminal in terminals:
        if terminal.code in seen:
            faults.append(Fault(path.name, terminal.code, "code used twice"))
        seen.add(terminal.code)
    return terminals, faults


def _read_node(node: Any, level: Level, parent: str, file: str, terminals: list[Terminal], faults: list[Fault]) -> None:
    if not isinstance(node, Mapping):
        faults.append(Fault(file, parent or "-", f"a {level} must be a mapping with code and name"))
        return
    code, name = str(node.get("code") or ""), str(node.get("name") or "")
    children = _CHILDREN[level]
    unknown = set(node) - _KEYS - {children}
    if unknown:
        faults.append(Fault(file, code or name, f"unknown keys {', '.join(sorted(map(str, unknown)))}"))
    prefix = parent[: _SHARED_DIGITS[level]]
    if not _CODE.fullmatch(code) or not code.startswith(prefix):
        faults.append(Fault(file, code or name, f"code must be six digits beginning with {prefix or 'those of the province'}"))
    if not name:
        faults.append(Fault(file, code, "no name"))
    terminals.append(
        Terminal(
            code=code,
            name=name,
            level=level,
            parent=parent,
            names=(name, *map(str, node.get("names") or ())),
            weak=tuple(map(str, node.get("weak") or ())),
            phone=str(node.get("phone") or ""),
            hours=str(node.get("hours") or ""),
            duty=str(node.get("duty") or ""),
        )
    )
    if children:
        for child in node.get(children) or ():
            _read_node(child, _BELOW[level], code, file, terminals, faults)


def shared_names(terminals: Iterable[Terminal]) -> dict[str, tuple[Terminal, ...]]:
    """Names that more than one terminal answers to (市中区, 高新区): whoever says one must be asked which."""
    owners: defaultdict[str, list[Terminal]] = defaultdict(list)
    for terminal in terminals:
        for name in dict.fromkeys(terminal.names + terminal.weak):
            owners[name].append(terminal)
    return {name: tuple(found) for name, found in owners.items() if len(found) > 1}
