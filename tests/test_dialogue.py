"""Turns: choosing by number, handing over once, nothing lost, faults reach a human."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from bot import outbox, wording
from bot.dialogue import Dialogue
from bot.errors import StoreError
from bot.handoff.tables import TicketRow
from bot.match import Matcher
from bot.policy import Policy
from bot.procedure import Hearing, State, Step
from bot.sessions import read_pick
from bot.store import Conversation, Store, Turn
from bot.values import Action, Message, Reply
from knowledge.records import Entry
from tests.conftest import ENTRIES


def ask(dialogue: Dialogue, text: str, session: str = "s1") -> Reply:
    return dialogue.reply(Message(text, session))


def count(store: Store, table: type[Turn] | type[TicketRow]) -> int:
    with store.transaction() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_the_answer_is_the_banks_word_for_word(dialogue: Dialogue) -> None:
    reply = ask(dialogue, "老板不发工资咋整")
    assert (reply.kind, reply.text, reply.entry) == ("answer", ENTRIES[0].answer, ENTRIES[0])
    assert [(b.law, b.article, b.text, b.status) for b in reply.basis] == [
        ("劳动合同法", "第三十条", "单位要按时足额发工资。", "in_force"),
        ("查无此法", "第一条", "", "unknown"),
    ]
    assert reply.related[0].entry_id == "leave-1"


@pytest.mark.parametrize("pick", ["1", "１", "一", "①", "第一个", "选1", "1."])
def test_a_number_chooses(dialogue: Dialogue, pick: str) -> None:
    ask(dialogue, "老板不发工资咋整")
    assert ask(dialogue, pick).entry == ENTRIES[1]


def test_numbers_that_offer_nothing(dialogue: Dialogue) -> None:
    assert ask(dialogue, "1", "fresh").kind == "handoff"
    assert [read_pick(text) for text in ("第二个", "３", "两", "11", "1个月工资", "一年", "")] == [2, 3, 2, None, None, None, None]


def test_choices_expire(matcher: Matcher, store: Store, policy: Policy) -> None:
    clock = [datetime(2026, 1, 1, 8)]
    dialogue = Dialogue(matcher, policy, store, choice_minutes=10, now=lambda: clock[0])
    ask(dialogue, "老板不发工资咋整")
    clock[0] += timedelta(minutes=11)
    assert (late := ask(dialogue, "1")).kind == "clarify"
    assert (late.text, late.choices) == (wording.PICK_GONE, ())


def test_one_ticket_however_often_asked(dialogue: Dialogue, store: Store) -> None:
    first, second = ask(dialogue, "转人工"), ask(dialogue, "找人工客服")
    assert first.kind == second.kind == "handoff"
    assert first.ticket is not None
    assert second.ticket is not None
    assert first.ticket.number == second.ticket.number
    assert first.ticket.state == "待受理"
    assert first.ticket.number in first.text
    assert (count(store, TicketRow), count(store, Turn)) == (1, 2)


def test_urgent_words_answer_and_call_a_human(dialogue: Dialogue) -> None:
    reply = ask(dialogue, "我不想活了")
    assert reply.kind == "answer"
    assert reply.ticket is not None


@pytest.mark.parametrize("text", ["今天天气怎么样", "asdfgh", "😀😀", "DROP TABLE turn; --", "\u200b", "{{7*7}}", "a" * 2000])
def test_what_is_outside_goes_to_a_human(dialogue: Dialogue, store: Store, text: str) -> None:
    reply = ask(dialogue, text)
    assert reply.kind == "handoff"
    with store.transaction() as session:
        assert session.scalars(select(Turn.text)).all() == [text]


def test_a_fault_of_the_engine_reaches_a_human(dialogue: Dialogue, matcher: Matcher, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(matcher, "match", broken)
    reply = ask(dialogue, "老板不发工资咋整")
    assert reply.kind == "handoff"
    assert reply.ticket is not None
    assert reply.ticket.reason == "fault"
    assert "secret" not in reply.text


def test_a_database_that_is_gone_promises_nothing(tmp_path_factory: pytest.TempPathFactory, matcher: Matcher, policy: Policy) -> None:
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('db')}/a.db")
    dialogue = Dialogue(matcher, policy, store)
    with store.transaction() as session:
        session.connection().exec_driver_sql("DROP TABLE turn")
    with pytest.raises(StoreError):
        ask(dialogue, "转人工")
    assert count(store, TicketRow) == 0


class Counting:
    """A procedure that asks for three numbers and adds them up."""

    name = "counting"

    def wants(self, hearing: Hearing) -> Step | None:
        return Step("数到几？", {"sum": 0, "left": 1}) if hearing.clean == "数数" else None

    def offer(self, entry: Entry) -> tuple[str, Action] | None:
        return ("要数一数吗？", Action("数一数", "数一数")) if entry.id == "wage-1" else None

    def suggest(self, clean: str, near: Sequence[Entry]) -> tuple[str, Action, str] | None:
        return ("要不要数一数？", Action("数一数", "数一数"), "wage-1") if "几个" in clean else None

    def begin(self, entry: Entry, hearing: Hearing) -> Step:
        return Step("第一个数？", {"sum": 0, "left": 2})

    def go_on(self, state: State, hearing: Hearing) -> Step | None:
        if hearing.clean == "坏了":
            raise RuntimeError("secret")
        if not hearing.clean.isdigit():
            return None
        total, left = int(str(state["sum"])) + int(hearing.clean), int(str(state["left"])) - 1
        return Step("下一个？", {"sum": total, "left": left}) if left else Step(f"一共{total}", None, "answer")

    def remind(self, state: State) -> str:
        return "接着数：下一个？"


@pytest.fixture
def counting(matcher: Matcher, policy: Policy, store: Store) -> Dialogue:
    return Dialogue(matcher, policy, store, procedures=[Counting()])


def test_what_was_not_answered_gets_a_suggestion_that_only_its_own_words_take(counting: Dialogue) -> None:
    reply = ask(counting, "试用期几个月")
    assert (reply.kind, reply.follow, reply.actions) == ("clarify", "要不要数一数？", (Action("数一数", "数一数"),))
    assert ask(counting, "是的").text != "第一个数？"  # a yes may mean one of the choices
    ask(counting, "试用期几个月")
    assert ask(counting, "1").entry is not None
    ask(counting, "试用期几个月")
    assert ask(counting, "数一数").text == "第一个数？"
    assert ask(counting, "转人工").follow == ""


def test_a_procedure_is_offered_taken_interrupted_and_ended(counting: Dialogue) -> None:
    first = ask(counting, "老板不发工资咋整")
    assert (first.text, first.follow) == (ENTRIES[0].answer, "要数一数吗？")
    assert [action.say for action in first.actions] == ["数一数"]
    assert ask(counting, "好的").text == "第一个数？"
    assert ask(counting, "40").text == "下一个？"
    between = ask(counting, "老板不发工资咋整")
    assert (between.text, between.follow) == (ENTRIES[0].answer, "接着数：下一个？")
    assert (done := ask(counting, "2")).text == "一共42"
    assert done.kind == "answer"
    assert ask(counting, "2").kind == "handoff", "it is over"


def test_a_procedure_gives_way_to_a_human_and_to_its_own_faults(counting: Dialogue) -> None:
    assert ask(counting, "数数").text == "数到几？"
    assert ask(counting, "转人工").kind == "handoff"
    assert ask(counting, "7").kind == "handoff", "it was closed"
    ask(counting, "数数")
    broken = ask(counting, "坏了")
    assert broken.kind == "handoff"
    assert "secret" not in broken.text


def test_a_message_that_comes_twice_is_answered_once(counting: Dialogue, store: Store) -> None:
    one = counting.reply(Message("老板不发工资咋整", "s1", id="m1"))
    again = counting.reply(Message("老板不发工资咋整", "s1", id="m1"))
    assert again == one
    assert counting.reply(Message("转人工", "s1", id="m2")) == counting.reply(Message("转人工", "s1", id="m2"))
    assert count(store, Turn) == 2


def test_the_bot_is_silent_while_a_human_has_the_conversation(dialogue: Dialogue, store: Store) -> None:
    ask(dialogue, "转人工")
    with store.transaction() as session:
        conversation = session.get_one(Conversation, "s1")
        conversation.human_since = datetime(2026, 1, 1)
        outbox.put(session, conversation, "agent", "您好，我是坐席。", datetime(2026, 1, 1), author="坐席")
    assert ask(dialogue, "老板不发工资咋整").silent
    sent, human, is_open = dialogue.messages("s1", 0)
    assert [(row.text, row.author, row.state) for row in sent] == [("您好，我是坐席。", "坐席", "sent")]
    assert human
    assert is_open
    assert dialogue.messages("s1", sent[-1].id) == ([], True, True)
    assert count(store, Turn) == 2
