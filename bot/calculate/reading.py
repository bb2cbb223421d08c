"""Dates, durations, sums and counts as people write them; what is vague is said to be vague, never guessed.

Pure: `today` is handed in. Knows no law and no dialogue.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Literal

import cn2an

from bot.calculate.months import add_months
from bot.calculate.values import Field, Value

_CN = "零〇一二三四五六七八九十百千万两"
_NUM = rf"(?:\d+(?:,\d{{3}})*(?:\.\d+)?|[{_CN}]+)"
_ROUGH_BEFORE = re.compile(r"(?:大概|大约|差不多|将近|快|不到|不足|至少|最多|最少|起码|顶多|得有|少说|上下)(?:有|要|是|在)?$")
_ROUGH_AFTER = re.compile(r"^(?:多|来|几|左右|上下|以上|以下|出头|不到|差几|差一|[一-九]?十?几)")
_TWO_NUMBERS = re.compile(r"(?<![十百千万\d])[一二三四五六七八九两]{2}(?=[个年月天日十百千万块元人小])|\d+\s*[-~到至－—]\s*\d+")
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


def tidy(text: str) -> str:
    """Half-width, lower case, without spaces and with one kind of minus."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).lower().replace("〇", "零")


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


def _is_rough(text: str, start: int, end: int) -> bool:
    return bool(_ROUGH_BEFORE.search(text[:start]) or _ROUGH_AFTER.match(text[end:]))


# --- money -----------------------------------------------------------------------------------------------

_MONEY = re.compile(
    rf"(?P<a>{_NUM})(?P<scale>[wk]|千|万)?(?P<tail>[1-9](?![\d.年月日天个级小岁人次条款号]))?(?P<rough>多|来|几)?(?P<unit>块钱|块|元|圆|rmb)?(?P<half>[一二三四五六七八九1-9](?=毛|角))?"
)
_PER_BEFORE = re.compile(
    r"(?:(每月|一个月|月薪|月工资|每个月|月收入)|(每天|日薪|一天|日工资|每日)|(每小时|时薪|一小时|小时工资)|(年薪|一年|每年))(?:工资|收入|到手|能拿|发|挣|是|有|给|应发|大概|大约|平均|底薪|实发|的)*$"
)
_PER_AFTER = re.compile(r"^(?:/|每|一)?(?:(个?月)|(天|日)|(个?小时|时|钟头)|(年))")
_NO_MONEY_AFTER = re.compile(r"^(?:年|月|日|号|天|个|小时|级|岁|人|次|条|款|%|点|楼|路|期|倍|周|分|份|名|位|台)")
_NO_MONEY_BEFORE = re.compile(r"(?:第|电话|手机|工单|编号|尾号|拨打|\d|[.\-:/]|(?<![一每])年|(?<![个每])月)$")
_HOTLINE = re.compile(r"12[0-9]{3}|1[12]0|119|996|007")
"""Numbers that people call (12351, 12333, 110) or work by (996): no sums."""


def read_money(text: str) -> list[Read]:
    """Sums of yuan in a text, in order; numbers that are something else are left out."""
    text = tidy(text)
    found = []
    for match in _MONEY.finditer(text):
        amount, end = number(match["a"]), match.end()
        if amount is None or _NO_MONEY_BEFORE.search(text[: match.start()]):
            continue
        if _HOTLINE.fullmatch(match[0]) and not re.search("工资|月薪|每月|个月|发|到手|挣", text[: match.start()][-6:]):
            continue
        scaled = bool(match["scale"])
        if scaled:
            factor = {"w": 10_000, "万": 10_000, "k": 1000, "千": 1000}[match["scale"]]
            amount *= factor
            if match["tail"]:  # 1万2
                amount += int(match["tail"]) * factor // 10
        elif match["tail"] and match["a"].isdigit():
            continue
        elif match["tail"]:
            end = match.start("tail")
        if not match["unit"] and not scaled and _NO_MONEY_AFTER.match(text[end:]):
            per_after = re.match(r"^(?:一个月|每月|一天|一年|一小时)", text[end:])
            if not per_after:
                continue
        plain = not match["unit"] and not scaled and not re.search("[百千万]", match["a"])
        if plain and not ((match["a"].isdigit() and 2 <= len(match["a"]) <= 7) or re.fullmatch(r"\d+\.\d+|\d{1,3}(,\d{3})+", match["a"])):
            continue
        vague = (
            bool(match["rough"])
            or _is_rough(text, match.start(), end)
            or bool(_TWO_NUMBERS.search(text[max(0, match.start() - 1) : end + 3]))
        )
        found.append(Read(amount, match.start(), end, vague, _per(text, match.start(), end)))
    return found


