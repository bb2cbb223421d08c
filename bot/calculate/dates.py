"""Dates as people write them; a month or a year alone keeps its precision. `today` is handed in."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Literal

from bot.calculate.months import add_months
from bot.calculate.written import NUM, ROUGH_BEFORE, Read, number, tidy

_Y = r"(?P<y>\d{4}|\d{2}|[一二][零一二三四五六七八九]{3}|[零一二三四五六七八九]{2}|今|去|前|大前|明|本|上)"
_M = r"(?P<m>1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九正]|腊)"
_D = r"(?P<d>3[01]|[12]\d|0?[1-9]|[二三]?十[一二三四五六七八九]?|[一二三四五六七八九])"
_FULL = re.compile(
    rf"(?<!\d){_Y}年(?:的)?(?:{_M}月(?:份)?(?:{_D}[日号]?(?!\d|个|天))?)?(?P<part>底|初|末|中旬|上半年|下半年|年底|国庆|五一|春节|元旦)?"
)
_NUMERIC = re.compile(r"(?<![\d.])(?P<y>(?:19|20)\d{2})[-/.](?P<m>1[0-2]|0?[1-9])(?:[-/.](?P<d>3[01]|[12]\d|0?[1-9]))?(?![\d.])")
_EIGHT = re.compile(r"(?<!\d)(?P<y>(?:19|20)\d{2})(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])(?!\d)")
_MONTH_DAY = re.compile(rf"(?<![\d年]){_M}月(?:份)?(?:{_D}[日号]?(?!\d|个|天))?")
_RELATIVE = re.compile(rf"(?P<what>今天|今日|现在|目前|至今|昨天|前天|大前天)|(?P<when>上上?个?月|这个?月|本月)(?:{_D}[日号])?")
_AGO = re.compile(rf"(?P<n>{NUM})(?P<unit>天|个月|年)(?:以)?前")
_VAGUE_AFTER = re.compile(r"^(?:左右|前后|以后|之后|以前|之前|多|来(?!的|了|到|报|上)|那会儿|那阵|[前后]一天)")
_WEEKDAY = re.compile(r"(?P<week>上上|上|这|本)个?周(?P<w>[一二三四五六日天1-6])")
_LAST_DAY = re.compile(r"(?P<month>上上?个?月|这个月|本月)(?:的)?最后一天")
_HOLIDAYS = {"元旦": (1, 1), "五一": (5, 1), "劳动节": (5, 1), "国庆": (10, 1)}
_HOLIDAY = re.compile(r"(?P<y>\d{4}|\d{2}|今|去|前|大前)年(?:的)?(?P<name>元旦|五一|劳动节|国庆)节?(?P<day>那天|当天|当日|前一天)")
"""Holidays of a fixed day of the sun's calendar; the spell of free days around them is no day."""
_DIGITS = {character: str(place) for place, character in enumerate("零一二三四五六七八九")}


def read_dates(text: str, today: date) -> list[Read]:
    """Dates in a text, in order. A month or a year alone keeps its precision; its value is the first day of it."""
    text = tidy(text)
    found: list[Read] = []
    for pattern, make in (
        (_HOLIDAY, _from_holiday),
        (_LAST_DAY, _from_last_day),
        (_WEEKDAY, _from_weekday),
        (_EIGHT, _from_parts),
        (_NUMERIC, _from_parts),
        (_FULL, _from_parts),
        (_AGO, _from_ago),
        (_RELATIVE, _from_relative),
        (_MONTH_DAY, _from_month),
    ):
        for match in pattern.finditer(text):
            if any(match.start() < other.end and other.start < match.end() for other in found):
                continue
            read = make(match, text, today)
            if read is not None:
                found.append(read)
    return sorted(found, key=lambda read: read.start)


