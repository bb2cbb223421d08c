"""Numbers with their unit (三十日, 50%, 两倍, 五个工作日) found in Chinese text, in one form that compares.

Knows no law: dates, article numbers and telephone numbers are no quantities.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

import cn2an

_N = r"[零〇一二三四五六七八九十百千万亿两\d.]+"
_UNITS = {
    "个工作日": "工作日", "工作日": "工作日",
    "个自然日": "日", "个日历天": "日", "日": "日", "天": "日", "昼夜": "日",
    "个小时": "小时", "小时": "小时", "个钟头": "小时", "分钟": "分钟",
    "个月": "月", "周年": "年", "年": "年", "周岁": "岁", "岁": "岁",
    "倍": "率", "%": "率", "万元": "元", "亿元": "元", "元": "元", "块钱": "元", "块": "元",
    "级": "级", "人": "人", "名": "人", "°C": "度", "平方米": "平方米", "个星期": "周", "周": "周",
}  # fmt: skip
_UNIT = "|".join(sorted(_UNITS, key=len, reverse=True))
_DATE = re.compile(
    rf"(?:六一|八一|三八|五四)(?=儿童|建军|妇女|青年|\d|半)|周[一二三四五六]|[同那每下上]一年|同一个月|\d{{4}}\s*年(?:\s*\d{{1,2}}\s*月)?(?:\s*\d{{1,2}}\s*[日号])?|{_N}月(?:份|底|初)?(?:{_N}[日号])?(?!以)|第{_N}[条款项章节]|[二一][〇零一二三四五六七八九]{{3}}年"
)
_PART = re.compile(rf"(?:百|千|万|({_N}))分之({_N})|(?<!\d)(\d{{1,2}})/(\d{{1,2}})(?!\d)")
_QUANTITY = re.compile(rf"(?<!第)(?<![零〇一二三四五六七八九十百千万亿两\d.])({_N})(半)?({_UNIT})(半(?!个|年|天|日|小时))?")
_TENTHS = {"百": Fraction(100), "千": Fraction(1000), "万": Fraction(10000)}
_HALF = re.compile(r"半(年|个月|天|日|小时)|一半")
_ROUGH = re.compile(r"[一二三四五六七八九两]{2}")
"""三五天, 一两年: two neighbouring digits are a manner of speaking, no number."""
_MONTHS_A_YEAR = 12


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value with its unit; years are counted in months, percentages and multiples as a rate.

    Attributes:
        written: the words it was read from; not compared.
    """

    value: Fraction
    unit: str
    written: str = field(default="", compare=False)


@lru_cache(maxsize=4096)
def _number(text: str) -> Fraction | None:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        pass
    try:
        return Fraction(str(cn2an.cn2an(text.strip(".").replace("两", "二").replace("〇", "零"), "smart")))
    except (ValueError, KeyError):
        return None


def _in_one_unit(value: Fraction, unit: str) -> tuple[Fraction, str]:
    if unit == "年":
        return value * _MONTHS_A_YEAR, "月"
    if unit == "周":
        return value * 7, "日"
    return value, unit


def find_quantities(text: str) -> list[Quantity]:
    """Every quantity of the text in order; ranges such as 三至六个月 give their last number."""
    text = unicodedata.normalize("NFKC", text).replace("个百分点", "%").replace("双倍", "二倍")
    text = _DATE.sub(lambda match: "＿" * len(match[0]), text)
    found: list[tuple[int, Quantity]] = []

    def take_part(match: re.Match[str]) -> str:
        if match[3]:
            above, below = _number(match[3]), _number(match[4])
        else:
            below = _number(match[1]) if match[1] else _TENTHS[match[0][0]]
            above = _number(match[2])
        if below and above is not None:
            found.append((match.start(), Quantity(above / below, "率", match[0])))
        return "＿" * len(match[0])

    text = _PART.sub(take_part, text)
    for match in _QUANTITY.finditer(text):
        value = _number(match[1])
        if value is None or _ROUGH.fullmatch(match[1]):
            continue
        if match[2] or match[4]:
            value += Fraction(1, 2)
        if match[3] == "%":
            value /= 100
        elif match[3] in ("万元", "亿元"):
            value *= 10**4 if match[3] == "万元" else 10**8
        value, unit = _in_one_unit(value, _UNITS[match[3]])
        found.append((match.start(), Quantity(value, unit, match[0])))
    for match in _HALF.finditer(text):
        if match.start() and text[match.start() - 1] in "上下":
            continue
        unit = {"年": "年", "个月": "月", "天": "日", "日": "日", "小时": "小时"}.get(match[1] or "", "率")
        value, unit = _in_one_unit(Fraction(1, 2), unit)
        found.append((match.start(), Quantity(value, unit, match[0])))
    return [quantity for _, quantity in sorted(found, key=lambda pair: pair[0])]