def _per(text: str, start: int, end: int) -> Per:
    names: tuple[Per, ...] = ("month", "day", "hour", "year")
    for match in (_PER_BEFORE.search(text[:start]), _PER_AFTER.match(text[end:])):
        if match:
            return next(name for name, group in zip(names, match.groups(), strict=True) if group)
    return ""


# --- durations -------------------------------------------------------------------------------------------

_SPAN = re.compile(
    rf"(?P<y>{_NUM})(?:个)?(?:周)?年(?!{_NUM}月|[零一二三四五六七八九]?\d?月份|[底初末])(?P<yh>半)?(?:零|又|加|和|多)?(?:(?P<m>{_NUM})个月(?P<mh>半)?)?"
    rf"|(?P<m2>{_NUM})个(?:多)?月(?P<mh2>半)?|(?P<half>半年)|(?P<ymh>{_NUM})个半月|(?P<yhalf>{_NUM})年半"
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
        if months is None or _TWO_NUMBERS.search(text[max(0, match.start() - 1) : match.end()]):
            continue  # 一两年 is a manner of speaking
        if match["mh"] or match["mh2"]:
            months += Decimal("0.5")
        vague = (
            months != int(months)
            or "多" in match[0]
            or _is_rough(text, match.start(), match.end())
            or bool(_TWO_NUMBERS.search(text[max(0, match.start() - 3) : match.end()]))
        )
        found.append(Read(int(months), match.start(), match.end(), vague, unit="个月"))
    return found


# --- counts ----------------------------------------------------------------------------------------------


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
    known = re.compile(rf"(?P<n>{_NUM})(?P<rough>多|来|几)?(?:{pattern.get(unit, re.escape(unit))})(?P<half>半)?")
    found = []
    for match in known.finditer(text):
        value = number(match["n"])
        if value is None or (unit == "年" and len(match["n"]) == 4) or re.search(r"第$", text[: match.start()]):
            continue
        vague = (
            value != int(value)
            or bool(match["rough"] or match["half"])
            or _is_rough(text, match.start(), match.end())
            or bool(_TWO_NUMBERS.search(text[max(0, match.start() - 3) : match.end()]))
        )
        found.append(Read(int(value), match.start(), match.end(), vague, unit=unit))
    return found


# --- dates -----------------------------------------------------------------------------------------------

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
_AGO = re.compile(rf"(?P<n>{_NUM})(?P<unit>天|个月|年)(?:以)?前")
_VAGUE_AFTER = re.compile(r"^(?:左右|前后|以后|之后|以前|之前|多|来|那会儿|那阵)")
_DIGITS = {character: str(place) for place, character in enumerate("零一二三四五六七八九")}


def read_dates(text: str, today: date) -> list[Read]:
    """Dates in a text, in order. A month or a year alone keeps its precision; its value is the first day of it."""
    text = tidy(text)
    found: list[Read] = []
    for pattern, make in (
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
    vague = groups.get("part") is not None or groups.get("m") == "腊" or bool(_VAGUE_AFTER.match(text[match.end() :]))
    vague = vague or bool(_ROUGH_BEFORE.search(text[: match.start()]))
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


def _from_ago(match: re.Match[str], text: str, today: date) -> Read | None:
    value = number(match["n"])
    if value is None:
        return None
    if match["unit"] == "天":
        return Read(today - timedelta(days=int(value)), match.start(), match.end())
    months = int(value) * (12 if match["unit"] == "年" else 1)
    return Read(add_months(today, -months), match.start(), match.end(), True)


# --- answers ---------------------------------------------------------------------------------------------

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
