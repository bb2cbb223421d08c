"""The figures as CSV and Excel, with every cell inert: a formula typed by a worker stays text.

Knows tables of values, not where they come from.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import xlsxwriter

Table = tuple[str, Sequence[str], list[Sequence[Any]]]
_GROUPS = {
    "by_channel": "渠道",
    "by_region": "地区",
    "by_topic": "主题",
    "by_reason": "转人工原因",
    "by_kind": "工单类别",
    "complaints": "投诉类别",
}
_RATES = (
    ("tickets", "工单"),
    ("accepted_in_time", "受理及时率"),
    ("done", "已办理"),
    ("done_in_time", "办理及时率"),
    ("closed", "已结案"),
    ("rated", "已评价"),
    ("satisfied", "满意率"),
)
_TOTALS = {
    "conversations": "会话",
    "questions": "提问",
    "answered": "机器人答复",
    "asked_back": "反问",
    "handed_over": "转人工",
    "answered_share": "机器人答复率",
} | dict(_RATES)
_DAYS = {"day": "日期", "answered": "机器人答复", "asked_back": "反问", "handed_over": "转人工", "tickets": "新工单"}


def tables(figures: dict[str, Any]) -> list[Table]:
    """The figures as titled tables with Chinese headings; empty where a rate has no case."""
    found: list[Table] = [("总数", ("指标", "数值"), [(label, figures["totals"].get(key)) for key, label in _TOTALS.items()])]
    found.append(("按天", tuple(_DAYS.values()), [[row[key] for key in _DAYS] for row in figures["by_day"]]))
    for key, title in _GROUPS.items():
        headings = (title, *(label for _, label in _RATES))
        found.append((f"按{title}", headings, [[row["name"], *(row[name] for name, _ in _RATES)] for row in figures[key]]))
    found.append(("答复主题", ("主题", "次数"), [(row["name"], row["count"]) for row in figures["answered_topics"]]))
    found.append(("没答上的话", ("原话", "次数"), [(row["text"], row["count"]) for row in figures["unanswered"]]))
    return found


def inert(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula (OWASP ASVS 5.0, 1.2.10)."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else value


def to_csv(found: Iterable[Table]) -> bytes:
    """All tables one below the other; UTF-8 with the mark that Excel wants."""
    out = io.StringIO()
    writer = csv.writer(out)
    for title, headings, rows in found:
        writer.writerow([title])
        writer.writerow(headings)
        for row in rows:
            writer.writerow(["" if cell is None else inert(cell) for cell in row])
        writer.writerow([])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def to_xlsx(found: Iterable[Table]) -> bytes:
    """A sheet a table; rates as percentages."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        bold, percent = book.add_format({"bold": True, "bg_color": "#fdf0ee"}), book.add_format({"num_format": "0.0%"})
        for title, headings, rows in found:
            sheet = book.add_worksheet(title)
            sheet.freeze_panes(1, 0)
            sheet.set_column(0, 0, 28)
            sheet.set_column(1, len(headings), 13)
            sheet.write_row(0, 0, headings, bold)
            for number, row in enumerate(rows, start=1):
                rate = str(row[0]).endswith("率")
                for column, cell in enumerate(row):
                    share = rate or headings[column].endswith("率")
                    if isinstance(cell, str):
                        sheet.write_string(number, column, inert(cell))
                    elif cell is not None:
                        sheet.write_number(number, column, cell, percent if share else None)
    return out.getvalue()
