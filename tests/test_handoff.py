"""Tickets, their clock, intake and what the worker hears, on SQLite and PostgreSQL (trials 13 to 16 and shows 2 and 3)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DatabaseError

from bot.dialogue import Dialogue
from bot.errors import TicketConflict
from bot.handoff.clock import Clock
from bot.handoff.intake import Intake
from bot.handoff.progress import Progress
from bot.handoff.tables import Agent, TicketEvent, TicketRow
from bot.handoff.tickets import Tickets, employer_key
from bot.match import Matcher
from bot.policy import Policy
from bot.store import Conversation, OutboxRow, Store, Turn
from bot.values import Message, Reply
from tests.human import World


@pytest.fixture
def world(any_store: Store) -> World:
    return World(any_store)


@pytest.fixture
def local(store: Store) -> World:
    return World(store)


# Tickets.


def test_asking_twice_gives_one_ticket_and_urgency_raises_it(world: World) -> None:
    first = world.ticket("s")
    assert world.ticket("s", "unclear", "别的") == first
    assert world.ticket("s", "urgent", "有人要跳楼") == first
    row = world.row(first)
    assert (row.priority, row.reason) == (1, "urgent")
    assert row.accept_by == world.at + timedelta(minutes=15)


def test_the_history_only_grows(world: World) -> None:
    world.ticket("s")
    for statement in ("UPDATE ticket_event SET actor = 'x'", "DELETE FROM ticket_event"):
        with pytest.raises(Exception) as refused, world.store.transaction() as session:  # noqa: PT011
            session.connection().exec_driver_sql(statement)
        assert isinstance(refused.value.__cause__, DatabaseError)
    with world.store.reading() as session:
        assert session.scalars(select(TicketEvent.actor)).all() == ["bot"]


def test_the_same_employer_links_tickets(world: World) -> None:
    details = {"事情": "欠薪", "单位": "济南市宏达建筑有限公司"}
    numbers = [
        world.ticket(f"s{n}", "complaint", details=details | {"单位": name})
        for n, name in enumerate(["济南市宏达建筑有限公司", "宏达建筑公司", "别家饭店"])
    ]
    with world.store.reading() as session:
        row = session.scalars(select(TicketRow).where(TicketRow.number == numbers[0])).one()
        assert [other.number for other in world.tickets.linked(session, row)] == [numbers[1]]
    assert employer_key("公司") == ""


def test_twenty_agents_claim_five_hundred_tickets(world: World) -> None:
    """Trial 13: every ticket has one owner, every later claimer is told."""
    agents = [world.agent(f"a{n}") for n in range(20)]
    with world.store.transaction() as session:
        session.add_all([Conversation(id=f"c{n}", channel="web", created_at=world.at, offered="", procedure="") for n in range(500)])
        session.flush()
        for n in range(500):
            world.tickets.open(session, Message("转人工", f"c{n}"), "asked", world.at)
    with world.store.reading() as session:
        ids = list(session.scalars(select(TicketRow.id)))

    def work(agent: Agent) -> tuple[int, int]:
        mine = conflicts = 0
        for ticket_id in ids:
            try:
                with world.store.transaction() as session:
                    world.tickets.claim(session, session.get_one(TicketRow, ticket_id), agent, world.at)
                mine += 1
            except TicketConflict:
                conflicts += 1
        return mine, conflicts

    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(work, agents))
    assert sum(mine for mine, _ in results) == 500
    assert sum(conflicts for _, conflicts in results) == 20 * 500 - 500
    with world.store.reading() as session:
        assert session.scalars(select(TicketRow.id).where(TicketRow.owner_id.is_(None))).all() == []
        assert len(session.scalars(select(TicketEvent.id).where(TicketEvent.action == "claimed")).all()) == 500


# Trial 14: the clock.


def actions(world: World, number: str) -> list[str]:
    with world.store.reading() as session:
        row = session.scalars(select(TicketRow).where(TicketRow.number == number)).one()
        return list(session.scalars(select(TicketEvent.action).where(TicketEvent.ticket_id == row.id).order_by(TicketEvent.id)))


def test_the_clock_warns_marks_and_escalates_at_the_second(world: World) -> None:
    """Show 2: nobody at county and city when it comes; warned at 45 minutes, late at 3,600 s and not at 3,599."""
    county = world.agent("county", "370102")
    number = world.ticket("s", "complaint", "历下区的公司欠薪", details={"事情": "欠薪"}, places=("370102",))
    assert world.row(number).terminal == "370102"
    assert county.region == "370102"
    world.wait(seconds=2699)
    world.clock.run()
    assert world.row(number).warned_at is None
    world.wait(seconds=1)
    world.clock.run()
    assert world.row(number).warned_at == world.at
    world.wait(seconds=899)
    world.clock.run()
    assert world.row(number).breached_at is None
    world.wait(seconds=1)
    world.clock.run()
    row = world.row(number)
    assert (row.breached_at, row.terminal) == (world.at, "370100")
    world.clock.run()
    assert actions(world, number) == ["opened", "warned", "late", "escalated"]
    world.wait(seconds=3599)
    world.clock.run()
    assert world.row(number).terminal == "370100"
    world.wait(seconds=1)
    world.clock.run()
    row = world.row(number)
    assert (row.terminal, row.escalate_at) == ("370000", None)
    world.wait(days=3)
    world.clock.run()
    assert actions(world, number) == ["opened", "warned", "late", "escalated", "escalated"]


def test_nobody_on_duty_in_county_and_city_reaches_the_province(world: World) -> None:
    world.agent("top", "370000")
    number = world.ticket("s", "complaint", "欠薪", details={"事情": "欠薪"}, places=("370102",))
    assert world.row(number).terminal == "370000"


def test_a_clock_set_back_neither_takes_back_nor_fires_twice(world: World) -> None:
    number = world.ticket("s")
    world.wait(hours=1)
    world.clock.run()
    late = world.row(number).breached_at
    world.wait(minutes=-10)
    for _ in range(20):
        world.clock.run()
        world.wait(minutes=1)
    assert world.row(number).breached_at == late
    assert actions(world, number).count("late") == 1


def test_two_clocks_and_a_restart_do_each_step_once(world: World) -> None:
    numbers = [world.ticket(f"s{n}") for n in range(40)]
    world.wait(hours=1)
    clocks = [Clock(world.store, Tickets(), world.now) for _ in range(4)]  # as four servers, freshly started
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda clock: [clock.run() for _ in range(5)], clocks))
    for number in numbers:
        assert actions(world, number).count("late") == 1


def test_a_ticket_accepted_in_time_is_never_late(world: World) -> None:
    agent = world.agent("wang")
    number = world.ticket("s")
    world.wait(seconds=3599)
    with world.store.transaction() as session:
        world.tickets.claim(session, session.get_one(TicketRow, world.row(number).id), agent, world.at)
    world.wait(days=1)
    world.here(agent)
    world.clock.run()
    assert "late" not in actions(world, number)


# Trial 16: a human has the conversation.


@pytest.fixture
def talk(world: World, matcher: Matcher, policy: Policy) -> Iterator[Dialogue]:
    procedures = [Progress(world.tickets), Intake(world.tickets)]
    return Dialogue(matcher, policy, world.store, now=world.now, procedures=procedures, tickets=world.tickets)


def opened(talk: Dialogue) -> str:
    ticket = talk.reply(Message("转人工", "s")).ticket
    assert ticket is not None
    return ticket.number


def test_the_bot_is_silent_from_claim_to_close_and_words_come_in_order(world: World, talk: Dialogue) -> None:
    agent = world.agent("wang")
    number = opened(talk)
    with world.store.transaction() as session:
        world.tickets.claim(session, session.get_one(TicketRow, world.row(number).id), agent, world.at)
    said = [f"第{n}句，老板不发工资" for n in range(12)]
    for words in said:
        reply = talk.reply(Message(words, "s"))
        assert (reply.silent, reply.text, reply.ticket) == (True, "", None)
    with world.store.reading() as session:
        heard = list(session.scalars(select(Turn.text).where(Turn.kind == "human").order_by(Turn.id)))
        assert heard == said
        assert session.scalars(select(OutboxRow.id)).all() == []
    assert world.row(number).heard_at == world.at
    with world.store.transaction() as session:
        world.tickets.answer(session, session.get_one(TicketRow, world.row(number).id), agent, "已解答", world.at)
    assert not talk.reply(Message("老板不发工资咋整", "s")).silent
    assert talk.reply(Message("基本满意", "s")).text.startswith("谢谢")
    row = world.row(number)
    assert (row.state, row.rating) == ("已结案", "基本满意")


def test_an_agent_gone_for_an_hour_gives_the_ticket_back_once(world: World, talk: Dialogue) -> None:
    agent = world.agent("wang")
    number = opened(talk)
    with world.store.transaction() as session:
        world.tickets.claim(session, session.get_one(TicketRow, world.row(number).id), agent, world.at)
    world.wait(minutes=30)
    talk.reply(Message("在吗", "s"))
    world.wait(minutes=29, seconds=59)
    world.clock.run()
    assert world.row(number).state == "处理中"
    world.wait(seconds=1)
    for _ in range(3):
        world.clock.run()
    row = world.row(number)
    assert (row.state, row.owner_id) == ("待受理", None)
    assert actions(world, number).count("given_back") == 1
    assert not talk.reply(Message("老板不发工资咋整", "s")).silent


def test_no_rating_closes_after_three_days(world: World, talk: Dialogue) -> None:
    agent = world.agent("wang")
    number = opened(talk)
    with world.store.transaction() as session:
        row = session.get_one(TicketRow, world.row(number).id)
        world.tickets.claim(session, row, agent, world.at)
        world.tickets.answer(session, row, agent, "已办结", world.at)
    world.wait(hours=72)
    world.clock.run()
    row = world.row(number)
    assert (row.state, row.rating) == ("已结案", "")


# Intake and progress.


def say(talk: Dialogue, *words: str, session: str = "s") -> Reply:
    for one in words:
        reply = talk.reply(Message(one, session))
    return reply


def test_a_complaint_is_gathered_repeated_and_filed(world: World, talk: Dialogue) -> None:
    world.agent("county", "370402")
    assert "什么事" in say(talk, "我要投诉").text
    assert "市中区" in say(talk, "三个月没发工资", "宏达饭店", "市中区").text
    assert "什么时候" in say(talk, "枣庄").text  # a city chooses among the places of that name
    assert "不像一个电话" in say(talk, "今年6月到现在", "跳过", "就我自己", "没电话的").text
    confirm = say(talk, "138 0013 8000")
    assert "138****8000" in confirm.text
    assert "13800138000" not in confirm.text.replace(" ", "")
    confirm = say(talk, "单位：宏达大饭店")
    assert "宏达大饭店" in confirm.text
    done = say(talk, "提交")
    assert done.kind == "handoff"
    assert done.ticket is not None
    row = world.row(done.ticket.number)
    assert (row.terminal, row.kind, row.employer) == ("370402", "求决类", "宏达大饭店")
    assert "138 0013 8000" in row.details
    with world.store.reading() as session:
        raw = session.connection().exec_driver_sql("SELECT details FROM ticket").scalar_one()
        assert "138" not in raw
        assert session.get_one(Conversation, "s").procedure == ""
    assert done.ticket.number in say(talk, "工单进度").text
    assert "没有查到" in say(talk, done.ticket.number, session="other").text


def test_an_intake_can_be_interrupted_and_stopped(world: World, talk: Dialogue) -> None:
    say(talk, "我要投诉", "拖欠工资不给")
    between = say(talk, "病假期间工资怎么发？")
    assert between.entry is not None
    assert "还没登记完" in between.follow
    assert "哪个县" in say(talk, "某某饭店").text
    assert "没有提交" in say(talk, "不登记了").text
    with world.store.reading() as session:
        assert session.scalars(select(TicketRow.id)).all() == []
    say(talk, "我要投诉")
    assert say(talk, "转人工").kind == "handoff"


def test_an_emergency_is_heard_in_the_middle_of_an_intake_and_at_the_desk(world: World, talk: Dialogue) -> None:
    agent = world.agent("wang")
    say(talk, "我要投诉")
    reply = say(talk, "我不想活了")
    assert "110" in reply.text
    assert reply.ticket is not None
    assert world.row(reply.ticket.number).priority == 1
    other = say(talk, "转人工", session="o").ticket
    assert other is not None
    with world.store.transaction() as session:
        world.tickets.claim(session, session.get_one(TicketRow, world.row(other.number).id), agent, world.at)
    assert say(talk, "我不想活了", session="o").silent
    assert world.row(other.number).priority == 1


def test_a_suggestion_is_a_ticket_of_its_own_kind(world: World, talk: Dialogue) -> None:
    assert "意见或建议" in say(talk, "我有个建议").text
    done = say(talk, "希望多办技能培训", "全省", "跳过", "提交")
    assert done.ticket is not None
    row = world.row(done.ticket.number)
    assert (row.kind, row.terminal) == ("意见建议类", "370000")
    # 10:00 of Beijing time on a Thursday: an hour of working time later.
    assert row.accept_by == world.at + timedelta(hours=1)


def test_a_told_complaint_is_its_own_matter_and_place(world: World, talk: Dialogue) -> None:
    assert "哪家单位" in say(talk, "我要反映枣庄市中区一家饭店拖欠工钱").text
    confirm = say(talk, "宏达饭店", "上个月起", "不知道一共多少", "3个人", "跳过")
    assert "枣庄市市中区" in confirm.text
    done = say(talk, "提交")
    assert done.ticket is not None
    assert world.row(done.ticket.number).summary.startswith("我要反映枣庄市中区一家饭店")


def test_a_question_is_no_answer_to_what_was_asked(talk: Dialogue) -> None:
    say(talk, "我要投诉", "拖欠工资不给")
    assert "还没登记完" in say(talk, "病假期间工资怎么发").follow
    assert "接着登记" in say(talk, "今天股票多少钱一股").text
    assert "哪个县" in say(talk, "宏达饭店").text


def test_a_rating_nobody_asked_for_is_no_rating(talk: Dialogue) -> None:
    assert say(talk, "满意").ticket is None


def test_what_must_be_given_cannot_be_skipped(talk: Dialogue) -> None:
    assert "不能跳过" in say(talk, "我要投诉", "跳过").text
    assert "没找到这个地方" in say(talk, "欠薪", "跳过", "火星").text


def test_migrations_go_down_and_up_again(any_store: Store, tmp_path: Path) -> None:
    from alembic import command
    from alembic.config import Config

    from bot.store import MIGRATIONS

    World(any_store).ticket("s")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with any_store._engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")
        command.upgrade(config, "head")
    with any_store.reading() as session:
        assert session.connection().exec_driver_sql("SELECT number FROM ticket").scalar_one() == "NX20261126-000001"
