"""Further examples for notice, deadlines, death at work and unpaid wages, each derived by hand from its article beside it."""

from datetime import date
from decimal import Decimal as D
from typing import Any

import pytest

from bot.calculate.annual_leave import annual_leave
from bot.calculate.deadlines import deadlines
from bot.calculate.double_wage import double_wage
from bot.calculate.injury import injury
from bot.calculate.injury_death import injury_death
from bot.calculate.maternity import maternity
from bot.calculate.notice import notice
from bot.calculate.probation import probation
from bot.calculate.retirement import retirement
from bot.calculate.severance import severance
from bot.calculate.unemployment import unemployment
from bot.calculate.values import Doubt, Result
from bot.calculate.wage_arrears import wage_arrears


def result(found: Result | Doubt) -> Result:
    assert isinstance(found, Result), found
    return found


@pytest.mark.parametrize(
    ("who", "told", "days", "end"),
    [
        # 劳动合同法37: thirty days' notice in writing. February 2026 has 28 days: 27 days to the 28th, three more to 3 March.
        ("resign", date(2026, 2, 1), 30, date(2026, 3, 3)),
        # 37, in a leap year: 28 days to 29 February, two more.
        ("resign", date(2024, 2, 1), 30, date(2024, 3, 2)),
        # 37, over the new year: 16 days to 31 December, 14 more.
        ("resign", date(2025, 12, 15), 30, date(2026, 1, 14)),
        # 37: 30 January: one day to the 31st, 28 of February, one more.
        ("resign", date(2025, 1, 30), 30, date(2025, 3, 1)),
        # 37: three days in the probation; in 2024 the 29th of February is one of them.
        ("resign_probation", date(2024, 2, 27), 3, date(2024, 3, 1)),
        # 37: without a 29th the third day is the 2nd of March.
        ("resign_probation", date(2025, 2, 27), 3, date(2025, 3, 2)),
        # 40: thirty days, or a month's wage instead; April has thirty days.
        ("sent_no_fault", date(2026, 4, 30), 30, date(2026, 5, 30)),
        # 41: the union or all staff are told thirty days ahead; August has 31 days.
        ("layoff", date(2026, 8, 1), 30, date(2026, 8, 31)),
        # 38: unpaid and forced to go: no notice is laid down.
        ("resign_forced", date(2026, 5, 1), 0, None),
        # 39: dismissed for a fault: no notice is laid down.
        ("sent_fault", date(2026, 5, 1), 0, None),
    ],
)
def test_notice(who: str, told: date, days: int, end: date | None) -> None:
    found = result(notice(who=who, told=told))
    assert (found.count, found.day) == (days, end)


@pytest.mark.parametrize(
    ("matter", "since", "last"),
    [
        # 劳动争议调解仲裁法27: one year from the day the worker knows; the same day of the next year is the last.
        ("arbitration", date(2025, 3, 5), date(2026, 3, 5)),
        # 27: a year that begins on 29 February ends on the last day of the next February.
        ("arbitration", date(2024, 2, 29), date(2025, 2, 28)),
        # 27(4): unpaid wages: one year from the end of the employment.
        ("wages", date(2025, 6, 30), date(2026, 6, 30)),
        # 50: fifteen days from receiving the award, the first day not counted: 15 + 1 November is the 16th.
        ("court", date(2026, 11, 1), date(2026, 11, 16)),
        # 50: 20 February 2026: eight days to the 28th, seven more.
        ("court", date(2026, 2, 20), date(2026, 3, 7)),
        # 工伤保险条例17(2): the worker or family, one year from the accident.
        ("injury_worker", date(2025, 11, 26), date(2026, 11, 26)),
        # 17(1): the employer, thirty days: 16 days to 31 January, 14 more.
        ("injury_employer", date(2026, 1, 15), date(2026, 2, 14)),
        # 26: fifteen days from receiving the assessment: eleven to 31 December, four more.
        ("assessment", date(2026, 12, 20), date(2027, 1, 4)),
        # 劳动保障监察条例20: two years.
        ("inspection", date(2024, 11, 26), date(2026, 11, 26)),
        # 20: two years from 29 February 2024: February 2026 has no such day.
        ("inspection", date(2024, 2, 29), date(2026, 2, 28)),
    ],
)
def test_deadlines(matter: str, since: date, last: date) -> None:
    found = result(deadlines(matter=matter, since=since, today=last))
    assert (found.day, found.count) == (last, 0)  # the last day itself is in time
    assert not found.human


