"""Sums of yuan as people write them, and the time they are for."""

from __future__ import annotations

import re

from bot.calculate.written import NUM, TWO_NUMBERS, Per, Read, is_rough, number, tidy

_MONEY = re.compile(
    rf"(?P<a>{NUM})(?P<scale>[wk]|千|万)?(?P<tail>[1-9](?![\d.年月日天个级小岁人次条款号]))?(?P<rough>多|来|几)?(?P<unit>块钱|块|元|圆|rmb)?(?P<half>(?<=块)[一二三四五六七八九1-9](?:毛|角)?(?![\d百千万十]))?"
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
        if match["half"]:  # 八块五 is 8.5
            tenth = number(match["half"][0])
            amount += tenth / 10 if tenth is not None else 0
        if not match["unit"] and not scaled and _NO_MONEY_AFTER.match(text[end:]):
            per_after = re.match(r"^(?:一个月|每月|一天|一年|一小时)", text[end:])
            if not per_after:
                continue
        plain = not match["unit"] and not scaled and not re.search("[百千万]", match["a"])
        if plain and not ((match["a"].isdigit() and 2 <= len(match["a"]) <= 7) or re.fullmatch(r"\d+\.\d+|\d{1,3}(,\d{3})+", match["a"])):
            continue
        vague = (
            bool(match["rough"])
            or is_rough(text, match.start(), end)
            or bool(TWO_NUMBERS.search(text[max(0, match.start() - 1) : end + 3]))
        )
        found.append(Read(amount, match.start(), end, vague, _per(text, match.start(), end)))
    return found


def _per(text: str, start: int, end: int) -> Per:
    names: tuple[Per, ...] = ("month", "day", "hour", "year")
    for match in (_PER_BEFORE.search(text[:start]), _PER_AFTER.match(text[end:])):
        if match:
            return next(name for name, group in zip(names, match.groups(), strict=True) if group)
    return ""
