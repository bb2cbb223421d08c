"""Durations and counts as people write them: 三年零八个月, 12个小时, 九级."""

from __future__ import annotations

import re
from decimal import Decimal

from bot.calculate.written import NUM, TWO_NUMBERS, Read, is_rough, number, tidy

_SPAN = re.compile(
    rf"(?P<y>{NUM})(?:个)?(?:周)?年(?!{NUM}月|[零一二三四五六七八九]?\d?月份|[底初末])(?P<yh>半)?(?:零|又|加|和|多)?(?:(?P<m>{NUM})个月(?P<mh>半)?)?"
    rf"|(?P<m2>{NUM})个(?:多)?月(?P<mh2>半)?|(?P<half>半年)|(?P<ymh>{NUM})个半月|(?P<yhalf>{NUM})年半"
)


def read_months(text: str) -> list[Read]:
    """Durations of years and months in a text, as whole months; half months, or 一年多, are vague."""
    text = tidy(text)
    found = []
    for match in _SPAN.finditer(text):
        if match["y"] is not None and (len(match["y"]) == 4 or re.fullmatch("[零一二三四五六七八九]{2,4}", match["y"])):
            continue  # a year's name, not a length
        if re.search(r"(?:去|前|今|明|同|当|上|第)$", text[: match.start()]):
            continue
        if match["half"]:
            months: Decimal | None = Decimal(6)
        elif match["ymh"]:
            whole = number(match["ymh"])
            months = None if whole is None else whole + Decimal("0.5")
        else:
            years, rest = number(match["y"] or "0"), number(match["m"] or match["m2"] or "0")
            months = None if years is None or rest is None else years * 12 + rest + (6 if match["yh"] else 0)
        if months is None or TWO_NUMBERS.search(text[max(0, match.start() - 1) : match.end()]):
            continue  # 一两年 is a manner of speaking
        if match["mh"] or match["mh2"]:
            months += Decimal("0.5")
        vague = (
            months != int(months)
            or "多" in match[0]
            or is_rough(text, match.start(), match.end())
            or bool(TWO_NUMBERS.search(text[max(0, match.start() - 3) : match.end()]))
        )
        found.append(Read(int(months), match.start(), match.end(), vague, unit="个月"))
    return found


def read_counts(text: str, unit: str) -> list[Read]:
    """Numbers with one unit (天, 小时, 级, 年, 个月, 人, 个) in a text."""
    text = tidy(text)
    pattern = {
        "小时": "个?(?:小时|钟头)",
        "个月": "个月",
        "年": "个?年(?!\\d|[零一二三四五六七八九十]+月)",
        "天": "(?:天|日)",
        "级": "级",
        "人": "(?:个人|人|口)",
    }
    known = re.compile(rf"(?P<n>{NUM})(?P<rough>多|来|几)?(?:{pattern.get(unit, re.escape(unit))})(?P<half>半)?")
    found = []
    for match in known.finditer(text):
        value = number(match["n"])
        if value is None or (unit == "年" and len(match["n"]) == 4) or re.search(r"第$", text[: match.start()]):
            continue
        vague = (
            value != int(value)
            or bool(match["rough"] or match["half"])
            or is_rough(text, match.start(), match.end())
            or bool(TWO_NUMBERS.search(text[max(0, match.start() - 3) : match.end()]))
        )
        found.append(Read(int(value), match.start(), match.end(), vague, unit=unit))
    return found
