"""Rows of CSV, JSONL, XLSX and YAML bank files as plain mappings with a place each.

Knows file formats, not what the columns mean.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import python_calamine
import yaml

from knowledge.records import Fault

Row = tuple[str, dict[str, object]]
"""Where it stands (row number, or entry id), and its cells by column name."""

SUFFIXES = (".csv", ".jsonl", ".xlsx", ".yaml", ".yml")
_MOST_UNPACKED = 512 * 1024 * 1024
_EXCEL_ERRORS = {"#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!"}


def read_rows(path: Path) -> tuple[list[Row], list[Fault]]:
    """Rows of one file, and the rows that are no rows."""
    readers = {".csv": _read_csv, ".jsonl": _read_jsonl, ".xlsx": _read_xlsx, ".yaml": _read_yaml, ".yml": _read_yaml}
    rows: list[Row] = []
    faults: list[Fault] = []
    try:
        for place, row in readers[path.suffix.lower()](path):
            if isinstance(row, dict):
                rows.append((place, row))
            else:
                faults.append(Fault(path.name, place, row))
    except Exception as error:  # a file broken in any way is a fault of the file
        faults.append(Fault(path.name, "-", f"cannot be read: {type(error).__name__}: {error}"))
    return rows, faults


def _read_csv(path: Path) -> Iterator[tuple[str, dict[str, object] | str]]:
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:  # Excel in China saves CSV as GBK
        text = raw.decode("gb18030")
    reader = csv.reader(io.StringIO(text, newline=""))
    yield from _named(reader)


def _read_xlsx(path: Path) -> Iterator[tuple[str, dict[str, object] | str]]:
    with zipfile.ZipFile(path) as archive:  # a bomb is refused before it is opened
        unpacked = sum(info.file_size for info in archive.infolist())
    if unpacked > _MOST_UNPACKED:
        raise ValueError(f"unpacks to {unpacked} bytes, more than {_MOST_UNPACKED}")
    sheet = python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0)
    yield from _named([_excel_cell(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False))


def _excel_cell(cell: object) -> str:
    # Excel stores every number as a float: 1001 comes back as 1001.0.
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell)


def _named(lines: Iterator[list[str]] | csv._reader) -> Iterator[tuple[str, dict[str, object] | str]]:  # type: ignore[name-defined]
    header: list[str] | None = None
    for number, cells in enumerate(lines, start=1):
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            header = [cell.strip() for cell in cells]
            while header and not header[-1]:
                header.pop()
            twice = sorted({name for name in header if name and header.count(name) > 1})
            if twice:
                yield "row 1", f"column named twice: {', '.join(twice)}"
            continue
        extra = [cell for cell in cells[len(header) :] if cell.strip()]
        broken = sorted(_EXCEL_ERRORS.intersection(cells))
        if extra:
            yield f"row {number}", f"{len(cells)} cells under {len(header)} column names; quote cells that contain commas"
        elif broken:
            yield f"row {number}", f"a formula gave {broken[0]}; put the value itself"
        else:
            yield f"row {number}", dict(zip(header, cells, strict=False))
    if header is None:
        yield "-", "empty file; wanted a first row with column names"


def _read_jsonl(path: Path) -> Iterator[tuple[str, dict[str, object] | str]]:
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            yield f"row {number}", f"no JSON: {error.msg} at character {error.pos + 1}"
            continue
        yield f"row {number}", row if isinstance(row, dict) else f"wanted a JSON object, found {type(row).__name__}"


def _read_yaml(path: Path) -> Iterator[tuple[str, dict[str, object] | str]]:
    data = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CBaseLoader)  # noqa: S506 - builds text, lists and mappings only
    if not isinstance(data, dict) or not isinstance(data.get("entries"), list):
        yield "-", "wanted a mapping with 'topic' and a list 'entries'"
        return
    for number, row in enumerate(data["entries"], start=1):
        if isinstance(row, dict):
            yield str(row.get("id") or f"entry {number}"), {"topic": data.get("topic", "")} | row
        else:
            yield f"entry {number}", f"wanted a mapping, found {type(row).__name__}"
