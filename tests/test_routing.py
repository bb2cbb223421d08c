"""Places, who a case goes to, and working time (trial 15)."""

from datetime import date, datetime, timedelta

import chinese_calendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.handoff.calendar import Calendar, read_holidays
from bot.handoff.places import bundled_places, covers, scope
from bot.handoff.routing import Case, Routing, bundled_routing

PLACES = bundled_places()
ROUTING = bundled_routing()


@pytest.mark.parametrize("code", [code for code, place in PLACES.by_code.items() if place.level != "province"])
def test_every_office_is_found_by_code_name_and_everyday_name(code: str) -> None:
    place = PLACES.by_code[code]
    for name in (code, PLACES.full_name(place), place.name, *place.names):
        for sentence in (name, f"我在{name}上班", f"{name}的厂子不发工资"):
            found = PLACES.find(sentence)
            assert found.places == (place,) or (not found.places and place in found.choices), (sentence, found)
    assert PLACES.find(PLACES.full_name(place)).places == (place,)


TABLE = """市中区=?370103,370402,370811
济南市中区=370103|枣庄市中区=370402|我在枣庄，单位在市中区=370402
高新区=?370100,370200,370300|青岛高新区=370200
章丘市=370114|长清县=370113|莱芜=370116|济南天桥=370105|天桥=|过了天桥就到=|泉城历下=370102|青岛=370200|青岛黄岛开发区=370211|370102=370102
山东=|=|我不知道=|北京=|老板不发工资=|潍坊寿光=370783|寿光=370783|我在寿光干活=370783"""


@pytest.mark.parametrize("row", TABLE.replace("\n", "|").split("|"))
def test_places_table(row: str) -> None:
    text, _, wanted = row.partition("=")
    found = PLACES.find(text)
    if wanted.startswith("?"):
        assert not found.places
        assert set(wanted[1:].split(",")) <= {place.code for place in found.choices}
    else:
        assert [place.code for place in found.places] == [code for code in wanted.split(",") if code]


def test_two_places_are_both_told() -> None:
    assert [place.code for place in PLACES.find("公司在济南历下，工地在潍坊寿光").places] == ["370102", "370783"]


@given(st.text(max_size=60))
def test_any_text_finds_places_or_none(text: str) -> None:
    found = PLACES.find(text)
    assert not (found.places and found.choices)


def test_scope_follows_the_codes() -> None:
    assert (scope("370000"), scope("370100"), scope("370102")) == ("37", "3701", "370102")
    assert covers("370100", "370102")
    assert not covers("370102", "370100")
    assert not covers("370100", "")


# Routing.


def test_nobody_on_duty_falls_upward_and_lawyers_take_what_is_unclear() -> None:
    case = Case("complaint", places=("370102",))
    assert ROUTING.route(case, {("370102", "agents")}).terminal == "370102"
    assert ROUTING.route(case, {("370100", "agents"), ("370000", "agents")}).terminal == "370100"
    assert ROUTING.route(case, {("370202", "agents")}).terminal == "370000"
    assert ROUTING.route(case, set()).terminal == "370000"
    unclear = Case("unclear", places=("370102",), has_near=True)
    assert ROUTING.route(unclear, {("370100", "lawyers")}).group == "lawyers"
    assert ROUTING.route(unclear, {("370102", "agents")}).group == "agents"
    assert ROUTING.route(Case("urgent"), set()).priority == 1


def test_many_people_or_two_places_go_to_two_offices() -> None:
    duty = {("370102", "agents"), ("370783", "agents")}
    assert ROUTING.route(Case("complaint", places=("370102", "370783")), duty).also_terminal == "370783"
    assert ROUTING.route(Case("complaint", places=("370102",), people=12), duty).also_terminal == "370100"
    assert ROUTING.route(Case("complaint", places=("370102",)), duty).also_terminal == ""


def test_a_wrong_rule_is_named() -> None:
    rules = {"rules": [{"when": {"wether": 1}, "then": {}}], "clock": []}
    with pytest.raises(ValueError, match="wether"):
        Routing(rules, PLACES)


# Calendars.


@pytest.mark.parametrize("year", [2025, 2026])
def test_working_days_are_those_of_an_independent_library(year: int) -> None:
    calendar = ROUTING.calendar
    day = date(year, 1, 1)
    while day.year == year:
        assert calendar.is_working_day(day) == chinese_calendar.is_workday(day), day
        day += timedelta(days=1)


HOURS = ["08:30-12:00", "13:30-17:30"]


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        ("2026-11-26T10:00", 60, "2026-11-26T11:00"),
        ("2026-11-26T11:30", 60, "2026-11-26T14:00"),  # half an hour before noon, half after the break
        ("2026-11-26T17:00", 60, "2026-11-27T09:00"),  # overnight
        ("2026-11-27T17:29", 60, "2026-11-30T09:29"),  # Friday to Monday
        ("2026-09-30T17:00", 60, "2026-10-08T09:00"),  # over the national holiday
        ("2026-09-19T12:00", 60, "2026-09-20T09:30"),  # Saturday, and the Sunday is worked
        ("2026-02-14T17:00", 60, "2026-02-24T09:00"),  # spring festival
        ("2026-11-26T03:00", 60, "2026-11-26T09:30"),  # before opening
        ("2026-11-26T08:30", 450, "2026-11-26T17:30"),  # a whole day to the minute
    ],
)
def test_working_minutes_worked_out_by_hand(start: str, minutes: int, end: str) -> None:
    calendar = Calendar(read_holidays(), HOURS)
    beijing = timedelta(hours=8)
    assert calendar.after(datetime.fromisoformat(start) - beijing, minutes) == datetime.fromisoformat(end) - beijing


@given(st.datetimes(datetime(2025, 1, 1), datetime(2026, 10, 1)), st.integers(1, 3000))
@settings(max_examples=200)
def test_more_minutes_never_end_earlier(start: datetime, minutes: int) -> None:
    calendar = ROUTING.calendar
    assert start < calendar.after(start, minutes) <= calendar.after(start, minutes + 1)
