"""The official account end to end: sealed pushes in, one answer out, in time, once, whatever comes twice or late."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import func, select

from bot import wording
from bot.channels import answer_page, wechat
from bot.dialogue import Dialogue, Keep, keep_no_more, utc_now
from bot.handoff.tables import TicketRow
from bot.match import Matcher
from bot.policy import Policy
from bot.server import create_app
from bot.store import Conversation, FeedbackRow, OutboxRow, Store, Turn
from bot.values import Basis, Message, Reply
from bot.weixin.account import Account
from bot.weixin.receive import Receiver
from bot.weixin.render import say_on_phone
from bot.weixin.rows import Received
from bot.weixin.simulate import Phone, play
from bot.weixin.split import LARGEST
from eval.fake_platform import running
from knowledge.bank import read_bank
from knowledge.records import Entry
from tests.conftest import ENTRIES, ROOT
from tests.weixin import ACCOUNT, PLAIN

Open = Callable[..., "contextmanager[str]"]


@pytest.fixture
def serve(matcher: Matcher, policy: Policy, store: Store) -> Callable[..., object]:
    """A server on loopback with the WeChat channel; its callback's address."""

    @contextmanager
    def start(
        account: Account = ACCOUNT,
        limit: float = 4.2,
        can_push: bool = False,
        transfer: bool = False,
        slow: float = 0.0,
        typed: list[str] | None = None,
    ) -> Iterator[str]:
        typed = [] if typed is None else typed
        dialogue = Dialogue(matcher, policy, store)
        if slow:
            quick = dialogue.reply

            def reply(message: Message, keep: Keep = keep_no_more) -> Reply:
                time.sleep(slow)
                return quick(message, keep)

            dialogue.reply = reply  # type: ignore[method-assign]
        receiver = Receiver(account, dialogue, store, utc_now, "https://example.invalid", can_push, transfer)
        routers = [wechat.create_router(account, receiver, limit, show_typing=typed.append), answer_page.create_router(dialogue, matcher)]
        with running(create_app(dialogue, matcher, store, routers=routers)) as url:
            yield f"{url}/wechat"

    return start


def count(store: Store, table: type) -> int:
    with store.transaction() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def outbox_texts(store: Store) -> list[tuple[str, str]]:
    with store.transaction() as session:
        return [(row.text, row.state) for row in session.scalars(select(OutboxRow).order_by(OutboxRow.id))]


def test_a_whole_conversation_in_safe_mode(serve: Open, store: Store) -> None:
    with serve() as url:
        phone = Phone(url, ACCOUNT)
        assert phone.check_url()
        assert phone.do("/subscribe") == wording.WELCOME
        answer = phone.say("老板不发工资咋整")
        assert answer is not None
        assert answer.startswith(ENTRIES[0].short)
        assert "依据：《劳动合同法》第三十条" in answer
        assert "回复1：" in answer
        assert f"/q/{ENTRIES[0].id}" in answer
        assert ENTRIES[1].short in (phone.say("１") or "")
        assert phone.say("有用") == wording.THANKS
        handed = phone.say("转人工")
        assert handed is not None
        assert "工单号" in handed
        assert phone.do("/click common") == wording.COMMON
        assert phone.do("/click complain") == wording.COMPLAIN
        assert phone.do("/voice 老板不发工资咋整") is not None
        assert phone.do("/voice") == wording.NOT_WORDS["voice"]
        assert phone.do("/image") == wording.NOT_WORDS["image"]
    assert (count(store, TicketRow), count(store, FeedbackRow), count(store, Conversation)) == (1, 1, 1)


def test_the_page_behind_a_short_answer(serve: Open) -> None:
    with serve() as url:
        page = httpx.get(url.replace("/wechat", f"/q/{ENTRIES[0].id}"))
        assert page.status_code == 200
        assert ENTRIES[0].answer in page.text
        assert "<script" not in page.text
        missing = httpx.get(url.replace("/wechat", "/q/none"))
        assert (missing.status_code, "没有找到这道题" in missing.text) == (404, True)


def test_nothing_that_is_not_sealed_gets_in_and_every_refusal_looks_the_same(
    serve: Open, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with serve() as url:
        phone, plain = Phone(url, ACCOUNT), Phone(url, PLAIN)
        query, body = phone.request(phone.message("text", ("Content", "密")))
        forged = [
            httpx.post(url, params=plain.request(b"")[0], content=plain.message("text", ("Content", "明"))),
            httpx.post(url, params=query | {"msg_signature": "0" * 40}, content=body),
            httpx.post(url, params={name: value for name, value in query.items() if name != "msg_signature"}, content=body),
            httpx.post(url, params=query | {"encrypt_type": "raw"}, content=body),
            httpx.post(url, params=query | {"timestamp": "1"}, content=body),
            httpx.post(url, params=query, content=b"<xml><Encrypt>AAAA</Encrypt></xml>"),
            httpx.get(url, params={"signature": "x", "timestamp": "1", "nonce": "2", "echostr": "3"}),
        ]
        assert {(answer.status_code, answer.content) for answer in forged} == {(403, b"refused")}
        assert httpx.post(url, params=query, content=b"x" * 70_000).status_code == 413
    assert "refused: " in caplog.text
    assert not any(secret in caplog.text for secret in ("明", "密", phone.user, ACCOUNT.token))
    assert (count(store, Turn), count(store, Received), count(store, Conversation)) == (0, 0, 0)


def test_a_replayed_request_is_one_turn_and_one_answer_even_after_a_restart(serve: Open, store: Store) -> None:
    with serve() as url:
        phone = Phone(url, ACCOUNT)
        query, body = phone.request(phone.message("text", ("Content", "转人工")))
        with ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(lambda _: httpx.post(url, params=query, content=body, timeout=20), range(50)))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers if answer.content}) == 1
    with serve() as url:  # the same rows, another process's memory
        again = httpx.post(url, params=query, content=body)
        assert again.content == next(answer.content for answer in answers if answer.content)
    assert (count(store, Turn), count(store, TicketRow)) == (1, 1)


