"""Input that cannot be, or hardly can: asked back in one place, so that every calculation asks alike."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from bot.calculate.months import say_day, say_money
from bot.calculate.values import Doubt

LOWEST_MONTH, HIGHEST_MONTH = Decimal(500), Decimal(1_000_000)
"""A monthly wage outside these is more likely a daily or a yearly one: no legal figure, a guard against slips."""
FIRST_DAY = date(1950, 1, 1)
LONGEST_YEARS = 50


def doubt_wage(field: str, wage: Decimal) -> Doubt | None:
    """A monthly wage that is none."""
    if wage <= 0:
        return Doubt(field, "工资要大于0。麻烦您再说一遍，一个月多少钱？")
    if wage < LOWEST_MONTH:
        return Doubt(field, f"您说的是每月{say_money(wage)}吗？这像是日工资。麻烦您说一下一个月大约多少钱。")
    if wage > HIGHEST_MONTH:
        return Doubt(field, f"您说的是每月{say_money(wage)}吗？这像是一年的。麻烦您说一下一个月多少钱。")
    return None


def doubt_span(first: str, start: date, last: str, end: date) -> Doubt | None:
    """A span that runs backwards or is longer than a working life."""
    if start < FIRST_DAY:
        return Doubt(first, f"{say_day(start)}太早了，麻烦您再说一遍入职的日期。")
    if end < start:
        return Doubt(last, f"{say_day(end)}比{say_day(start)}还早，麻烦您再说一遍。")
    if (end - start).days > LONGEST_YEARS * 366:
        return Doubt(first, f"从{say_day(start)}到{say_day(end)}超过{LONGEST_YEARS}年了，麻烦您核对一下。")
    return None


def doubt_count(field: str, number: int, low: int, high: int, what: str) -> Doubt | None:
    """A number outside what can be."""
    if not low <= number <= high:
        return Doubt(field, f"{what}应在{low}到{high}之间，您说的是{number}，麻烦您再核对一下。")
    return None