@pytest.mark.parametrize(
    ("wage", "spouse", "others", "alone", "monthly"),
    [
        # 工伤保险条例39(2): the spouse 40 %.
        ("4321.50", True, 0, 0, "1728.60"),
        # each other dependant 30 %: 2 x 30.
        ("6000", False, 2, 0, "3600.00"),
        # an orphan or an old person alone ten more: 2 x (30 + 10) = 80 %.
        ("3000", False, 2, 2, "2400.00"),
        # 40 + 2 x 30 + 10 = 110 %: all together no more than the wage.
        ("3000", True, 2, 1, "3000.00"),
        # 40 + 2 x 30 = 100 %, ten more for an orphan among them changes nothing: the wage is the most.
        ("5000", True, 2, 1, "5000.00"),
        # exactly the wage: 40 + 60.
        ("8000", True, 2, 0, "8000.00"),
        # 4 x 30 = 120 %: capped without a spouse, too.
        ("4400", False, 4, 0, "4400.00"),
        # 3 x 30 + 10 = 100 %.
        ("4400", False, 3, 1, "4400.00"),
    ],
)
def test_injury_death_monthly(wage: str, spouse: bool, others: int, alone: int, monthly: str) -> None:
    assert result(injury_death(wage=D(wage), spouse=spouse, others=others, alone=alone)).steps[-1].amount == D(monthly)


def test_injury_death_one_off() -> None:
    # 39(1): six months of the area's wage; 39(3): twenty times the national income: 6 x 8,000 + 20 x 54,188.
    both = result(injury_death(wage=D(5000), spouse=False, others=0, local_wage=D(8000), income=D(54_188)))
    assert both.amount == D("1131760.00")
    # 39(3) alone is known: the funeral money stays open, so there is no sum of all.
    one = result(injury_death(wage=D(5000), spouse=True, others=0, income=D(54_188)))
    assert one.amount is None
    assert [step.amount for step in one.steps if step.amount is not None] == [D("1083760.00"), D("2000.00")]
    # Nobody lived by the worker's wage: no monthly money.
    assert len(both.steps) == 2
    # More old people alone than dependants cannot be.
    asked = injury_death(wage=D(5000), spouse=False, others=1, alone=2)
    assert isinstance(asked, Doubt)
    assert asked.field == "alone"


@pytest.mark.parametrize(
    ("wage", "months", "paid", "owed", "low", "high"),
    [
        # 劳动合同法30: in full and in time: 3 x 5,000; 85: once an order is not obeyed, half to all of it on top.
        ("5000", 3, "0", "15000.00", "7,500", "15,000"),
        # part was paid: 4 x 4,500 - 6,000.
        ("4500", 4, "6000", "12000.00", "6,000", "12,000"),
        # one month.
        ("3210", 1, "0", "3210.00", "1,605", "3,210"),
        # a year: 12 x 2,750.
        ("2750", 12, "0", "33000.00", "16,500", "33,000"),
        # odd cents: 2 x 3,333.33 - 0.66 = 6,666.00.
        ("3333.33", 2, "0.66", "6666.00", "3,333", "6,666"),
        # half a month paid of one: 6,000 - 3,000.
        ("6000", 1, "3000", "3000.00", "1,500", "3,000"),
        # paid to the last yuan but one: 2 x 5,000 - 9,999.
        ("5000", 2, "9999", "1.00", "0.5", "1"),
        # all paid: nothing is owed, and nothing on top.
        ("5000", 2, "10000", "0.00", "0", "0"),
    ],
)
def test_wage_arrears(wage: str, months: int, paid: str, owed: str, low: str, high: str) -> None:
    found = result(wage_arrears(wage=D(wage), months=months, paid=D(paid)))
    assert found.amount == D(owed)
    assert f"{low}元到{high}元" in found.steps[1].text


