"""Outbound against a strict stand-in: quota, tokens, busy phases, order, once only; on SQLite and PostgreSQL."""

import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from bot import outbox
from bot.channels import wecom
from bot.dialogue import Dialogue
from bot.match import Matcher
from bot.policy import Policy
from bot.store import Conversation, OutboxRow, Store
from bot.weixin import rows
from bot.weixin.client import Busy, QuotaUsed, Rejected, create_menu, send_text, show_typing, wechat_platform, wecom_platform
from bot.weixin.codec import seal, sign
from bot.weixin.deliver import MOST_ATTEMPTS, Deliverer
from bot.weixin.menu import buttons
from bot.weixin.read_wecom import Reader
from bot.weixin.xml import write_fields
from eval.fake_platform import APPID, SECRET, FakePlatform, create_app, running
from tests.conftest import ENTRIES
from tests.weixin import ACCOUNT, TOKEN

START = datetime(2026, 1, 1, 8)


class World:
    """A platform, a database and a clock that all agree on the time."""

    def __init__(self, store: Store, url: str, fake: FakePlatform, clock: list[float]) -> None:
        self.store, self.fake, self.clock, self.url = store, fake, clock, url
        self.wechat = wechat_platform(APPID, SECRET, url, lambda: self.clock[0])
        self.wecom = wecom_platform("corp", SECRET, url, lambda: self.clock[0])

    def now(self) -> datetime:
        return START + timedelta(seconds=self.clock[0])

    def hear(self, user: str, platform: str = "wechat", brief: bool = False) -> str:
        self.fake.heard(user, brief)
        with self.store.transaction() as session:
            return rows.hear(session, platform, user, "gh_1", self.now(), brief)

    def put(self, conversation_id: str, text: str) -> None:
        with self.store.transaction() as session:
            outbox.put(session, session.get_one(Conversation, conversation_id), "agent", text, self.now())

    def deliver(self, channel: str = "wechat") -> int:
        return Deliverer(channel, self.store, self.wechat if channel == "wechat" else self.wecom, self.now).run()

    def states(self) -> list[str]:
        with self.store.transaction() as session:
            return list(session.scalars(select(OutboxRow.state).order_by(OutboxRow.created_at, OutboxRow.id)))


@pytest.fixture
def world(any_store: Store) -> Iterator[World]:
    clock = [0.0]
    fake = FakePlatform(lambda: clock[0])
    with running(create_app(fake)) as url:
        yield World(any_store, url, fake, clock)


def test_the_quota_is_never_passed_and_what_is_left_comes_with_the_next_word(world: World) -> None:
    conversation = world.hear("u1")
    for number in range(8):
        world.put(conversation, f"第{number}句")
    world.deliver()
    assert world.fake.seen["u1"] == [f"第{number}句" for number in range(5)]
    assert world.states() == ["sent"] * 5 + ["pending_user"] * 3
    world.clock[0] += 49 * 3600
    world.put(conversation, "第8句")
    world.deliver()
    assert world.fake.over_quota == 0
    world.hear("u1")
    world.deliver()
    assert world.fake.seen["u1"] == [f"第{number}句" for number in range(9)]
    assert (world.fake.over_quota, set(world.states())) == (0, {"sent"})


def test_a_click_opens_a_short_window_and_does_not_shorten_a_long_one(world: World) -> None:
    clicked, wrote = world.hear("u1", brief=True), world.hear("u2")
    world.hear("u2", brief=True)
    for number in range(4):
        world.put(clicked, str(number))
        world.put(wrote, str(number))
    world.deliver()
    world.deliver()
    assert (len(world.fake.seen["u1"]), len(world.fake.seen["u2"]), world.fake.over_quota) == (3, 4, 0)
    world.clock[0] += 61
    world.put(wrote, "later")
    world.deliver()
    assert world.fake.seen["u2"][-1] == "later"


def test_busy_and_outages_are_waited_for_in_order(world: World) -> None:
    conversation = world.hear("u1")
    world.put(conversation, "一")
    world.put(conversation, "二")
    for trouble in ("busy", "down"):
        setattr(world.fake, trouble, True)
        world.deliver()
        assert world.fake.seen["u1"] == []
        setattr(world.fake, trouble, False)
        world.clock[0] += 20
    world.deliver()
    assert world.fake.seen["u1"] == ["一", "二"]


def test_what_is_refused_for_good_or_too_often_is_dead_and_says_why(world: World) -> None:
    world.fake.blocked.add("u1")
    world.put(world.hear("u1"), "一")
    world.deliver()
    assert world.states() == ["dead"]
    conversation = world.hear("u2")
    world.put(conversation, "二")
    world.fake.busy = True
    for _ in range(MOST_ATTEMPTS):
        world.deliver()
        world.clock[0] += 1300
    with world.store.transaction() as session:
        found = [(row.state, row.error) for row in session.scalars(select(OutboxRow).order_by(OutboxRow.id))]
    assert found == [("dead", "errcode 40003 after 1 tries"), ("dead", f"errcode -1 after {MOST_ATTEMPTS} tries")]


