"""What a message answers to one asked field, and which facts a long message already holds; vague ones are asked back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from bot.calculate.dates import read_dates
from bot.calculate.money import read_money
from bot.calculate.spans import read_counts, read_months
from bot.calculate.values import Field, Value
from bot.calculate.written import Read, number, tidy

_YES = re.compile(
    r"^(?:是|是的|对|对的|有|有的|嗯+|签了|交了|缴了|通知了|需要|会|要|yes|y|打算|提前了|都有|给了|参加了)[啊呀呢吧了的。!！]*$"
)
_NO = re.compile(
    r"^(?:不是|不|没|没有|没有的|不对|没签|没交|没缴|没通知|不需要|不会|不要|no|n|无|不打算|没打算|没提前|没给|没参加)[啊呀呢吧了的。!！]*$"
)
_UNKNOWN = re.compile(r"^(?:我?也?(?:不知道|不清楚|记不清|记不得|忘了|不记得|不晓得|没注意)|跳过|不会算|不好说)[啊呀呢吧了的。!！]*$")


@dataclass(frozen=True, slots=True)
class Answered:
    """What a message says to one field: a value, that it is unknown, or a vague value to be confirmed."""

    value: Value | None = None
    unknown: bool = False
    vague: str = ""


def read_field(field: Field, text: str, today: date) -> Answered | None:
    """What a short message answers to a field's question; None where it answers nothing."""
    clean = tidy(text).strip("。,，!！?？")
    if _UNKNOWN.match(clean):
        return Answered(unknown=True)
    match field.kind:
        case "yes":
            return Answered(True) if _YES.match(clean) else Answered(False) if _NO.match(clean) else None
        case "choice":
            return _choice(field, clean)
        case "date":
            return _one_date(clean, today)
        case "money":
            return _one_money(clean)
        case "months":
            return _one_number(read_months(clean), clean)
        case "count":
            return _one_number(read_counts(clean, field.unit) or (read_months(clean) if field.unit == "个月" else []), clean, field.unit)


def _choice(field: Field, clean: str) -> Answered | None:
    pick = re.fullmatch(r"(?:第|选)?([1-9一二三四五六七八九])(?:个|条|项|种)?", clean)
    if pick:
        place = int(pick[1]) if pick[1].isdigit() else "一二三四五六七八九".index(pick[1]) + 1
        return Answered(field.choices[place - 1][0]) if place <= len(field.choices) else None
    same = [key for key, label in field.choices if tidy(label) == clean or (len(clean) >= 2 and clean in tidy(label))]
    return Answered(same[0]) if len(same) == 1 else None


def _one_date(clean: str, today: date) -> Answered | None:
    if re.fullmatch(r"(?:还在上班|还在干|一直没签|没签|现在还在)", clean):
        return Answered(today)
    dates = read_dates(clean, today)
    if len(dates) != 1:
        return None
    read = dates[0]
    assert isinstance(read.value, date)
    if read.precision == "year":
        return Answered(vague=f"{read.value.year}年的几月几日？")
    if read.vague or read.precision == "month":
        what = f"{read.value.year}年{read.value.month}月" + (f"{read.value.day}日" if read.precision == "day" else "")
        return Answered(read.value, vague=f"您说的是{what}吗？" + ("按1日算可以吗？" if read.precision == "month" else ""))
    return Answered(read.value)


def _one_money(clean: str) -> Answered | None:
    sums = read_money(clean)
    if not sums and re.fullmatch(r"(?:一分)?(?:没有|没发|没给|零|0)元?", clean):
        return Answered(Decimal(0))
    if len(sums) != 1:
        plain = number(clean)
        if plain is None or sums:
            return None
        return Answered(plain)
    read = sums[0]
    assert isinstance(read.value, Decimal)
    if read.per in ("day", "hour", "year"):
        return Answered(vague="这里要一个月的数。一个月大约多少钱？")
    if read.vague:
        return Answered(read.value, vague=f"按{read.value.normalize():f}元算可以吗？")
    return Answered(read.value)


def _one_number(reads: list[Read], clean: str, unit: str = "") -> Answered | None:
    if len(reads) == 1 and not reads[0].vague:
        assert isinstance(reads[0].value, int)
        return Answered(reads[0].value)
    if len(reads) == 1:
        return Answered(reads[0].value if isinstance(reads[0].value, int) else None, vague=f"按{reads[0].value}{reads[0].unit}算可以吗？")
    plain = number(clean)
    if plain is not None and plain == int(plain) and not reads:
        return Answered(int(plain))
    if re.fullmatch(r"(?:没有|没|一个?都?没有?|零|没休)", clean):
        return Answered(0)
    return None


def find_facts(fields: tuple[Field, ...], text: str, today: date) -> dict[str, Value]:
    """Facts already in a long message: a value that stands right beside a field's own words, sure and only one; else nothing."""
    clean = tidy(text)
    found: dict[str, Value] = {}
    for field in fields:
        if not field.said or field.kind not in ("date", "money", "count", "months"):
            continue
        reads = list(_reads(field, clean, today))
        near = [read for read in reads if _stands_beside(field, read, clean)]
        if len(near) == 1 and not near[0].vague and near[0].precision == "day" and near[0].per not in ("day", "hour", "year"):
            found[field.name] = near[0].value
    values = list(found.values())
    # The same words read for two fields belong to neither for certain.
    return {name: value for name, value in found.items() if values.count(value) == 1}


def _reads(field: Field, clean: str, today: date) -> Iterator[Read]:
    if field.kind == "date":
        yield from read_dates(clean, today)
    elif field.kind == "money":
        yield from read_money(clean)
    elif field.kind == "count":
        yield from read_counts(clean, field.unit)
    else:
        yield from read_months(clean)


def _stands_beside(field: Field, read: Read, clean: str) -> bool:
    before = re.split("[,，。;；!！?？]", clean[: read.start])[-1][-8:]
    after = re.split("[,，。;；!！?？]", clean[read.end :])[0][:4]
    return any(word in before or word in after for word in field.said)