def test_more_paid_than_owed_is_asked_back() -> None:
    asked = wage_arrears(wage=D(5000), months=2, paid=D("10000.01"))
    assert isinstance(asked, Doubt)
    assert asked.field == "paid"


def test_a_double_wage_long_past_says_that_it_is_late() -> None:
    # 调解仲裁法27: one year. The eleven months end on 2024-11-20: a year later is the last day to hope for.
    known = {"start": date(2023, 11, 21), "until": date(2026, 9, 27), "wage": D(6350)}
    assert "时效" not in result(double_wage(**known, today=date(2025, 11, 21))).headline
    late = result(double_wage(**known, today=date(2025, 11, 22)))
    assert "多半过了仲裁时效" in late.headline
    assert late.human
    assert late.amount == D("69850.00")  # 11 x 6,350


def test_more_probation_served_than_agreed_is_asked_back() -> None:
    asked = probation(term="three", agreed=8, served=23, wage=D(4800))
    assert isinstance(asked, Doubt)
    assert asked.field == "agreed"
    assert "不能约定试用期" in result(probation(term="short", agreed=1, served=1)).steps[0].text


def test_what_a_reader_with_the_articles_found_missing() -> None:
    # 调解仲裁法27: a year after the end the sum is still shown, and that it may be too late.
    known = {"reason": "closed", "start": date(2021, 4, 14), "end": date(2025, 2, 20), "wage": D(14_600)}
    assert not result(severance(**known, today=date(2026, 2, 20))).human
    assert "时效" in result(severance(**known, today=date(2026, 2, 21))).human
    # 实施条例26: who is forced to go pays nothing for a service period; nobody is told the opposite.
    forced = result(notice(who="resign_forced", told=date(2026, 5, 1)))
    assert forced.steps[-1].basis.law == "劳动合同法实施条例"
    assert "要付违约金" not in " ".join(forced.changes)
    # 劳动合同法41: the threshold is said.
    assert "二十人" in " ".join(result(notice(who="layoff", told=date(2026, 5, 1))).changes)
    # 渐进式延迟办法1: from 2025 on; before, the old age, and no choice to go on for three years.
    before = result(retirement(born=date(1967, 10, 12), who="woman55"))
    assert before.day == date(2022, 10, 1)
    assert "三年" not in " ".join(before.changes)
    # 工伤保险条例64: the wage counts from 60 % of the area's mean on; 39: 40 % of 6,000 for the spouse.
    raised = result(injury_death(wage=D(3000), spouse=True, others=0, local_wage=D(10_000)))
    assert raised.steps[-1].amount == D("2400.00")
    # A monthly figure for a yearly one is asked back.
    asked = injury_death(wage=D(3000), spouse=True, others=0, income=D(4500))
    assert isinstance(asked, Doubt)
    assert asked.field == "income"
    # 女职工规定7(2): a miscarriage has no days before a birth.
    assert "产前" not in " ".join(result(maternity(event="late")).changes)
    # 工伤保险条例28: after the fifteen days there is still a new look once the injury changed.
    assert "第二十八条" in result(deadlines(matter="assessment", since=date(2011, 3, 1), today=date(2026, 11, 26))).human
    # 职工带薪年休假条例5: without a wage the pay is named as not known.
    assert result(annual_leave(years=7, situation="joined", taken=0, day=date(2023, 7, 19))).unknown


def test_days_added_by_the_province_later_are_not_added_earlier() -> None:
    # 山东省人口与计划生育条例 25 in the text of 2016-01-22; 女职工劳动保护特别规定 16: in force from 2012-04-28.
    before = result(maternity(event="birth", place="shandong", start=date(2016, 1, 21)))
    assert (before.count, before.day, bool(before.unknown)) == (98, date(2016, 4, 27), True)
    after = result(maternity(event="birth", place="shandong", start=date(2016, 1, 22)))
    assert (after.count, after.day, bool(after.unknown)) == (158, date(2016, 6, 27), False)
    assert result(maternity(event="birth", start=date(2012, 4, 27))).human
    assert not result(maternity(event="birth", start=date(2012, 4, 28))).human


