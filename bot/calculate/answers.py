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


_HARMLESS = re.compile(
    r"(?:[我俺咱就是在的了呢啊呀吧嘛哦哈嗯额呃哎唉诶从到去来那就才刚共满整正好都有得约]|当天|那天|这天|公司|单位|厂里?|工地|店里|这里|上班|上的班|入职|入的职"
    r"|进[厂场公]司?的?|报[到道]|开始|干|做|工作|离职|辞职|离开|走|进的[厂场]|着|工资条上写的|签[了的收]?|收[到的]?|办[完的]?|手续|领|拿到?|一共|总共|总计|合计|正好|刚好|整整|已经"
    r"|休|加班|加|班|工资|工钱|薪水|月薪|底薪|基本|实发|到手|应发|能|发|挣|每月|每个月|一个月|月|平均|税前|税后|打到?卡[上里]?|卡里|块|元|钱|人民币|rmb|[¥￥]|\/月|[天日号]|上午|下午|早上|晚上"
    r"|[,，。.!！?？~～…、:：;；\"“”'‘’()（）-])*"
)
"""What may stand beside a value without changing it; with anything else there the value is repeated and confirmed."""


def _is_plain(clean: str, start: int, end: int) -> bool:
    """Whether a text says this value and nothing else that counts."""
    return bool(_HARMLESS.fullmatch(clean[:start]) and _HARMLESS.fullmatch(clean[end:]))


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
    if read.vague or read.precision == "month" or not _is_plain(clean, read.start, read.end):
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
    if read.vague or not _is_plain(clean, read.start, read.end):
        return Answered(read.value, vague=f"按{read.value.normalize():f}元算可以吗？")
    return Answered(read.value)


_NONE_TAKEN = re.compile(
    r"(?:一[天个小时]*(?:也|都)?没有?(?:休|加|过)*|(?:还|都|从来)?没有?(?:休|加)?过?(?:班)?|一个?都?没有?|零)(?:[了过呢啊]*)"
)


def _one_number(reads: list[Read], clean: str, unit: str = "") -> Answered | None:
    if _NONE_TAKEN.fullmatch(clean):
        return Answered(0)
    if len(reads) == 1:
        read = reads[0]
        assert isinstance(read.value, int)
        if not read.vague and _is_plain(clean, read.start, read.end):
            return Answered(read.value)
        return Answered(read.value, vague=f"按{read.value}{read.unit}算可以吗？")
    plain = number(clean)
    if plain is not None and plain == int(plain) and not reads:
        if not unit:  # how long, and no word of years or months
            return Answered(int(plain), vague=f"您说的是{int(plain)}个月吗？是几年的话，请带上“年”字。")
        return Answered(int(plain))
    return None


def find_facts(fields: tuple[Field, ...], text: str, today: date) -> dict[str, Value]:
    """Facts already in a long message: a value that stands right beside a field's own words, sure and only one; else nothing."""
    clean = tidy(text)
    found: dict[str, Value] = {}
    for field in fields:
        if field.hints:
            told = {value for pattern, value in field.hints if re.search(pattern, clean)}
            if len(told) == 1:
                found[field.name] = told.pop()
            continue
        if not (field.said or field.alone) or field.kind not in ("date", "money", "count", "months"):
            continue
        reads = [read for read in _reads(field, clean, today) if not _STILL.match(clean[read.start : read.end])]
        near = reads if field.alone else [read for read in reads if _stands_beside(field, read, clean)]
        if len({read.value for read in near}) == 1 and not any(read.vague for read in near):
            read = near[0]
            if (field.alone or len(near) == 1) and read.precision == "day" and read.per not in ("day", "hour", "year"):
                found[field.name] = read.value
    sure = {field.name for field in fields if field.hints or field.alone}
    values = [value for name, value in found.items() if name not in sure]
    # The same words read for two fields belong to neither for certain.
    return {name: value for name, value in found.items() if name in sure or values.count(value) == 1}


_STILL = re.compile("现在|目前|至今")
"""No day: 干到现在 says that it goes on."""


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
