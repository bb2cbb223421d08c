"""Sums and days against examples worked out by hand from the articles, and what must hold for any input."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.calculate.annual_leave import annual_leave
from bot.calculate.deadlines import MATTERS, deadlines
from bot.calculate.double_wage import double_wage
from bot.calculate.injury import injury
from bot.calculate.injury_death import injury_death
from bot.calculate.maternity import maternity
from bot.calculate.months import add_months, full_months
from bot.calculate.notice import notice
from bot.calculate.overtime import overtime
from bot.calculate.probation import probation
from bot.calculate.registry import CALCULATIONS
from bot.calculate.retirement import retirement
from bot.calculate.severance import count_years, severance
from bot.calculate.sick_leave import sick_leave
from bot.calculate.unemployment import unemployment
from bot.calculate.values import Doubt, Result
from bot.calculate.wage_arrears import wage_arrears
from knowledge.regulations import read_regulations
from tests.conftest import ROOT

D = Decimal
DAYS = st.dates(date(2008, 1, 1), date(2040, 12, 31))
WAGES = st.decimals(1000, 90_000, places=2)


def result(found: Result | Doubt) -> Result:
    assert isinstance(found, Result), found
    return found


@pytest.mark.parametrize(
    ("start", "end", "reason", "more", "amount"),
    [
        # 劳动合同法47: 2018-03-05 to 2021-11-04 is 3 years 8 months: 8 months count as a year, 4 x 5500.
        (date(2018, 3, 5), date(2021, 11, 4), "agreed", {}, "22000.00"),
        # Exactly six months (1 Jan to 30 June): counts as one year.
        (date(2024, 1, 1), date(2024, 6, 30), "agreed", {}, "5500.00"),
        # One day less: half a month.
        (date(2024, 1, 1), date(2024, 6, 29), "agreed", {}, "2750.00"),
        # A full year to the day: one month, not one and a half.
        (date(2023, 2, 1), date(2024, 1, 31), "expired", {}, "5500.00"),
        # A year and a day: one and a half.
        (date(2023, 2, 1), date(2024, 2, 1), "expired", {}, "8250.00"),
        # 87: twice 4 months.
        (date(2018, 3, 5), date(2021, 11, 4), "no_reason", {}, "44000.00"),
        # 40: no notice, one month more: 5 x 5500.
        (date(2018, 3, 5), date(2021, 11, 4), "no_fault", {"notice": False}, "27500.00"),
        (date(2018, 3, 5), date(2021, 11, 4), "no_fault", {"notice": True}, "22000.00"),
        # Started before 2008: from 2008-01-01 to 2010-12-31 three years (97); the part before is left open.
        (date(2000, 5, 1), date(2010, 12, 31), "layoff", {}, "16500.00"),
        # 实施条例25: for 2N all years count: 2000-05-01 to 2010-12-31 is 10 years 8 months: 11 x 5500 x 2.
        (date(2000, 5, 1), date(2010, 12, 31), "no_reason", {}, "121000.00"),
        (date(2018, 3, 5), date(2021, 11, 4), "own", {}, "0.00"),
        (date(2018, 3, 5), date(2021, 11, 4), "fault", {}, "0.00"),
    ],
)
def test_severance(start: date, end: date, reason: str, more: dict[str, Any], amount: str) -> None:
    assert result(severance(reason=reason, start=start, end=end, wage=D(5500), **more)).amount == D(amount)


def test_severance_of_high_wages_is_capped_at_three_times_and_twelve_years() -> None:
    # 40,000 > 3 x 8,000: 24,000 a month; 15 years become 12: 288,000.
    found = result(severance(reason="agreed", start=date(2009, 1, 1), end=date(2023, 12, 31), wage=D(40_000), local_wage=D(8000)))
    assert found.amount == D("288000.00")
    # Exactly three times is not above it: 24,000 x 15.
    found = result(severance(reason="agreed", start=date(2009, 1, 1), end=date(2023, 12, 31), wage=D(24_000), local_wage=D(8000)))
    assert found.amount == D("360000.00")
    assert "平均工资" in " ".join(result(severance(reason="agreed", start=date(2020, 1, 1), end=date(2021, 1, 1), wage=D(9000))).unknown)


@given(DAYS, st.integers(0, 9000), st.integers(0, 400), WAGES)
@settings(deadline=None)
def test_more_service_never_gives_less_and_the_cap_never_raises(start: date, span: int, more: int, wage: D) -> None:
    end = start + timedelta(days=span)
    first = severance(reason="agreed", start=start, end=end, wage=wage)
    longer = severance(reason="agreed", start=start, end=end + timedelta(days=more), wage=wage)
    capped = severance(reason="agreed", start=start, end=end, wage=wage, local_wage=D(5000))
    double = severance(reason="no_reason", start=start, end=end, wage=wage)
    sums = [found.amount for found in map(result, (first, longer, capped, double))]
    assert sums[0] is not None
    assert sums[1] is not None
    assert sums[2] is not None
    assert sums[0] <= sums[1]
    assert sums[2] <= sums[0]
    assert sums[3] == 2 * sums[0] or abs(sums[3] - 2 * sums[0]) <= D("0.01")  # type: ignore[operator]


def test_years_count_by_halves() -> None:
    cases = {(0, 1): "0.5", (5, 30): "0.5", (6, 0): "1", (11, 29): "1", (12, 0): "1", (12, 1): "1.5", (18, 0): "2", (24, 0): "2"}
    assert {pair: count_years(*pair) for pair in cases} == {pair: D(value) for pair, value in cases.items()}


@pytest.mark.parametrize(
    ("start", "until", "amount"),
    [
        # 实施条例6: from 2025-04-05 to the day before 2025-09-05: five months.
        (date(2025, 3, 5), date(2025, 9, 5), "25000.00"),
        (date(2025, 3, 5), date(2025, 4, 5), "0.00"),  # signed on the first day it would begin
        (date(2025, 3, 5), date(2025, 3, 20), "0.00"),
        (date(2025, 3, 5), date(2026, 3, 5), "55000.00"),  # eleven months
        (date(2025, 3, 5), date(2027, 1, 1), "55000.00"),  # 实施条例7: no more than eleven
        (date(2025, 1, 31), date(2025, 3, 28), "5000.00"),  # from 28 Feb, one month to 28 March
        # 解释（二）6: a broken month by its working days. 1 to 10 April 2025, Tuesday to Thursday: eight. 5000 / 21.75 x 8.
        (date(2025, 3, 1), date(2025, 4, 11), "1839.08"),
        # 29 Feb to 28 March is one month; 29 to 31 March 2024 are Friday to Sunday, one working day: 5000 + 5000 / 21.75.
        (date(2024, 1, 29), date(2024, 4, 1), "5229.89"),
        # 1 to 30 July 2025 hold 22 working days: more than 21.75, and a broken month is still no more than a month.
        (date(2025, 6, 1), date(2025, 7, 31), "5000.00"),
    ],
)
def test_double_wage(start: date, until: date, amount: str) -> None:
    assert result(double_wage(start=start, until=until, wage=D(5000))).amount == D(amount)


def test_the_day_of_leaving_is_a_day_without_a_contract() -> None:
    # 5 April to 4 May, both counted: one month; signed on 4 May, the last day without one is the 3rd: 5 April to 3 May
    # hold four weeks of five working days: 5000 / 21.75 x 20.
    assert result(double_wage(start=date(2025, 3, 5), until=date(2025, 5, 4), wage=D(5000), signed=False)).amount == D("5000.00")
    assert result(double_wage(start=date(2025, 3, 5), until=date(2025, 5, 4), wage=D(5000))).amount == D("4597.70")


@pytest.mark.parametrize(
    ("kind", "hours", "amount"),
    [
        # 劳动法44: 150 %, 200 %, 300 %; 工资折算通知: 4350 / 21.75 / 8 = 25 an hour; so 37.50, 50 and 75 an hour.
        ("workday", 10, "375.00"),
        ("restday", 8, "400.00"),
        ("holiday", 8, "600.00"),
        ("workday", 1, "37.50"),
        ("holiday", 24, "1800.00"),
        ("restday", 36, "1800.00"),
        ("workday", 36, "1350.00"),
        ("holiday", 1, "75.00"),
    ],
)
def test_overtime(kind: str, hours: int, amount: str) -> None:
    assert result(overtime(wage=D(4350), kind=kind, hours=hours)).amount == D(amount)


@pytest.mark.parametrize(
    ("years", "situation", "taken", "day", "left"),
    [
        # 职工带薪年休假条例3: a year and more five days, ten and more ten, twenty and more fifteen; 2: below a year none.
        # 企业实施办法5, 12: in the year of coming or going the share of the days of the year, parts of a day dropped.
        (0, "whole", 0, None, 0),
        (1, "whole", 0, None, 5),
        (9, "whole", 2, None, 3),
        (10, "whole", 0, None, 10),
        (19, "whole", 0, None, 10),
        (20, "whole", 0, None, 15),
        (3, "left", 0, date(2025, 6, 30), 2),  # 181/365 x 5 = 2.48
        (12, "left", 5, date(2025, 6, 30), 0),  # 4.96: four days; five taken are not taken back
        (12, "joined", 0, date(2025, 7, 1), 5),  # 184/365 x 10 = 5.04
        (5, "left", 0, date(2024, 12, 31), 5),  # a leap year's 366 days give no sixth day
        (5, "left", 0, date(2025, 3, 13), 0),  # 72/365 x 5 = 0.99
        (5, "left", 0, date(2025, 3, 14), 1),  # 73/365 x 5 = 1.00
    ],
)
def test_annual_leave(years: int, situation: str, taken: int, day: date | None, left: int) -> None:
    assert result(annual_leave(years=years, situation=situation, taken=taken, day=day)).count == left


def test_unused_leave_is_paid_two_days_more_a_day() -> None:
    # 4350 / 21.75 = 200 a day; five days x 200 x 2.
    assert result(annual_leave(years=3, situation="whole", taken=0, wage=D(4350))).amount == D("2000.00")


@pytest.mark.parametrize(
    ("term", "agreed", "served", "amount"),
    [
        # 劳动合同法19: below three months none; below a year one month; below three years two; else six. 83: every month served
        # beyond that is paid with the wage after the probation: 4,000 a month.
        ("short", 1, 1, "4000.00"),  # none allowed
        ("quarter", 1, 1, None),
        ("quarter", 2, 2, "4000.00"),
        ("year", 2, 2, None),
        ("year", 6, 5, "12000.00"),
        ("three", 6, 6, None),
        ("three", 9, 8, "8000.00"),
        ("year", 3, 1, "0.00"),  # too long, but not yet served too long
    ],
)
def test_probation(term: str, agreed: int, served: int, amount: str | None) -> None:
    assert result(probation(term=term, agreed=agreed, served=served, wage=D(4000))).amount == (D(amount) if amount else None)


@pytest.mark.parametrize(
    ("who", "days", "end"),
    [
        # 劳动合同法37: thirty days, three in the probation; 38 and 39: none laid down; 40 and 41: thirty.
        ("resign", 30, date(2026, 3, 2)),  # 31 January and thirty days
        ("resign_probation", 3, date(2026, 2, 3)),
        ("resign_forced", 0, None),
        ("sent_no_fault", 30, date(2026, 3, 2)),
        ("sent_fault", 0, None),
        ("layoff", 30, date(2026, 3, 2)),
    ],
)
def test_notice(who: str, days: int, end: date | None) -> None:
    found = result(notice(who=who, told=date(2026, 1, 31)))
    assert (found.count, found.day) == (days, end)


@pytest.mark.parametrize(
    ("total", "own", "months"),
    # 企业职工患病或非因工负伤医疗期规定3: below ten years of work in all: three months, from five years here on six; from ten
    # years in all: below five here six, five nine, ten twelve, fifteen eighteen, twenty twenty-four.
    [(0, 0, 3), (9, 4, 3), (9, 5, 6), (10, 4, 6), (10, 5, 9), (12, 9, 9), (15, 10, 12), (20, 15, 18), (25, 19, 18), (30, 20, 24)],
)
def test_sick_leave(total: int, own: int, months: int) -> None:
    assert result(sick_leave(total=total, own=own)).count == months


@pytest.mark.parametrize(
    ("grade", "wage", "local", "amount"),
    [
        # 工伤保险条例35 to 37: one-off 27, 25, 23, 21, 18, 16, 13, 11, 9, 7 months' wages from the first grade to the tenth;
        # 64: the wage counts as no less than 60 % and no more than 300 % of the area's mean.
        (10, 5000, None, "35000.00"),
        (9, 5000, None, "45000.00"),
        (8, 5000, 6000, "55000.00"),
        (7, 5000, 6000, "65000.00"),
        (6, 5000, 6000, "80000.00"),
        (5, 5000, 6000, "90000.00"),
        (4, 5000, 6000, "105000.00"),
        (1, 5000, 6000, "135000.00"),
        (10, 3000, 6000, "25200.00"),  # below 60 %: 3,600 x 7
        (10, 20000, 6000, "126000.00"),  # above 300 %: 18,000 x 7
        (10, 3600, 6000, "25200.00"),
    ],
)
def test_injury(grade: int, wage: int, local: int | None, amount: str) -> None:
    assert result(injury(grade=grade, wage=D(wage), local_wage=D(local) if local else None)).amount == D(amount)


def test_injury_with_everything() -> None:
    found = result(injury(grade=2, wage=D(5000), local_wage=D(6000), treated=13, care="all", insured=False))
    # 85 % of 5,000; 13 months' wages; half of 6,000 for nursing.
    amounts = [step.amount for step in found.steps if step.amount is not None]
    assert amounts == [D("125000.00"), D("4250.00"), D("65000.00"), D("3000.00")]
    assert found.human
    assert "就业补助金" in " ".join(result(injury(grade=10, wage=D(5000), leaving=True)).unknown)


@pytest.mark.parametrize(
    ("spouse", "others", "alone", "monthly"),
    [
        # 工伤保险条例39: the spouse 40 %, each other 30 %, alone or orphaned ten more; together no more than the wage of 5,000.
        (True, 0, 0, "2000.00"),
        (False, 1, 0, "1500.00"),
        (True, 2, 0, "5000.00"),
        (True, 3, 0, "5000.00"),
        (False, 1, 1, "2000.00"),
        (True, 1, 1, "4000.00"),
    ],
)
def test_injury_death(spouse: bool, others: int, alone: int, monthly: str) -> None:
    found = result(injury_death(wage=D(5000), spouse=spouse, others=others, alone=alone))
    assert found.steps[-1].amount == D(monthly)
    assert found.amount is None
    assert len(found.unknown) == 2


def test_injury_death_with_both_figures() -> None:
    # 6 x 7,000 + 20 x 50,000
    assert result(injury_death(wage=D(5000), spouse=True, others=0, local_wage=D(7000), income=D(50_000))).amount == D("1042000.00")


@pytest.mark.parametrize(
    ("years", "own_will", "left", "months"),
    [
        # 社会保险法46: one year of contributions and below five: twelve months; below ten: eighteen; ten: twenty-four; what was left
        # over before is added, twenty-four at most. 45: below a year, or gone by one's own will: none.
        (0, False, 0, 0),
        (1, False, 0, 12),
        (4, False, 0, 12),
        (5, False, 0, 18),
        (9, False, 0, 18),
        (10, False, 0, 24),
        (4, False, 6, 18),
        (10, False, 6, 24),
        (8, True, 0, 0),
    ],
)
def test_unemployment(years: int, own_will: bool, left: int, months: int) -> None:
    assert result(unemployment(years=years, own_will=own_will, left_over=left)).count == months


@pytest.mark.parametrize(
    ("event", "children", "difficult", "place", "days"),
    [
        # 女职工劳动保护特别规定7: 98 days, 15 for a difficult birth, 15 for each further child; miscarriage 15 days before the end of
        # the fourth month, 42 after. 山东省人口与计划生育条例: sixty days more.
        ("birth", 1, False, "other", 98),
        ("birth", 1, True, "other", 113),
        ("birth", 2, False, "other", 113),
        ("birth", 3, True, "other", 143),
        ("birth", 1, False, "shandong", 158),
        ("birth", 2, True, "shandong", 188),
        ("early", 1, False, "shandong", 15),
        ("late", 1, False, "shandong", 42),
    ],
)
def test_maternity(event: str, children: int, difficult: bool, place: str, days: int) -> None:
    found = result(maternity(event=event, children=children, difficult=difficult, place=place, start=date(2026, 1, 1)))
    assert (found.count, found.day) == (days, date(2026, 1, 1) + timedelta(days=days - 1))


@pytest.mark.parametrize(
    ("who", "year", "month", "retired", "age"),
    [
        # The rule: for every four (two) months of birth one month of delay from January 2025 on.
        ("man", 1964, 12, (2024, 12), "60岁"),
        ("man", 1965, 1, (2025, 2), "60岁1个月"),
        ("man", 1965, 4, (2025, 5), "60岁1个月"),
        ("man", 1965, 5, (2025, 7), "60岁2个月"),
        ("man", 1970, 1, (2031, 5), "61岁4个月"),
        ("man", 1976, 8, (2039, 7), "62岁11个月"),
        ("man", 1976, 9, (2039, 9), "63岁"),
        ("man", 1990, 6, (2053, 6), "63岁"),
        ("woman55", 1969, 12, (2024, 12), "55岁"),
        ("woman55", 1970, 1, (2025, 2), "55岁1个月"),
        ("woman55", 1970, 5, (2025, 7), "55岁2个月"),
        ("woman55", 1981, 8, (2039, 7), "57岁11个月"),
        ("woman55", 1981, 9, (2039, 9), "58岁"),
        ("woman55", 1975, 1, (2031, 5), "56岁4个月"),
        ("woman50", 1974, 12, (2024, 12), "50岁"),
        ("woman50", 1975, 1, (2025, 2), "50岁1个月"),
        ("woman50", 1975, 2, (2025, 3), "50岁1个月"),
        ("woman50", 1975, 3, (2025, 5), "50岁2个月"),
        ("woman50", 1980, 1, (2032, 8), "52岁7个月"),
        ("woman50", 1984, 10, (2039, 9), "54岁11个月"),
        ("woman50", 1984, 11, (2039, 11), "55岁"),
        ("woman50", 1984, 12, (2039, 12), "55岁"),
    ],
)
def test_retirement(who: str, year: int, month: int, retired: tuple[int, int], age: str) -> None:
    found = result(retirement(born=date(year, month, 15), who=who))
    assert found.day is not None
    assert ((found.day.year, found.day.month), age in found.headline) == (retired, True)


@pytest.mark.parametrize(
    ("matter", "since", "last"),
    [
        # The first day is not counted (民法典201): one year, one year, 15 days, one year, 30 days, 15 days, two years.
        ("arbitration", date(2025, 3, 5), date(2026, 3, 5)),
        ("wages", date(2024, 2, 29), date(2025, 2, 28)),
        ("court", date(2026, 1, 20), date(2026, 2, 4)),
        ("injury_worker", date(2025, 12, 31), date(2026, 12, 31)),
        ("injury_employer", date(2026, 1, 31), date(2026, 3, 2)),
        ("assessment", date(2026, 2, 14), date(2026, 3, 1)),
        ("inspection", date(2024, 3, 5), date(2026, 3, 5)),
    ],
)
def test_deadlines(matter: str, since: date, last: date) -> None:
    found = result(deadlines(matter=matter, since=since, today=since))
    assert (found.day, found.count) == (last, (last - since).days)
    assert result(deadlines(matter=matter, since=since, today=last + timedelta(days=1))).human


@given(st.sampled_from([key for key, _ in MATTERS]), DAYS)
@settings(deadline=None)
def test_a_day_later_never_makes_a_deadline_earlier(matter: str, since: date) -> None:
    today = date(2050, 1, 1)
    first, second = (result(deadlines(matter=matter, since=day, today=today)).day for day in (since, since + timedelta(days=1)))
    assert first is not None
    assert second is not None
    assert first <= second


@pytest.mark.parametrize(
    ("wage", "months", "paid", "amount"),
    # 劳动合同法30: what is due less what was paid.
    [(5000, 3, 0, "15000.00"), (5000, 3, 2000, "13000.00"), (5000, 1, 5000, "0.00")],
)
def test_wage_arrears(wage: int, months: int, paid: int, amount: str) -> None:
    assert result(wage_arrears(wage=D(wage), months=months, paid=D(paid))).amount == D(amount)


@pytest.mark.parametrize(
    ("found", "field"),
    [
        (severance(reason="agreed", start=date(2024, 1, 1), end=date(2023, 1, 1), wage=D(5000)), "end"),
        (severance(reason="agreed", start=date(2024, 1, 1), end=date(2025, 1, 1), wage=D(200)), "wage"),
        (severance(reason="agreed", start=date(1920, 1, 1), end=date(2025, 1, 1), wage=D(5000)), "start"),
        (overtime(wage=D(5000), kind="workday", hours=1000), "hours"),
        (injury(grade=11, wage=D(5000)), "grade"),
        (sick_leave(total=3, own=5), "total"),
        (wage_arrears(wage=D(5000), months=1, paid=D(9000)), "paid"),
        (deadlines(matter="court", since=date(2027, 1, 1), today=date(2026, 1, 1)), "since"),
        (retirement(born=date(2020, 1, 1), who="man"), "born"),
    ],
)
def test_what_cannot_be_is_asked_back(found: Result | Doubt, field: str) -> None:
    assert isinstance(found, Doubt)
    assert found.field == field


@given(DAYS, st.integers(0, 600))
def test_months_are_exact(day: date, months: int) -> None:
    later = add_months(day, months)
    assert full_months(day, later) == (months, 0) or day.day > 28
    assume(later > day)
    whole, rest = full_months(day, later)
    assert add_months(day, whole) + timedelta(days=rest) == later


def test_every_step_stands_on_an_article_that_we_hold() -> None:
    regulations, _ = read_regulations([ROOT / "knowledge/data/regulations"])
    held = {(r.title, article.number) for r in regulations for article in r.articles}
    asked = [
        severance(reason=reason, start=date(2005, 1, 1), end=date(2020, 1, 1), wage=D(50_000), local_wage=D(6000), notice=False)
        for reason in ("no_reason", "agreed", "forced", "no_fault", "layoff", "expired", "closed", "own", "fault")
    ]
    asked += [
        double_wage(start=date(2020, 1, 1), until=day, wage=D(5000)) for day in (date(2020, 1, 9), date(2020, 9, 9), date(2022, 1, 1))
    ]
    asked += [overtime(wage=D(5000), kind=kind, hours=3) for kind in ("workday", "restday", "holiday")]
    asked += [annual_leave(years=5, situation=s, taken=1, day=date(2025, 9, 9), wage=D(5000)) for s in ("whole", "left", "joined")]
    asked += [probation(term=t, agreed=7, served=7, wage=D(5000)) for t in ("short", "quarter", "year", "three")]
    asked += [
        notice(who=w, told=date(2025, 9, 9))
        for w in ("resign", "resign_probation", "resign_forced", "sent_no_fault", "sent_fault", "layoff")
    ]
    asked += [
        injury(grade=g, wage=D(100_000), local_wage=D(6000), treated=13, care="all", leaving=True, insured=False) for g in range(1, 11)
    ]
    asked += [injury_death(wage=D(5000), spouse=True, others=1), sick_leave(total=9, own=3, first=date(2025, 1, 1))]
    asked += [unemployment(years=y, own_will=w, left_over=3, standard=D(1000)) for y in (0, 3) for w in (True, False)]
    asked += [maternity(event="birth", children=2, difficult=True, place="shandong"), maternity(event="early")]
    asked += [retirement(born=date(1975, 1, 1), who=w) for w in ("man", "woman55", "woman50")]
    asked += [deadlines(matter=m, since=date(2025, 1, 1), today=date(2025, 2, 2)) for m, _ in MATTERS]
    asked.append(wage_arrears(wage=D(5000), months=2))
    missing = {
        str(step.basis)
        for found in asked
        for step in result(found).steps
        if (step.basis.law.replace(" ", ""), step.basis.article) not in {(law.replace(" ", ""), number) for law, number in held}
    }
    assert not missing


def test_all_calculations_are_registered() -> None:
    assert len(CALCULATIONS) == 14
    for name, calculation in CALCULATIONS.items():
        assert name == calculation.name
        assert len({field.name for field in calculation.fields}) == len(calculation.fields)
