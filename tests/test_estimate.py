"""算一算, played to the end: in the dialogue, over HTTP, on WeChat and in a browser."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import httpx
import pytest
from playwright.sync_api import Browser

from bot.calculate.answers import find_facts
from bot.calculate.registry import CALCULATIONS
from bot.dialogue import Dialogue
from bot.estimate import ESTIMATE, OFFER, STOPPED, Estimate, pointers
from bot.match import Matcher
from bot.policy import Policy
from bot.store import Store
from bot.values import Message, Reply
from bot.weixin.render import say_on_phone
from bot.weixin.split import LARGEST
from knowledge.bank import read_bank
from tests.conftest import ENTRIES, ROOT


@pytest.fixture
def ask(matcher: Matcher, policy: Policy, store: Store) -> Callable[[str], Reply]:
    """One worker's conversation on 2026-11-26; the first entry of the small bank leads to the compensation."""
    estimate = Estimate(lambda: {ENTRIES[0].id: "severance"})
    dialogue = Dialogue(matcher, policy, store, now=lambda: datetime(2026, 11, 26, 4), procedures=[estimate])
    return lambda text: dialogue.reply(Message(text, "s1"))


def test_a_sum_is_offered_asked_for_and_shown_with_its_articles(ask: Callable[[str], Reply]) -> None:
    first = ask(ENTRIES[0].question)
    assert (first.text, first.follow) == (ENTRIES[0].answer, OFFER)
    assert "离开单位" in ask("算一算").text
    assert "哪一天入职" in ask("2").text
    assert "按1日算" in ask("18年3月").text, "what is vague is repeated"
    assert "最后上班" in ask("是的").text
    assert "还早" not in (wrong := ask("2017年1月1日")).text
    assert wrong.kind == "clarify"
    assert "知道本地" in ask("五千五").text
    back = ask("不知道")
    assert "还早" in back.text, "an end before the start is asked again, not computed"
    done = ask("2021年11月4日")
    assert done.kind == "answer"
    assert done.text.startswith("大约是22,000元")
    assert "《劳动合同法》第四十七条" in done.text
    assert ESTIMATE in done.text
    assert ("劳动合同法", "第四十七条") in [(b.law, b.article[:5]) for b in done.basis]
    parts = say_on_phone(done)
    assert all(len(part.encode()) <= LARGEST for part in parts)
    assert "".join(parts).startswith("大约是22,000元")


def test_it_gives_way_and_comes_back(ask: Callable[[str], Reply]) -> None:
    ask(ENTRIES[0].question)
    ask("算一算")
    between = ask(ENTRIES[1].question)
    assert between.entry == ENTRIES[1]
    assert "还没算完" in between.follow
    assert "没听明白" in ask("嗯哼哈").text
    assert ask("不算了").text == STOPPED
    ask(ENTRIES[0].question)
    ask("算一算")
    assert ask("转人工").kind == "handoff"


def test_facts_said_before_are_not_asked_again(ask: Callable[[str], Reply]) -> None:
    ask("我2018年3月5日入职，2021年11月4日被辞退，月工资五千五")
    ask(ENTRIES[0].question)
    begun = ask("算一算")
    assert "您前面说过：" in begun.text
    assert "2018年3月5日" in begun.text
    assert "知道本地" in ask("2").text, "dates and wage are known"


def test_pointers_lead_from_real_entries_to_real_calculations() -> None:
    entries = {entry.id for entry in read_bank([ROOT / "knowledge/data/bank"])[0]}
    assert set(pointers()) <= entries
    assert set(pointers().values()) == set(CALCULATIONS)


def test_over_http(server: str) -> None:
    listed = {row["name"]: row for row in httpx.get(f"{server}/api/calculate").json()}
    assert set(listed) == set(CALCULATIONS)
    body = {"reason": "agreed", "start": "2018-03-05", "end": "2021-11-04", "wage": "5500"}
    found = httpx.post(f"{server}/api/calculate/severance", json=body).json()
    assert (found["amount"], found["steps"][1]["article"]) == ("22000.00", "第四十七条第一款")
    missing = httpx.post(f"{server}/api/calculate/severance", json={"reason": "agreed"})
    assert (missing.status_code, "start" in missing.text) == (422, True)
    doubt = httpx.post(f"{server}/api/calculate/severance", json=body | {"end": "2017-01-01"})
    assert (doubt.status_code, doubt.json()["detail"]["field"]) == (422, "end")
    assert httpx.post(f"{server}/api/calculate/severance", json=body | {"reason": "magic"}).status_code == 422
    assert httpx.post(f"{server}/api/calculate/deadlines", json={"matter": "court", "since": "2026-01-20"}).json()["day"] == "2026-02-04"
    assert "/api/calculate/overtime" in httpx.get(f"{server}/openapi.json").json()["paths"]


def test_in_a_browser(server: str, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(server)
    page.fill("#text", "经济补偿金怎么算，N是什么意思")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="算一算").click()
    page.get_by_role("button", name="公司提出，双方协商好解除").click()
    for question, value in (("哪一天入职", "2018-03-05"), ("最后上班到", "2021-11-04"), ("平均每月应发", "5500")):
        page.get_by_text(question).wait_for()
        page.locator("form.small input").last.fill(value)
        page.get_by_role("button", name="填好了").last.click()
    page.get_by_text("知道本地上年度").wait_for()
    page.get_by_role("button", name="不知道").last.click()
    page.get_by_text("大约是22,000元").wait_for()
    page.close()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("被公司辞退了能拿多少补偿", "severance"),
        ("工地上摔断了腿，老板该赔多少", "injury"),
        ("我哥在工地干活触电死亡，赔偿标准是多少", "injury-death"),
        ("没签合同，双倍工资怎么算", "double-wage"),
        ("加班费怎么算", "overtime"),
        ("女职工什么时候退休", "retirement"),
        ("仲裁的时效是多久", "deadlines"),
        ("车祸十级伤残赔多少", ""),
        ("护理费一天多少钱", ""),
        ("公司在哪里交社保", ""),
        ("哪些情形应当支付经济补偿", ""),
        ("今天股票多少钱", ""),
    ],
)
def test_a_question_for_a_sum_is_led_to_the_calculation_by_its_words(text: str, name: str) -> None:
    found = Estimate().suggest(text, [])
    assert (pointers()[found[2]] if found else "") == name


def test_facts_in_the_question_are_taken_and_what_is_open_is_not() -> None:
    fields = CALCULATIONS["injury"].fields
    today = date(2026, 11, 26)
    assert find_facts(fields, "鉴定为十级，月工资4000元，住院2个月，单位没有买工伤保险", today) == {
        "grade": 10,
        "wage": Decimal(4000),
        "treated": 2,
        "insured": False,
    }
    assert find_facts(fields, "九级和十级有什么不同，工资四五千", today) == {}
    assert find_facts(CALCULATIONS["severance"].fields, "干到现在到期了", today) == {}
