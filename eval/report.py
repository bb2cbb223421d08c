"""Figures and case rows to files a person can open: summary.json and cases.jsonl."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path


def write_report(folder: Path, figures: dict[str, object], rows: Sequence[dict[str, object]]) -> Path:
    """Write both files into the folder, wrong answers and misses first; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "summary.json").write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    ordered = sorted(rows, key=_is_right)
    (folder / "cases.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ordered), encoding="utf-8")
    return folder


def _is_right(row: dict[str, object]) -> bool:
    wanted, found = row["wanted"], row["found"]
    if not isinstance(wanted, list) or not isinstance(found, list):
        return True
    return bool(wanted) == bool(found) and (not wanted or found[0] in wanted)
