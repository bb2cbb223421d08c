"""Question bank files of any accepted form to entries, every bad row named.

Knows what the columns mean. Knows nothing of regulations, encoders or the index.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from knowledge.citations import parse_citation
from knowledge.records import Citation, Entry, Fault, Kind, Priority
from knowledge.tables import SUFFIXES, read_rows

LONGEST_WORDING = 300
LONGEST_SHORT = 150
LONGEST_ANSWER = 20_000
LONGEST_ID = 64
ASK_FIELDS = ("employer", "place", "period", "amount", "people", "evidence", "contact", "injury", "job")

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "编号", "题号", "序号", "ID"),
    "question": ("question", "问题", "标准问", "标准问题", "问"),
    "similar": ("similar", "相似问", "相似问题", "相似问法", "问法", "扩展问"),
    "contrasted": ("contrasted", "易混问法"),
    "unlike": ("unlike", "反例", "易混问题", "不匹配问题"),
    "topic": ("topic", "主题", "类别", "分类", "栏目"),
    "kind": ("kind", "类型", "性质"),
    "short": ("short", "简答", "短答案", "简要回答"),
    "answer": ("answer", "答案", "回答", "解答", "标准答案"),
    "basis": ("basis", "依据", "法律依据", "政策依据", "法条"),
    "next": ("next", "下一步", "办理指引", "建议"),
    "region": ("region", "地区", "适用地区"),
    "as_of": ("as_of", "核对日期", "截至"),
    "valid_from": ("valid_from", "生效日期", "有效期起"),
    "valid_to": ("valid_to", "失效日期", "有效期止"),
    "related": ("related", "相关问题", "关联问题"),
    "tags": ("tags", "标签", "关键词"),
    "category": ("category", "投诉类别"),
    "priority": ("priority", "优先级"),
    "ask": ("ask", "需问清"),
    "unit": ("unit", "承办单位"),
    "figures": ("figures", "数字说明"),
    "formerly": ("formerly", "原编号"),
}
"""Each field, and the column names under which it may come."""

_NAMES = {name: field_name for field_name, names in COLUMNS.items() for name in names}
_VALUES = {
    "kind": {"consult": "consult", "complaint": "complaint", "咨询": "consult", "投诉": "complaint", "": "consult"},
    "priority": {"normal": "normal", "high": "high", "urgent": "urgent", "一般": "normal", "优先": "high", "紧急": "urgent", "": "normal"},
}
_ID = re.compile(r"[\w.:-]+")
_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd\ud800-\udfff]")
_WORDLESS = re.compile(r"[\W_]*")
_BASIS_BREAK = re.compile(r"[;；\n|、,，]")


def wording_key(wording: str) -> str:
    """What two wordings share when they are the same but for case, width, spaces and punctuation."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", wording).lower())


def find_files(paths: Iterable[Path]) -> tuple[list[Path], list[Fault]]:
    """Bank files under the given files and folders, sorted."""
    files: list[Path] = []
    faults = []
    for path in paths:
        if path.is_dir():
            files.extend(sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES))
        elif path.is_file() and path.suffix.lower() in SUFFIXES:
            files.append(path)
        else:
            faults.append(
                Fault(str(path), "-", f"not found or not readable here; wanted a folder or a file ending in {', '.join(SUFFIXES)}")
            )
    return files, faults


def read_bank(paths: Iterable[Path]) -> tuple[list[Entry], list[Fault]]:
    """All entries of all files, and every fault in them; use the entries only where there is no fault."""
    files, faults = find_files(paths)
    entries: list[Entry] = []
    places: list[tuple[str, str]] = []
    for path in files:
        rows, trouble = read_rows(path)
        faults.extend(trouble)
        named = [(place, _rename(row)) for place, row in rows]
        missing = [name for name in ("id", "question") if rows and not any(name in row for _, row in named)]
        if missing:
            wanted = "; ".join(f"{name} ({' / '.join(COLUMNS[name])})" for name in missing)
            faults.append(Fault(path.name, "row 1", f"no column for {wanted}"))
            continue
        for place, row in named:
            reading = _Reading(path.name, place, row)
            entry = reading.entry()
            faults.extend(reading.faults)
            if entry is not None:
                entries.append(entry)
                places.append((path.name, place))
    faults.extend(_across(entries, places))
    if not entries and not faults:
        faults.append(Fault(", ".join(map(str, paths)), "-", "no entry found"))
    return entries, faults


def _rename(row: Mapping[str, object]) -> dict[str, object]:
    renamed: dict[str, object] = {}
    for name, value in row.items():
        known = _NAMES.get(name.strip()) or _NAMES.get(name.strip().lower())
        if known and known not in renamed:
            renamed[known] = value
    return renamed