def test_a_long_text_goes_out_in_parts_before_what_was_said_after_it(world: World) -> None:
    conversation = world.hear("u1")
    long = "单位拖欠工资的，可以向劳动监察投诉。" * 100
    world.put(conversation, long)
    world.clock[0] += 1
    world.put(conversation, "后来的话")
    world.deliver()
    assert "".join(world.fake.seen["u1"][:-1]) == long
    assert world.fake.seen["u1"][-1] == "后来的话"


def test_two_deliverers_send_each_text_once(world: World) -> None:
    for number in range(30):
        world.put(world.hear(f"u{number}"), "您好")
    threads = [threading.Thread(target=world.deliver) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.deliver()
    assert [world.fake.seen[f"u{number}"] for number in range(30)] == [["您好"]] * 30


def test_a_lease_of_a_dead_server_runs_out(world: World) -> None:
    world.put(world.hear("u1"), "您好")
    deliverer = Deliverer("wechat", world.store, world.wechat, world.now)
    assert len(deliverer._lease()[1]) == 1, "and here it dies"
    assert world.deliver() == 0
    world.clock[0] += 31
    assert world.deliver() == 1


def test_a_token_that_ran_out_is_asked_for_once_a_process_and_nothing_is_lost(world: World) -> None:
    platforms = [wechat_platform(APPID, SECRET, world.url, lambda: world.clock[0]) for _ in range(2)]  # two processes
    failed: list[Exception] = []

    def send(worker: int, round_: int, barrier: threading.Barrier) -> None:
        barrier.wait()
        for number in range(5):
            try:
                send_text(platforms[worker % 2], f"u{worker}-{round_}", f"{number}")
            except Exception as error:
                failed.append(error)

    for round_ in range(6):
        for worker in range(8):
            world.fake.heard(f"u{worker}-{round_}")
        world.fake.end_tokens()
        barrier = threading.Barrier(8)
        threads = [threading.Thread(target=send, args=(worker, round_, barrier)) for worker in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [platform.refreshes for platform in platforms] == [round_ + 1] * 2
    assert not failed
    assert sorted(map(len, world.fake.seen.values())) == [5] * 48


def deliver_forever(database: str, url: str, start: datetime) -> None:
    """A server's delivering, in a process that will be killed."""
    store = Store(database)
    platform = wechat_platform(APPID, SECRET, url)
    while True:
        Deliverer("wechat", store, platform, lambda: start).run()


def test_a_deliverer_killed_in_mid_send_loses_nothing_and_repeats_at_most_what_was_in_flight(tmp_path: Path) -> None:
    database, clock = f"sqlite:///{tmp_path}/kill.db", [0.0]
    store, fake = Store(database), FakePlatform(lambda: clock[0])
    with running(create_app(fake)) as url:
        world = World(store, url, fake, clock)
        for number in range(40):
            world.put(world.hear(f"u{number}"), "您好")
        kills = 0
        for _ in range(5):
            fake.slow = 0.05
            child = multiprocessing.get_context("spawn").Process(target=deliver_forever, args=(database, url, world.now()))
            child.start()
            before, until = sum(map(len, fake.seen.values())), time.monotonic() + 20
            while sum(map(len, fake.seen.values())) < min(before + 4, 40) and time.monotonic() < until:
                time.sleep(0.01)
            assert child.pid is not None
            os.kill(child.pid, signal.SIGKILL)
            child.join()
            kills += 1
            clock[0] += 31  # its leases run out
        fake.slow = 0.0
        world.deliver()
    texts = [len(fake.seen[f"u{number}"]) for number in range(40)]
    assert min(texts) == 1
    assert sum(texts) - 40 <= kills, "one call at a time is in flight"
    assert set(world.states()) == {"sent"}
    store.close()


def test_faults_of_the_platform_have_their_kinds(world: World) -> None:
    with pytest.raises(QuotaUsed):
        send_text(world.wechat, "stranger", "您好")
    world.fake.blocked.add("u1")
    with pytest.raises(Rejected):
        send_text(world.wechat, "u1", "您好")
    world.fake.calls_a_minute = 0
    with pytest.raises(Busy):
        show_typing(world.wechat, "u2")
    with pytest.raises(Rejected):
        create_menu(wechat_platform(APPID, "wrong", world.url), buttons())
    with pytest.raises(Busy):
        send_text(wechat_platform(APPID, SECRET, "http://127.0.0.1:9"), "u1", "您好")
    world.fake.calls_a_minute = 100
    create_menu(world.wechat, buttons())
    assert world.fake.menu is not None
    assert [button["name"] for button in world.fake.menu["button"]] == ["常见问题", "我要投诉", "转人工"]


def kf_text(user: str, number: int, text: str) -> dict[str, object]:
    head = {"msgid": f"m{number}", "open_kfid": "kf1", "external_userid": user, "origin": 3, "msgtype": "text"}
    return head | {"text": {"content": text}}


def test_wecom_is_read_page_by_page_and_answered_once(world: World, matcher: Matcher, policy: Policy) -> None:
    dialogue = Dialogue(matcher, policy, world.store, now=world.now)
    reader = Reader(dialogue, world.store, world.wecom, world.now, transfer=True)
    world.fake.page = 2
    world.fake.kf_messages += [
        {"origin": 4, "msgtype": "event", "event": {"event_type": "enter_session", "welcome_code": "w1"}},
        kf_text("u1", 1, "老板不发工资咋整"),
        kf_text("u2", 2, "转人工"),
        {"msgid": "m3", "open_kfid": "kf1", "external_userid": "u1", "origin": 3, "msgtype": "image", "image": {}},
        kf_text("u1", 4, "有用"),
    ]
    world.fake.heard("u1")
    world.fake.heard("u2")
    assert reader.read("kf1", "t") == 4
    assert reader.read("kf1", "t") == 0
    assert len(world.fake.welcomes) == 1
    world.fake.silent_accept = True  # it arrives, but we do not hear so: the same number again is no second message
    world.deliver("wecom")
    world.fake.silent_accept = False
    for _ in range(4):
        world.clock[0] += 60
        world.deliver("wecom")
    assert world.fake.seen["u1"][0].startswith(ENTRIES[0].short)
    assert [len(world.fake.seen[user]) for user in ("u1", "u2")] == [3, 1]
    assert world.fake.kf_states == {"u2": 2}
    assert set(world.states()) == {"sent"}


def test_wecom_goes_on_where_it_stopped(world: World, matcher: Matcher, policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    dialogue = Dialogue(matcher, policy, world.store, now=world.now)
    reader = Reader(dialogue, world.store, world.wecom, world.now)
    world.fake.kf_messages += [kf_text("u1", number, "老板不发工资咋整") for number in range(6)]
    kept = Reader._keep_cursor
    monkeypatch.setattr(Reader, "_keep_cursor", lambda *_: (_ for _ in ()).throw(RuntimeError("killed")))
    with pytest.raises(RuntimeError):
        reader.read("kf1")
    monkeypatch.setattr(Reader, "_keep_cursor", kept)
    assert reader.read("kf1") == 0, "all were answered before it died"
    assert len(world.states()) == 6


def test_wecoms_callback_checks_opens_and_reads(world: World, matcher: Matcher, policy: Policy) -> None:
    from fastapi import FastAPI

    dialogue = Dialogue(matcher, policy, world.store, now=world.now)
    app = FastAPI()
    app.include_router(wecom.create_router(ACCOUNT, Reader(dialogue, world.store, world.wecom, world.now), lambda: 1000.0))
    world.fake.kf_messages.append(kf_text("u1", 1, "转人工"))

    def query(sealed: str) -> dict[str, str]:
        return {"timestamp": "1000", "nonce": "n", "msg_signature": sign(TOKEN, "1000", "n", sealed)}

    with running(app) as url:
        echo = seal(b"hello", ACCOUNT.receiver, ACCOUNT.keys[0])
        assert httpx.get(f"{url}/wecom", params=query(echo) | {"echostr": echo}).text == "hello"
        fields = [("ToUserName", "corp"), ("MsgType", "event"), ("Event", "kf_msg_or_event"), ("Token", "t"), ("OpenKfId", "kf1")]
        sealed = seal(write_fields(fields), ACCOUNT.receiver, ACCOUNT.keys[0])
        body = write_fields([("ToUserName", "corp"), ("Encrypt", sealed)])
        assert httpx.post(f"{url}/wecom", params=query(sealed), content=body).text == "success"
        assert httpx.post(f"{url}/wecom", params=query("other"), content=body).status_code == 403
        for _ in range(100):
            if world.states():
                break
            threading.Event().wait(0.05)
    assert world.states() == ["waiting"]


def test_whatever_happens_every_text_is_there_once_or_waits(world: World) -> None:
    """A random afternoon: words, silence, clicks, outages, full minutes; each text arrives at most once, in order, or waits."""
    rng = random.Random(5)
    people = {f"u{number}": world.hear(f"u{number}") for number in range(6)}
    written: dict[str, list[str]] = {user: [] for user in people}
    for step in range(120):
        user = rng.choice(list(people))
        match rng.randrange(6):
            case 0 | 1 | 2:
                written[user].append(f"{user}-{step}")
                world.put(people[user], f"{user}-{step}")
            case 3:
                world.hear(user, brief=rng.random() < 0.3)
            case 4:
                world.fake.busy = rng.random() < 0.3
            case _:
                world.clock[0] += rng.choice([1, 30, 3600, 50 * 3600])
        world.deliver()
    world.fake.busy = False
    for user in people:
        world.hear(user)
    for _ in range(12):
        world.clock[0] += 1300
        world.deliver()
    assert world.fake.over_quota == 0
    for user in people:
        assert world.fake.seen[user] == written[user][: len(world.fake.seen[user])]
    assert len(world.states()) == sum(map(len, written.values()))
    assert world.states().count("sent") == sum(map(len, world.fake.seen.values()))