def _from_parts(match: re.Match[str], text: str, today: date) -> Read | None:
    groups = match.groupdict()
    year = _year(groups["y"], today)
    if year is None:
        return None
    if groups.get("m") is None and groups.get("part") is None and re.fullmatch(r"\d{2}|[零一二三四五六七八九]{2}", groups["y"]):
        return None  # 18年 may be eighteen years
    month = _small(groups.get("m"))
    day = _small(groups.get("d"))
    vague = groups.get("part") is not None or groups.get("m") in ("腊", "正") or bool(_VAGUE_AFTER.match(text[match.end() :]))
    vague = vague or bool(ROUGH_BEFORE.search(text[: match.start()]))
    return _made(year, month, day, match, vague)


def _made(year: int, month: int | None, day: int | None, match: re.Match[str], vague: bool) -> Read | None:
    try:
        value = date(year, month or 1, day or 1)
    except ValueError:
        return None
    precision: Literal["day", "month", "year"] = "day" if day else "month" if month else "year"
    return Read(value, match.start(), match.end(), vague, precision=precision)


def _year(text: str, today: date) -> int | None:
    named = {"今": 0, "本": 0, "去": -1, "上": -1, "前": -2, "大前": -3, "明": 1}
    if text in named:
        return today.year + named[text]
    digits = "".join(_DIGITS.get(character, character) for character in text)
    if len(digits) == 4:
        return int(digits) if 1940 <= int(digits) <= today.year + 60 else None
    if len(digits) == 2:
        value = 2000 + int(digits)
        return value if value <= today.year + 1 else 1900 + int(digits)
    return None


def _small(text: str | None) -> int | None:
    if not text:
        return None
    if text in ("正", "腊"):
        return {"正": 1, "腊": 12}[text]
    value = number(text)
    return None if value is None else int(value)


def _from_month(match: re.Match[str], text: str, today: date) -> Read | None:
    """A month without a year: the latest one that has come, but vague, for another year may be meant."""
    if re.search(r"(?:个|满|每|多|零|[十百千万\d])$", text[: match.start()]) or re.match("工资|薪", text[match.end() :]):
        return None
    month, day = _small(match["m"]), _small(match["d"])
    if month is None:
        return None
    year = today.year if (month, day or 1) <= (today.month, today.day) else today.year - 1
    return _made(year, month, day, match, True)


def _from_relative(match: re.Match[str], text: str, today: date) -> Read | None:
    if match["what"]:
        back = {"昨天": 1, "前天": 2, "大前天": 3}.get(match["what"], 0)
        return Read(today - timedelta(days=back), match.start(), match.end())
    back = {"上": 1, "上上": 2}.get(re.match("上*", match["when"])[0], 0)  # type: ignore[index]
    first = add_months(today.replace(day=1), -back)
    return _made(first.year, first.month, _small(match["d"]), match, False)


def _from_holiday(match: re.Match[str], text: str, today: date) -> Read | None:
    year = _year(match["y"], today)
    if year is None:
        return None
    day = date(year, *_HOLIDAYS[match["name"]]) - timedelta(days=match["day"] == "前一天")
    return Read(day, match.start(), match.end())


def _from_last_day(match: re.Match[str], text: str, today: date) -> Read | None:
    back = {"上": 1, "上上": 2}.get(re.match("上*", match["month"])[0], 0)  # type: ignore[index]
    return Read(add_months(today.replace(day=1), 1 - back) - timedelta(days=1), match.start(), match.end())


def _from_weekday(match: re.Match[str], text: str, today: date) -> Read | None:
    """上周五: the Friday of the week before; weeks begin on Monday."""
    back = {"上上": 2, "上": 1}.get(match["week"], 0)
    place = "一二三四五六日".index({"天": "日"}.get(match["w"], match["w"])) if not match["w"].isdigit() else int(match["w"]) - 1
    day = today - timedelta(days=today.weekday() + 7 * back - place)
    return Read(day, match.start(), match.end()) if day <= today else None


def _from_ago(match: re.Match[str], text: str, today: date) -> Read | None:
    value = number(match["n"])
    if value is None:
        return None
    if match["unit"] == "天":
        return Read(today - timedelta(days=int(value)), match.start(), match.end())
    months = int(value) * (12 if match["unit"] == "年" else 1)
    return Read(add_months(today, -months), match.start(), match.end(), True)