@dataclass
class _Reading:
    """One row being read; collects what is wrong with it."""

    file: str
    place: str
    row: Mapping[str, object]
    faults: list[Fault] = field(default_factory=list)

    def fault(self, reason: str) -> None:
        self.faults.append(Fault(self.file, self.place, reason))

    def text(self, name: str, longest: int = LONGEST_ANSWER) -> str:
        value = self.row.get(name)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            self.fault(f"{name}: wanted text, found {type(value).__name__}")
            return ""
        text = (str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)).strip()
        if _CONTROL.search(text):
            self.fault(f"{name}: contains a control or replacement character; the file was saved in another encoding")
        if len(text) > longest:
            self.fault(f"{name}: {len(text)} characters, at most {longest}")
        return text

    def several(self, name: str, longest: int = LONGEST_WORDING) -> tuple[str, ...]:
        value = self.row.get(name)
        if isinstance(value, list):
            if not all(isinstance(item, str) for item in value):
                self.fault(f"{name}: wanted a list of texts")
                return ()
            parts = [item.strip() for item in value]
            if "" in parts:
                self.fault(f"{name}: an empty item in the list")
        else:
            parts = [part.strip() for part in re.split(r"[\n|]", self.text(name))]
        found = tuple(part for part in parts if part)
        for part in found:
            if len(part) > longest:
                self.fault(f"{name}: an item of {len(part)} characters, at most {longest}")
        return found

    def choice(self, name: str) -> str:
        value = self.text(name)
        known = _VALUES[name].get(value)
        if known is None:
            self.fault(f"{name}: is '{value}', wanted one of {', '.join(v for v in _VALUES[name] if v)}")
        return known or _VALUES[name][""]

    def date(self, name: str) -> str:
        value = self.text(name).replace("/", "-").removesuffix(" 00:00:00")
        if value and not _DATE.fullmatch(value):
            self.fault(f"{name}: '{value}' is no date; wanted YYYY, YYYY-MM or YYYY-MM-DD")
            return ""
        return value

    def basis(self) -> tuple[Citation, ...]:
        """Citations; 第X条 without a law takes the law before it, a law without an article stands alone."""
        value = self.row.get("basis")
        parts = self.several("basis") if isinstance(value, list) else _BASIS_BREAK.split(self.text("basis"))
        found: list[Citation] = []
        for part in (part.strip() for part in parts):
            if not part:
                continue
            citation = parse_citation(part)
            if citation is None and found and part.lstrip("和及与 ").startswith("第"):
                citation = parse_citation(found[-1].law + part.lstrip("和及与 "))
            if citation is None and "第" not in part and len(part) >= 2:
                citation = Citation(part.strip("《》"), "")
            if citation is None:
                self.fault(f"basis: '{part}' is no citation; wanted a law's title and 第X条")
            else:
                found.append(citation)
        return tuple(found)

    def wordings(self) -> tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """Question, similar, contrasted and unlike wordings."""
        question = self.text("question", LONGEST_WORDING)
        if not question:
            self.fault("question: missing")
        similar, contrasted, unlike = self.several("similar"), self.several("contrasted"), self.several("unlike")
        seen: set[str] = set()
        for wording in (question, *similar, *contrasted):
            key = wording_key(wording)
            if wording and _WORDLESS.fullmatch(wording):
                self.fault(f"question or similar: '{wording}' has no word in it")
            elif key and key in seen:
                self.fault(f"similar: '{wording}' stands twice in this entry")
            seen.add(key)
        for wording in unlike:
            if wording_key(wording) in seen:
                self.fault(f"unlike: '{wording}' is also a wording of this entry")
        return question, similar, contrasted, unlike

    def entry(self) -> Entry | None:
        id_ = self.text("id", LONGEST_ID)
        if not id_:
            self.fault("id: missing")
        elif not _ID.fullmatch(id_):
            self.fault(f"id: '{id_}' may hold letters, digits and . _ : - only")
        question, similar, contrasted, unlike = self.wordings()
        kind: Kind = "complaint" if self.choice("kind") == "complaint" else "consult"
        chosen = self.choice("priority")
        priority: Priority = next(p for p in get_args(Priority) if p == chosen)
        ask = self.several("ask")
        for name in ask:
            if name not in ASK_FIELDS:
                self.fault(f"ask: '{name}' is not one of {', '.join(ASK_FIELDS)}")
        valid_from, valid_to = self.date("valid_from"), self.date("valid_to")
        if valid_from and valid_to and valid_to < valid_from:
            self.fault(f"valid_to: {valid_to} is before valid_from {valid_from}")
        related = self.several("related")
        if id_ and id_ in related:
            self.fault("related: names the entry itself")
        entry = Entry(
            id=id_,
            question=question,
            topic=self.text("topic", LONGEST_WORDING),
            kind=kind,
            similar=similar,
            unlike=unlike,
            contrasted=contrasted,
            short=self.text("short", LONGEST_SHORT),
            answer=self.text("answer"),
            basis=self.basis(),
            next=self.several("next"),
            region=self.text("region", LONGEST_WORDING) or "全国",
            as_of=self.date("as_of"),
            valid_from=valid_from,
            valid_to=valid_to,
            related=related,
            tags=self.several("tags"),
            category=self.text("category", LONGEST_WORDING),
            priority=priority,
            ask=ask,
            unit=self.text("unit", LONGEST_WORDING),
            figures=self.several("figures"),
            formerly=self.several("formerly", LONGEST_ID),
        )
        return entry if id_ and question else None


def _across(entries: list[Entry], places: list[tuple[str, str]]) -> list[Fault]:
    """Faults between entries: an id used twice, a former id that is in use, a related id that is nowhere.

    One wording in two entries is no fault here: real banks have such, and the bot then asks back.
    """
    faults = []
    ids: dict[str, tuple[str, str]] = {}
    for entry, (file, place) in zip(entries, places, strict=True):
        if entry.id in ids:
            faults.append(Fault(file, place, f"id: '{entry.id}' is also in {ids[entry.id][0]}, {ids[entry.id][1]}"))
        ids.setdefault(entry.id, (file, place))
    former: set[str] = set()
    for entry, (file, place) in zip(entries, places, strict=True):
        faults.extend(Fault(file, place, f"formerly: '{id_}' is in use") for id_ in entry.formerly if id_ in ids or id_ in former)
        former.update(entry.formerly)
        faults.extend(Fault(file, place, f"related: no entry '{other}'") for other in entry.related if other not in ids)
    return faults