def test_a_slow_engine_is_answered_in_time_and_delivers_once(serve: Open, store: Store) -> None:
    typed: list[str] = []
    with serve(limit=0.4, slow=1.0, can_push=True, typed=typed) as url:
        phone = Phone(url, ACCOUNT)
        query, body = phone.request(phone.message("text", ("Content", "老板不发工资咋整")))
        times = []
        for _ in range(4):  # the platform sends it again and again
            began = time.monotonic()
            assert httpx.post(url, params=query, content=body).content == b""
            times.append(time.monotonic() - began)
            time.sleep(0.3)
        assert max(times) < 0.9
        assert typed[:1] == [phone.user]
        time.sleep(0.8)
        late = outbox_texts(store)
        assert len(late) == 1
        assert late[0][0].startswith(ENTRIES[0].short)
        assert late[0][1] == "waiting"
        assert httpx.post(url, params=query, content=body).content == b""
    assert (len(outbox_texts(store)), count(store, Turn)) == (1, 1)


def test_what_waits_comes_with_the_next_reply_where_nothing_can_be_pushed(serve: Open, store: Store) -> None:
    with serve(limit=0.3, slow=0.6) as url:
        phone = Phone(url, ACCOUNT)
        assert phone.say("老板不发工资咋整") is None
        time.sleep(0.8)
    with serve() as url:
        again = Phone(url, ACCOUNT, phone.user)
        both = again.say("今天天气怎么样")
        assert both is not None
        assert both.startswith(ENTRIES[0].short)
        assert "工单号" in both
        third = again.say("今天天气怎么样啊")
        assert third is not None
        assert ENTRIES[0].short not in third, "nothing twice"
    assert [state for _, state in outbox_texts(store)] == ["sent"]


def test_what_a_dead_server_began_is_answered_by_the_next(matcher: Matcher, policy: Policy, store: Store) -> None:
    clock = [datetime(2026, 1, 1, 8, tzinfo=UTC).replace(tzinfo=None)]
    dialogue = Dialogue(matcher, policy, store, now=lambda: clock[0])
    receiver = Receiver(ACCOUNT, dialogue, store, lambda: clock[0], can_push=True)
    with store.transaction() as session:
        session.add(
            Received(key="u9:1:1", platform="wechat", user="u9", kind="text", said="转人工", state="working", claimed_at=clock[0], body=b"")
        )
    assert receiver.recover() == 0, "it may still be at it"
    clock[0] += timedelta(seconds=60)
    assert (receiver.recover(), receiver.recover()) == (1, 0)
    assert (count(store, Turn), count(store, TicketRow), len(outbox_texts(store))) == (1, 1, 1)
    with store.transaction() as session:
        assert session.scalars(select(Received.said)).all() == [""]


def test_a_human_has_the_conversation_and_the_platforms_service_can_take_over(serve: Open, store: Store) -> None:
    with serve(transfer=True) as url:
        phone = Phone(url, ACCOUNT)
        assert phone.say("转人工") == "〔转客服〕"
        with store.transaction() as session:
            for conversation in session.scalars(select(Conversation)):
                conversation.human_since = utc_now()
        assert phone.say("在吗") is None
        assert phone.do("/image") is None
    assert count(store, Turn) == 3, "all is kept"


def test_many_at_once_are_all_answered(serve: Open, store: Store) -> None:
    with serve() as url, httpx.Client(timeout=20, limits=httpx.Limits(max_connections=60)) as client:
        phones = [Phone(url, ACCOUNT, client=client) for _ in range(60)]
        with ThreadPoolExecutor(60) as pool:
            answers = list(pool.map(lambda phone: phone.say("老板不发工资咋整"), phones))
    assert all(answer is not None and answer.startswith(ENTRIES[0].short) for answer in answers)
    assert count(store, Conversation) == 60


def test_the_terminal_shows_what_was_said(serve: Open) -> None:
    with serve(PLAIN) as url:
        shown = list(play(Phone(url, PLAIN), ["老板不发工资咋整\n", "\n"]))
    assert shown[0] == "我：老板不发工资咋整"
    assert shown[1].startswith(f"暖心：{ENTRIES[0].short}")


def test_every_answer_of_the_bank_is_a_few_small_messages() -> None:
    entries = read_bank([ROOT / "knowledge/data/bank"])[0]
    for url in ("", "https://example.invalid"):
        for entry in entries:
            basis = tuple(Basis(c.law, c.article, "", "in_force") for c in entry.basis)
            parts = say_on_phone(Reply("answer", entry.answer, "s", "v", entry=entry, basis=basis, next=entry.next), url)
            assert 1 <= len(parts) <= 4
            assert all(len(part.encode()) <= LARGEST for part in parts)
            assert parts[0].startswith(entry.short[:20])
            assert url == "" or len(parts) == 1


def test_an_endless_answer_becomes_its_short_form_and_a_page() -> None:
    entry = Entry("long", "问", short="短答。", answer="长答。" * 5000)
    parts = say_on_phone(Reply("answer", entry.answer, "s", "v", entry=entry), "https://example.invalid")
    assert len(parts) == 1
    assert "https://example.invalid/q/long" in parts[0]
    assert len(say_on_phone(Reply("answer", entry.answer, "s", "v", entry=entry))) <= 4
