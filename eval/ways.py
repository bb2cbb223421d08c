"""Ways of writing dates, sums and durations: understood, asked back or taken wrongly; one JSON object a table.

python -m eval.ways [--show]

Both tables in eval/data were written by somebody who had not seen the readers, for the day 2026-11-26. ways_dev.tsv was
measured first (12 of 200 taken wrongly) and then mended by rules; ways_heldout.tsv was written afterwards and is never
tuned on. `expected` is a value, `ask` (a careful human would ask back) or `none` (says nothing of the kind). A value where
there is none to have, or another value, is wrong; to ask back where a value was plain costs a turn and is counted by itself.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

from bot.calculate.answers import read_field
from bot.calculate.values import Field, FieldKind, Value

TABLES = tuple(Path(__file__).resolve().parent / "data" / f"ways_{name}.tsv" for name in ("dev", "heldout"))
TODAY = date(2026, 11, 26)
_FIELDS: dict[str, tuple[FieldKind, str]] = {
    "date": ("date", ""),
    "money": ("money", ""),
    "months": ("months", "个月"),
    "days": ("count", "天"),
    "hours": ("count", "小时"),
}


def read(kind: str, text: str) -> str:
    """What is made of a way of writing: the value, `ask`, or `none`."""
    field_kind, unit = _FIELDS[kind]
    answered = read_field(Field("x", "x", field_kind, "?", unit=unit), text, TODAY)
    if answered is None:
        return "none"
    if answered.vague or answered.unknown or answered.value is None:
        return "ask"
    return _text(answered.value)


def _text(value: Value | str) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return f"{Decimal(str(value)).normalize():f}"


def outcome(expected: str, got: str) -> str:
    """right, asked (asked back though a value was plain), or wrong (a value that is not there, or another one)."""
    wanted = expected if expected in ("ask", "none") else expected if "-" in expected else _text(expected)
    if got == wanted:
        return "right"
    if got in ("ask", "none"):  # either way the worker is asked once more
        return "right" if expected in ("ask", "none") else "asked"
    return "wrong"


def measure(table: Path) -> tuple[dict[str, Counter[str]], list[str]]:
    """Outcomes by kind, and a line for every row that is not right."""
    totals: dict[str, Counter[str]] = {}
    lines = []
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            got = read(row["kind"], row["text"])
            result = outcome(row["expected"], got)
            totals.setdefault(row["kind"], Counter())[result] += 1
            if result != "right":
                lines.append(f"{result}\t{row['kind']}\t{row['text']}\texpected {row['expected']}\tgot {got}")
    return totals, lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--show", action="store_true", help="every row that is not right")
    chosen = parser.parse_args(arguments)
    for table in TABLES:
        totals, lines = measure(table)
        if chosen.show:
            print("\n".join(lines))
        whole: Counter[str] = sum(totals.values(), Counter())
        print(json.dumps({"table": table.stem, "all": dict(whole)} | {kind: dict(found) for kind, found in totals.items()}))


if __name__ == "__main__":
    main()
