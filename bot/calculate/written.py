"""A value read off a text, numbers in figures and characters, and what makes a number only rough. Knows no units."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Literal

import cn2an

_CN = "零〇一二三四五六七八九十百千万两"
NUM = rf"(?:\d+(?:,\d{{3}})*(?:\.\d+)?|[{_CN}]+)"
ROUGH_BEFORE = re.compile(r"(?:大概|大约|差不多|将近|快|不到|不足|至少|最多|最少|起码|顶多|得有|少说|上下)(?:有|要|是|在)?$")
_ROUGH_AFTER = re.compile(r"^(?:多|来|几|左右|上下|以上|以下|出头|不到|差几|差一|[一-九]?十?几)")
TWO_NUMBERS = re.compile(r"(?<![十百千万\d])[一二三四五六七八九两]{2}(?=[个年月天日十百千万块元人小])|\d+\s*[-~到至－—]\s*\d+")
Per = Literal["", "month", "day", "hour", "year"]


@dataclass(frozen=True, slots=True)
class Read:
    """Something read off a text.

    Attributes:
        value: date, Decimal yuan, or int (months for durations, else the count).
        start, end: where it stands in the text.
        vague: it is only roughly so: to be asked back.
        per: for money, the time it is for; empty where the text does not say.
        precision: for dates, day, month or year.
        unit: for counts, the unit's word.
    """

    value: date | Decimal | int
    start: int
    end: int
    vague: bool = False
    per: Per = ""
    precision: Literal["day", "month", "year"] = "day"
    unit: str = ""


_FORMAL = str.maketrans("〇壹贰叁肆伍陆柒捌玖拾佰仟萬", "零一二三四五六七八九十百千万")
_SPOKEN = (
    (re.compile("(俩|仨)(?=月)"), lambda match: "两个" if match[1] == "俩" else "三个"),
    (re.compile("俩(?!口|人)"), lambda match: "两"),
    (re.compile("仨(?!人)"), lambda match: "三"),
    (re.compile("廿"), lambda match: "二十"),
    (re.compile("卅"), lambda match: "三十"),
    (re.compile(r"(?<=\d)h(?![a-z])"), lambda match: "小时"),
    (re.compile("礼拜|星期"), lambda match: "周"),
    (re.compile("([昨今前])儿个?"), lambda match: f"{match[1]}天"),
    (re.compile(r"(?<=\d)(?:园|圆|快)(?!\d)"), lambda match: "元"),
    (re.compile(r"(?<=\d)好(?=$|[,，。了入进来去])"), lambda match: "号"),
)
"""How people say and mistype numbers and units, and the plain form."""


def tidy(text: str) -> str:
    """Half-width, lower case, without spaces, with one kind of minus and plain numerals."""
    flat = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).lower().translate(_FORMAL)
    for pattern, plain in _SPOKEN:
        flat = pattern.sub(plain, flat)
    return flat


@lru_cache(maxsize=4096)
def number(text: str) -> Decimal | None:
    """5500, 5,500, 五千五, 一万二, 两百, 十五; None where it is no number."""
    bare = text.replace(",", "")
    try:
        return Decimal(bare)
    except InvalidOperation:
        pass
    if not re.fullmatch(rf"[{_CN}]+", bare):
        return None
    if re.fullmatch("[零一二三四五六七八九]{2,}", bare):  # digit by digit, as in years
        return None
    shorter = re.fullmatch(r"(.*([万千百]))([一二三四五六七八九])", bare)
    try:
        if shorter and "零" not in bare:  # 五千五 is 5,500
            step = {"万": 1000, "千": 100, "百": 10}[shorter[2]]
            return Decimal(str(cn2an.cn2an(shorter[1].replace("两", "二"), "smart"))) + int(cn2an.cn2an(shorter[3], "smart")) * step
        return Decimal(str(cn2an.cn2an(bare.replace("两", "二"), "smart")))
    except (ValueError, KeyError):
        return None


def is_rough(text: str, start: int, end: int) -> bool:
    return bool(ROUGH_BEFORE.search(text[:start]) or _ROUGH_AFTER.match(text[end:]))
