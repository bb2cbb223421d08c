"""Merge entries that answer the same into one: nobody should be asked to choose between twins.

    python -m knowledge.merge KEPT GONE [GONE …] [--bank DIR] [--labels FILE …]

The kept entry takes the wordings of the others and remembers their ids (`formerly`), so that saved links and tickets still find an
answer; whatever referred to them refers to it. Its question, answer and basis stay: an editor looks through them before, and adds what only
the other answer said. Label files (JSON lines) are changed with them. Works on the text, so that the files keep their shape.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from knowledge.bank import find_files, wording_key

ROOT = Path(__file__).resolve().parent
BANK = ROOT / "data" / "bank"
_START = re.compile(r"^- id: *(\S+) *$", re.M)


class MergeError(Exception):
    """The entries cannot be merged; the message says why."""


def merge(texts: Mapping[str, str], kept: str, gone: Sequence[str]) -> dict[str, str]:
    """The files of a bank after merging.

    Args:
        texts: YAML by the name of its file.
        kept, gone: ids.

    Raises:
        MergeError: an id is not there, or the entries are of different kinds.
    """
    changed = dict(texts)
    files = {id_: name for name, text in texts.items() for id_ in _START.findall(text)}
    for id_ in (kept, *gone):
        if id_ not in files:
            raise MergeError(f"no entry '{id_}'")
    for id_ in gone:
        if id_ == kept:
            raise MergeError(f"'{kept}' cannot be merged into itself")
        block = _block(changed[files[id_]], id_)
        changed[files[id_]] = changed[files[id_]].replace(block, "", 1)
        other = yaml.safe_load(block)[0]
        text = changed[files[kept]]
        mine = _block(text, kept)
        if yaml.safe_load(mine)[0].get("kind") != other.get("kind"):
            raise MergeError(f"'{kept}' and '{id_}' are of different kinds")
        changed[files[kept]] = text.replace(mine, _taken(mine, other), 1)
        changed = {name: _renamed(text, id_, kept) for name, text in changed.items()}
    return {name: text.rstrip("\n") + "\n" for name, text in changed.items()}


def relabel(text: str, kept: str, gone: Sequence[str]) -> str:
    """JSON lines with the ids of merged entries replaced; a row whose entry was to be told from what is now the same is left out."""
    lines = []
    for line in text.splitlines():
        if not any(id_ in line for id_ in gone):
            lines.append(line)
            continue
        row: dict[str, Any] = {name: _relabelled(value, kept, gone) for name, value in json.loads(line).items()}
        right = {row.get("id")} | set(row.get("entries") or ())
        avoided = {row.get("not")} | {tag.removeprefix("not:") for tag in row.get("tags", ()) if tag.startswith("not:")}
        if kept in right & avoided:
            continue
        if kept in right and isinstance(row.get("wrong"), list):
            row["wrong"] = [id_ for id_ in row["wrong"] if id_ != kept]
        lines.append(json.dumps(row, ensure_ascii=False))
    return "".join(f"{line}\n" for line in lines)


def _relabelled(value: object, kept: str, gone: Sequence[str]) -> object:
    if isinstance(value, list):
        return list(dict.fromkeys(_relabelled(item, kept, gone) for item in value))
    if isinstance(value, str):
        return kept if value in gone else f"not:{kept}" if value.removeprefix("not:") in gone else value
    return value


def _block(text: str, id_: str) -> str:
    """An entry's lines."""
    starts = [(found[1], found.start()) for found in _START.finditer(text)]
    place = [name for name, _ in starts].index(id_)
    return text[starts[place][1] : starts[place + 1][1] if place + 1 < len(starts) else len(text)]


def _taken(block: str, other: Mapping[str, object]) -> str:
    """The kept entry's lines with the wordings, the unlike ones and the ids of another."""
    entry = yaml.safe_load(block)[0]
    known = {wording_key(wording) for wording in (entry["question"], *_list(entry, "similar"), *_list(entry, "contrasted"))}
    taken: dict[str, list[str]] = {"similar": [str(other["question"]), *_list(other, "similar")], "contrasted": _list(other, "contrasted")}
    for name, wordings in taken.items():
        new = [wording for wording in wordings if wording_key(wording) not in known]
        known.update(map(wording_key, new))
        if new:
            block = _with_list(block, name, [*_list(entry, name), *new])
    unlike = [wording for wording in entry.get("unlike", ()) if wording_key(wording) not in known]
    if unlike != entry.get("unlike", []):
        block = _with_list(block, "unlike", unlike)
    formerly = [*_list(entry, "formerly"), str(other["id"]), *_list(other, "formerly")]
    block = re.sub(r"\n  formerly: .*", "", block)
    return re.sub(r"\n+\Z", "", block) + f"\n  formerly: [{', '.join(formerly)}]\n\n"


def _list(row: Mapping[str, object], name: str) -> list[str]:
    value = row.get(name) or []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _with_list(block: str, name: str, items: Sequence[str]) -> str:
    """The lines with another list under a name; without the name where the list is empty."""
    scalars = [yaml.safe_dump(item, allow_unicode=True, width=10_000).removesuffix("...\n").strip() for item in items]
    lines = "".join(f"  - {scalar}\n" for scalar in scalars)
    found = re.search(rf"^  {name}:.*\n(?:  - .*\n)*", block, re.M)
    new = f"  {name}:\n{lines}" if items else ""
    if found is None:
        return re.sub(r"^(  question: .*\n)", lambda match: match[1] + new, block, count=1, flags=re.M)
    return block[: found.start()] + new + block[found.end() :]


def _renamed(text: str, gone: str, kept: str) -> str:
    """References to an entry changed to another, none twice in a list and none to itself."""
    parts = _START.split(text)
    out = parts[0]
    for id_, body in zip(parts[1::2], parts[2::2], strict=True):
        found = re.search(r"^  related: *\[(.*)\] *$|^  related: *\n((?:  - .*\n)*)", body, re.M)
        if found and re.search(rf"\b{re.escape(gone)}\b", found[0]):
            names = re.split(r", *", found[1]) if found[1] is not None else [line[4:].strip() for line in found[2].splitlines()]
            names = [kept if name == gone else name for name in names]
            names = [name for name in dict.fromkeys(names) if name != id_]
            ending = "" if found[1] is not None else "\n"
            body = body[: found.start()] + f"  related: [{', '.join(names)}]{ending}" + body[found.end() :]
        out += f"- id: {id_}{body}"
    return out


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line entry; names the files that were changed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kept")
    parser.add_argument("gone", nargs="+")
    parser.add_argument("--bank", type=Path, default=BANK)
    parser.add_argument("--labels", type=Path, nargs="*", default=[])
    chosen = parser.parse_args(arguments)
    files, faults = find_files([chosen.bank])
    if faults:
        print("\n".join(map(str, faults)), file=sys.stderr)
        return 1
    texts = {str(file): file.read_text(encoding="utf-8") for file in files}
    try:
        changed = merge(texts, chosen.kept, chosen.gone)
    except MergeError as error:
        print(error, file=sys.stderr)
        return 1
    labels = {str(file): file.read_text(encoding="utf-8") for file in chosen.labels}
    changed |= {name: relabel(text, chosen.kept, chosen.gone) for name, text in labels.items()}
    for name, text in changed.items():
        if text != (texts | labels)[name]:
            Path(name).write_text(text, encoding="utf-8")
            print(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
