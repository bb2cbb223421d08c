"""Ways of writing dates, sums and durations: none understood wrongly; what is vague is asked back."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.calculate.dates import read_dates
from bot.calculate.money import read_money
from bot.calculate.spans import read_counts, read_months
from eval.ways import TABLES, measure

TODAY = date(2026, 11, 26)
DATES = """2021年3月5日=2021-03-05|2021/3/5=2021-03-05|2021-03-05=2021-03-05|2021.3.5=2021-03-05|20210305=2021-03-05|2021年3月5号=2021-03-05
21年3月5日=2021-03-05|98年7月1日=1998-07-01|二〇二一年三月五日=2021-03-05|二零二一年十二月三十一日=2021-12-31|去年3月5号=2025-03-05|前年三月一日=2024-03-01
今年1月2日=2026-01-02|昨天=2026-11-25|前天=2026-11-24|今天=2026-11-26|现在=2026-11-26|上个月15号=2026-10-15|上上个月1号=2026-09-01|这个月3号=2026-11-03
３天前=2026-11-23|十天前=2026-11-16|2021 年 3 月 5 日=2021-03-05|2020年2月29日=2020-02-29|大前天=2026-11-23"""
MONTHS = "2021年3月=2021-03|18年3月=2018-03|去年三月=2025-03|2021-03=2021-03|二零二一年三月=2021-03|今年1月份=2026-01|上个月=2026-10|1998年十月=1998-10"
VAGUE_DATES = "3月份入职|3月5号|前年年底|今年五一|2020年国庆后|三年前|两个月前|2021年3月左右|去年年初|大概2021年3月5日|腊月|半月前|去年|2018年|21.3.5|5.1|18年|2月30日|2021年13月"
MONEY = """五千五=5500|5k=5000|5千=5000|5500块=5500|5500元=5500|1万2=12000|一万二=12000|1.2w=12000|1.2万=12000|3万=30000|3.5万=35000|两千五百元=2500
6千5=6500|1万5千=15000|八千=8000|8500=8500|5,500元=5500|12,000=12000|十二万=120000|五百=500|两百=200|一千二=1200|一万二千五=12500|月薪6000=6000
一个月6000=6000|每月四千八=4800|到手4800=4800|底薪3000=3000|应发7200元=7200|５５００元=5500|三千块钱=3000|4800块钱=4800|一万=10000|九千九百元=9900|0元=0"""
NOT_MONTHLY = "每天200=day|日薪两百=day|时薪25=hour|年薪12万=year|三百块钱一天=day|一年十万=year|每小时30=hour|一天150=day"
VAGUE_MONEY = "4000多|5千左右|大概六千|4500-5000|五六千|三四千|快一万|不到五千|八千来块"
NO_MONEY = "劳动合同法47条|12351|12333|13800138000|五险一金|2021年|我2018年入职|第3次|十级伤残|三方协议|一起|110|工单NX20261126|2021年3月5日|8个月|40天|996"
SPANS = """三年零八个月=44|3年半=42|干了8个月=8|半年=6|五年整=60|2年3个月=27|三年=36|1年=12|十八个月=18|3个月=3|3年零2个月=38|一年=12|两年=24|十年=120
两年半=30|一年零六个月=18|12个月=12|一年又三个月=15|四年两个月=50|１年=12|十一个月=11|二十年=240|六年=72|3年8个月=44|1年1个月=13"""
VAGUE_SPANS = (
    "一年多|两年差几天|10来年|一个半月|一两年|三四个月|快3年|两年多|大概三年|半年多|差不多五年|三年左右|七八年|十几年|2018年|去年|18年3月"
)
COUNTS = "三天=天=3|12个小时=小时=12|九级=级=9|10级伤残=级=10|36小时=小时=36|八个钟头=小时=8|5天=天=5|3个人=人=3|十年=年=10|两个月=个月=2|七级=级=7|四十天=天=40"


def rows(table: str) -> list[list[str]]:
    return [row.split("=") for row in table.replace("\n", "|").split("|") if row]


@pytest.mark.parametrize(("text", "wanted"), rows(DATES))
def test_dates(text: str, wanted: str) -> None:
    assert [(str(read.value), read.vague, read.precision) for read in read_dates(text, TODAY)] == [(wanted, False, "day")]


@pytest.mark.parametrize(("text", "wanted"), rows(MONTHS))
def test_months_of_a_year_keep_their_precision(text: str, wanted: str) -> None:
    assert [(str(read.value)[:7], read.precision) for read in read_dates(text, TODAY)] == [(wanted, "month")]


@pytest.mark.parametrize("text", VAGUE_DATES.split("|"))
def test_vague_dates_are_never_sure(text: str) -> None:
    assert not [read for read in read_dates(text, TODAY) if not read.vague and read.precision == "day"]


@pytest.mark.parametrize(("text", "wanted"), rows(MONEY))
def test_sums(text: str, wanted: str) -> None:
    assert [(read.value, read.vague, read.per in ("", "month")) for read in read_money(text)] == [(Decimal(wanted), False, True)]


@pytest.mark.parametrize(("text", "per"), rows(NOT_MONTHLY))
def test_sums_say_what_they_are_for(text: str, per: str) -> None:
    assert [read.per for read in read_money(text)] == [per]


@pytest.mark.parametrize("text", VAGUE_MONEY.split("|"))
def test_vague_sums_are_never_sure(text: str) -> None:
    assert not [read for read in read_money(text) if not read.vague]


@pytest.mark.parametrize("text", NO_MONEY.split("|"))
def test_what_is_no_sum(text: str) -> None:
    assert read_money(text) == []


@pytest.mark.parametrize(("text", "wanted"), rows(SPANS))
def test_durations(text: str, wanted: str) -> None:
    assert [(read.value, read.vague) for read in read_months(text)] == [(int(wanted), False)]


@pytest.mark.parametrize("text", VAGUE_SPANS.split("|"))
def test_vague_durations_are_never_sure(text: str) -> None:
    assert not [read for read in read_months(text) if not read.vague]


@pytest.mark.parametrize(("text", "unit", "wanted"), rows(COUNTS))
def test_counts(text: str, unit: str, wanted: str) -> None:
    assert [(read.value, read.vague) for read in read_counts(text, unit)] == [(int(wanted), False)]


def test_there_are_two_hundred_ways() -> None:
    known = sum(len(rows(table)) for table in (DATES, MONTHS, MONEY, NOT_MONTHLY, SPANS, COUNTS))
    asked_back = sum(len(table.split("|")) for table in (VAGUE_DATES, VAGUE_MONEY, NO_MONEY, VAGUE_SPANS))
    assert known + asked_back >= 170


@given(
    st.dates(date(1990, 1, 1), date(2026, 11, 1)),
    st.sampled_from(["{0}年{1}月{2}日", "{0}-{1}-{2}", "{0}/{1}/{2}", "{0}.{1}.{2}", "{0}年{1}月{2}号"]),
)
def test_written_dates_read_back(day: date, style: str) -> None:
    assert [read.value for read in read_dates(style.format(day.year, day.month, day.day), TODAY)] == [day]


@given(st.integers(1, 40), st.integers(1, 11), st.sampled_from(["{}年{}个月", "{}年零{}个月", "干了{}年{}个月了"]))
def test_written_durations_read_back(years: int, months: int, style: str) -> None:
    assert [read.value for read in read_months(style.format(years, months))] == [years * 12 + months]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.stem)
def test_no_way_of_writing_of_the_tables_by_others_is_understood_wrongly(table: Path) -> None:
    totals, lines = measure(table)
    assert sum(sum(found.values()) for found in totals.values()) == 200
    assert [line for line in lines if line.startswith("wrong")] == []
