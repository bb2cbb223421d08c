"""Months, years and days between dates, exact; rounding of sums. Knows no law."""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
DAY = timedelta(days=1)
PAID_DAYS = Decimal("21.75")
"""Days paid for in an average month, statutory holidays among them (人社部发〔2025〕2号, second item)."""


def add_months(day: date, months: int) -> date:
    """The same day of a later (or earlier) month, the month's last day where it has no such day."""
    number = day.year * 12 + day.month - 1 + months
    year, month = divmod(number, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def full_months(start: date, until: date) -> tuple[int, int]:
    """Full months from `start` up to but not including `until`, and the days left over; (0, 0) where until is not later."""
    if until <= start:
        return 0, 0
    months = (until.year - start.year) * 12 + until.month - start.month
    while add_months(start, months) > until:
        months -= 1
    return months, (until - add_months(start, months)).days


def weekdays(start: date, until: date) -> int:
    """Mondays to Fridays from `start` up to but not including `until`."""
    return sum((start + timedelta(days=number)).weekday() < 5 for number in range((until - start).days))


def say_span(months: int, days: int) -> str:
    """3年8个月12天."""
    years, rest = divmod(months, 12)
    parts = [f"{years}年" if years else "", f"{rest}个月" if rest else "", f"{days}天" if days else ""]
    return "".join(parts) or "0天"


def say_day(day: date) -> str:
    """2026年3月5日."""
    return f"{day.year}年{day.month}月{day.day}日"


def cents(amount: Decimal) -> Decimal:
    """Rounded half up to 0.01 yuan; done once, at the end."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def say_money(amount: Decimal) -> str:
    """12,345.6元, without needless zeros."""
    text = f"{cents(amount):,.2f}".rstrip("0").rstrip(".")
    return f"{text}元"


def say_number(number: Decimal) -> str:
    """4.5, without needless zeros."""
    text = f"{number:.4f}".rstrip("0").rstrip(".")
    return text or "0"