@pytest.mark.parametrize("standard", [D(13_200), D(50)])
def test_a_monthly_benefit_above_any_minimum_wage_is_asked_back(standard: D) -> None:
    # 失业保险条例18: below the local minimum wage, so 13,200 a month cannot be; 50 is a daily sum.
    found = unemployment(years=11, own_will=False, standard=standard)
    assert isinstance(found, Doubt)
    assert found.field == "standard"


def test_years_count_from_the_new_job_where_months_were_left_over() -> None:
    # 失业保险条例17: after a new job the time of contributions starts again; months not drawn are added to it, 24 at most.
    found = result(unemployment(years=3, own_will=False, left_over=6))
    assert found.count == 12 + 6
    assert "上次领金以后又就业，累计缴费满3年" in found.steps[0].text
    assert any("重新计算" in said for said in found.assumptions)
    assert not any("重新计算" in said for said in result(unemployment(years=3, own_will=False)).assumptions)


def test_a_last_day_on_a_weekend_is_said_to_be_one() -> None:
    # 民法典203: 3 May 2024 and thirty days is 2 June 2024, a Sunday; from Friday 15 March 2024 to Sunday 14 April likewise.
    found = result(deadlines(matter="injury_employer", since=date(2024, 5, 3), today=date(2024, 5, 4)))
    assert found.day == date(2024, 6, 2)
    assert "星期日" in found.steps[-1].text
    assert str(found.steps[-1].basis.article) == "第二百零三条"
    # 2 May 2024 and thirty days is Saturday 1 June; 1 May and thirty days is Friday 31 May.
    assert "星期六" in result(deadlines(matter="injury_employer", since=date(2024, 5, 2), today=date(2024, 5, 4))).steps[-1].text
    assert len(result(deadlines(matter="injury_employer", since=date(2024, 5, 1), today=date(2024, 5, 4))).steps) == 2


def test_the_pay_for_leave_says_when_it_is_late() -> None:
    # 调解仲裁法27: one year. Left on 30 June 2023, asked on 1 July 2024: late; asked on 30 June 2024: not yet.
    late, soon = (
        result(annual_leave(years=12, situation="left", taken=0, day=date(2023, 6, 30), wage=D(6000), today=today))
        for today in (date(2024, 7, 1), date(2024, 6, 30))
    )
    assert "时效" in late.headline
    assert "时效" not in soon.headline
    assert late.amount == soon.amount


def test_more_leave_taken_than_due_is_not_taken_back() -> None:
    # 实施办法12 (3): left on 20 July: 201 of 365 days of 5 days are 2; 4 taken are more, and are not taken back.
    found = result(annual_leave(years=6, situation="left", taken=4, day=date(2019, 7, 20)))
    assert (found.count, found.headline) == (0, "当年应休2天，都休完了")
    assert "不扣回" in found.steps[-1].text
    assert str(found.steps[-1].basis).endswith("第十二条第三款")
    # 10 (1): who joined on that day has 165 days, also 2 days of leave.
    found = result(annual_leave(years=6, situation="joined", taken=4, day=date(2019, 7, 20)))
    assert (found.count, str(found.steps[-1].basis)[-6:]) == (0, "第十条第一款")


@pytest.mark.parametrize(
    ("given", "besides"),
    [
        # 工伤保险条例37: grade 10, nothing else asked: the one-off alone.
        ({"grade": 10}, ""),
        # 33: wages while treated come to it; 62: who pays them without insurance is no further sum.
        ({"grade": 10, "treated": 3, "insured": False}, "另有1项"),
        # 35, 34, 33: a monthly allowance, nursing and wages while treated; 64: that the wage is raised to 60 % is no sum of its own.
        ({"grade": 2, "treated": 6, "care": "most", "local_wage": D(20_000)}, "另有3项"),
        # 36: grade 5 that leaves: the monthly allowance, and two one-off sums told in one step.
        ({"grade": 5, "leaving": True}, "另有2项"),
    ],
)
def test_the_headline_says_how_much_more_there_is(given: dict[str, Any], besides: str) -> None:
    headline = result(injury(wage=D(6000), **given)).headline
    assert ("另有" in headline) == bool(besides)
    assert besides in headline
