"""What is read off a text once, to set it beside another: numbers, negations, what is asked, who, when, legal terms.

Knows the words of questions about work; knows nothing of scores, encoders or the bank.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any
from zlib import crc32

from bot.text import cut, grams, legal_terms, normalise, sound, squeeze, strip_fillers
from knowledge.quantities import Quantity, find_quantities

LONGEST_READ = 200
"""Characters; beyond it a story goes on that numbers and negations say little about."""
BUCKETS = 2**16
"""Grams and words are kept as numbers below this (crc32, fixed by its standard), so that weights are plain lists."""

ASKS: tuple[tuple[str, str], ...] = (
    ("who", "谁|哪个部门|哪家|哪个单位|什么部门|何人|哪些人|什么人|找哪"),
    ("whether", "吗|么$|是否|能不能|可不可以|可以不|行不行|是不是|算不算|会不会|有没有|要不要|该不该|合不合法|合法|违法|不$|没$|能否|可否"),
    ("how_much", "多少钱|多少|几倍|几个月工资|怎么算|如何计算|计算|怎么赔|赔多少|补多少|标准|比例|几块|金额|数额|百分之几"),
    ("how_long", "多久|多长|几天|几个月|几年|多少天|期限|时间|时效|什么时候|何时|几日|啥时|到期"),
    ("where", "哪里|哪儿|去哪|在哪|什么地方|何处|哪个法院|管辖"),
    ("how", "怎么办|怎么做|如何|怎样|怎么|流程|程序|步骤|手续|办理"),
    ("why", "为什么|凭什么|原因|为何"),
    ("what", "什么是|是什么|什么意思|区别|含义|指的是|包括哪些|有哪些|哪些"),
    ("papers", "材料|证据|证明|手续|资料|带什么|准备什么|文件"),
    ("condition", "条件|要求|资格|情形|情况下"),
    ("consequence", "后果|责任|处罚|罚|怎么处理|判几年|坐牢|影响"),
    ("redress", "投诉|举报|告|起诉|仲裁|维权|讨|要回"),
)
PARTIES: tuple[tuple[str, str], ...] = (
    ("employer_ends", "辞退|开除|解雇|裁员|被裁|炒鱿鱼|劝退|让我走|赶我走|单位解除|公司解除|被辞|不要我|撵"),
    ("worker_ends", "辞职|不干了|主动离职|想离职|提离职|自离|自动离职|走人|跳槽|劳动者解除|被迫离职|员工离职"),
    ("woman", "女职工|女员工|怀孕|孕|产假|哺乳|生孩子|生育|流产|女工"),
    ("minor", "未成年|童工|不满十[六八]|未满十[六八]|16岁|17岁|十[六七]岁"),
    ("retired", "退休返聘|返聘|超龄|过了退休|超过退休"),
    ("student", "实习|学生|兼职|见习"),
    ("dispatched", "派遣|外包|劳务公司"),
    ("site", "工地|包工头|农民工|建筑|施工"),
    ("platform", "骑手|外卖|网约车|快递|主播|平台"),
    ("public", "公务员|事业单位|编制|机关"),
    ("dead", "死亡|去世|死了|身亡|猝死|工亡|遗属|家属"),
    ("union", "工会|职代会"),
)
TIMES: tuple[tuple[str, str], ...] = (
    ("before", "之前|以前|前$|入职前|上岗前|还没"),
    ("after", "之后|以后|后$|离职后|辞职后|退休后|到期后|后"),
    ("in_service", "在职|上班期间|工作期间|在岗"),
    ("left", "离职|辞职后|走了|离开|退休|解除"),
    ("probation", "试用期|试岗|试工|转正"),
    ("expiry", "到期|期满|终止|续签"),
    ("signed", "签了|签过|已签|签订了"),
    ("unsigned", "没签|未签|没有签|不签|没合同|无合同"),
)
_NEGATION = re.compile(r"(没有|没|未|不|无|非|别|勿|拒绝|拒不|拒)([\u4e00-\u9fff]{1,2})?")
_NO_NEGATION = re.compile(
    r"([\u4e00-\u9fff])[不没]\1|有没有|是不是|不过|不同|没收|未成年|未来|无固定|非全日制|不定时|不但|不仅|无论|不管|不论|不得不|非法|不动产|不少|不久|差不多|"
    r"不好意思|不知道|不然|要不|不可抗力|无非|无锡|非常|不当|吗不|无限|无因|无效"
)


def _compile(table: tuple[tuple[str, str], ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for _, pattern in table)


_ASKS, _PARTIES, _TIMES = _compile(ASKS), _compile(PARTIES), _compile(TIMES)


@dataclass(frozen=True, slots=True)
class Reading:
    """One text, read.

    Attributes:
        bare: the normalised text without fillers and punctuation.
        grams, words: buckets of its characters and pairs, and of its words.
        sounds: buckets of pairs of neighbouring syllables, tones left out.
        numbers: quantities with their units.
        negated: what is negated: the one or two characters after 不, 没, 未, …
        asks, parties, times: bit n is set where row n of ASKS, PARTIES, TIMES is spoken of.
        terms: buckets of the legal terms spoken of, in words of law or of the street.
    """

    bare: str
    grams: frozenset[int]
    words: frozenset[int]
    sounds: frozenset[int]
    numbers: frozenset[Quantity]
    negated: frozenset[str]
    asks: int
    parties: int
    times: int
    terms: frozenset[int]


def bucket(word: str) -> int:
    """The number, below BUCKETS, that stands for a gram or a word."""
    return crc32(word.encode()) % BUCKETS


def read(text: str) -> Reading:
    """Read a raw text."""
    clean = strip_fillers(normalise(text))[:LONGEST_READ]
    bare = squeeze(clean)
    sounds = [sound(character) for character in bare]
    return Reading(
        bare=bare,
        grams=frozenset(map(bucket, grams(bare))),
        words=frozenset(map(bucket, cut(clean))),
        sounds=frozenset(bucket(f"{first} {second}") for first, second in pairwise(sounds)),
        numbers=frozenset(find_quantities(clean)),
        negated=_negated(bare),
        asks=_bits(_ASKS, bare),
        parties=_bits(_PARTIES, bare),
        times=_bits(_TIMES, bare),
        terms=frozenset(map(bucket, legal_terms(clean))),
    )


def _bits(patterns: tuple[re.Pattern[str], ...], bare: str) -> int:
    found = 0
    for place, pattern in enumerate(patterns):
        if pattern.search(bare):
            found |= 1 << place
    return found


def _negated(bare: str) -> frozenset[str]:
    """What follows a negation, questions of the form 能不能 and fixed words left out."""
    text = _NO_NEGATION.sub("～", bare)
    return frozenset((match[2] or "∅")[:1] for match in _NEGATION.finditer(text))


def to_row(reading: Reading) -> list[object]:
    """A reading as plain lists, for a file."""
    numbers = [[q.value.numerator, q.value.denominator, q.unit] for q in sorted(reading.numbers, key=lambda q: (q.unit, q.value))]
    return [
        reading.bare,
        *(sorted(found) for found in (reading.grams, reading.words, reading.sounds)),
        numbers,
        sorted(reading.negated),
        reading.asks,
        reading.parties,
        reading.times,
        sorted(reading.terms),
    ]


_SHARED = tuple(range(BUCKETS))
"""Every bucket's number once for all readings: with rows read one by one the server takes 818 MB where it took 985 (`eval.bench`)."""


def _buckets(found: list[int]) -> frozenset[int]:
    return frozenset(map(_SHARED.__getitem__, found))


def from_row(row: list[Any]) -> Reading:
    """A reading from a row of `to_row`."""
    bare, found_grams, words, sounds, numbers, negated, asks, parties, times, terms = row
    return Reading(
        bare=bare,
        grams=_buckets(found_grams),
        words=_buckets(words),
        sounds=_buckets(sounds),
        numbers=frozenset(Quantity(Fraction(above, below), unit) for above, below, unit in numbers),
        negated=frozenset(negated),
        asks=asks,
        parties=parties,
        times=times,
        terms=_buckets(terms),
    )
