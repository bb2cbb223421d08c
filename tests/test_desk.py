"""The desk over HTTP: who may what, what other people's tickets look like (nothing), and what reaches the worker (trials 12, 13, 17)."""

import csv
import io
import zipfile
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from bot.errors import SignInRefused
from bot.handoff.hooks import HookSender
from bot.handoff.tables import Agent, Hook, SignIn, TicketEvent, TicketRow
from bot.handoff.tickets import Tickets
from bot.match import Matcher
from bot.policy import Policy
from bot.store import OutboxRow, Store
from eval.fake_platform import running
from tests.human import PASSWORD, Browser, World, served


@pytest.fixture
def world(any_store: Store) -> World:
    return World(any_store)


@pytest.fixture
def local(store: Store) -> World:
    return World(store)


def complaint(world: World, session: str = "s", place: str = "370102", **details: str) -> str:
    known = {"事情": "拖欠三个月工资", "单位": "宏达饭店", "联系方式": "13800138000"} | details
    return world.ticket(session, "complaint", known["事情"], details=known, places=(place,))


def test_a_ticket_from_queue_to_rating(world: World, matcher: Matcher, policy: Policy) -> None:
    world.agent("lixia", "370102")
    world.agent("boss", "370000", "supervisor")
    number = complaint(world)
    with served(world, matcher, policy) as sign_in:
        lixia, boss = sign_in("lixia"), sign_in("boss")
        queue = lixia.get("/queue").json()
        assert [one["number"] for one in queue["tickets"]] == [number]
        assert queue["counts"]["waiting"] == 1
        assert "13800138000" not in lixia.get("/queue").text
        assert lixia.post(f"/tickets/{number}/claim").status_code == 200
        assert boss.post(f"/tickets/{number}/claim").status_code == 409
        shown = lixia.get(f"/tickets/{number}")
        assert "138****8000" in shown.text
        assert "13800138000" not in shown.text
        assert lixia.post(f"/tickets/{number}/reveal", {}).json()["details"][-1]["value"] == "13800138000"
        assert lixia.post(f"/tickets/{number}/say", {"text": "您好，已联系单位，请保存好工资条。"}).status_code == 200
        assert lixia.post(f"/tickets/{number}/note", {"text": "单位电话没人接"}).status_code == 200
        assert lixia.post(f"/tickets/{number}/answer", {"result": "已办结"}).status_code == 200
        assert lixia.post(f"/tickets/{number}/say", {"text": "再说一句"}).status_code == 409
        worker = sign_in()
        messages = worker.client.get("/api/messages", params={"session": "s"}).json()
        assert [one["kind"] for one in messages["messages"]] == ["agent", "notice"]
        assert messages["messages"][0]["author"] == "坐席lixia"
        rated = worker.client.post("/api/ask", json={"text": "满意", "session": "s"}).json()
        assert "已结案" in rated["text"]
        after = boss.get(f"/tickets/{number}").json()
        actions = [event["action"] for event in after["events"]]
        assert actions == ["opened", "claimed", "revealed", "replied", "noted", "answered", "asked_rating", "rated", "closed"]
        assert (after["state"], after["rating"], after["notes"][0]["text"]) == ("已结案", "满意", "单位电话没人接")
        totals = boss.get("/stats").json()["totals"]
        assert (totals["tickets"], totals["accepted_in_time"], totals["satisfied"], totals["closed"]) == (1, 1.0, 1.0, 1)


def test_transfer_return_and_two_offices(world: World, matcher: Matcher, policy: Policy) -> None:
    for name, region, role in (
        ("lixia", "370102", "agent"),
        ("shouguang", "370783", "agent"),
        ("law", "370000", "lawyer"),
        ("top", "370000", "agent"),
    ):
        world.agent(name, region, role)
    number = complaint(world)
    with served(world, matcher, policy) as sign_in:
        lixia, other, law, top = (sign_in(name) for name in ("lixia", "shouguang", "law", "top"))
        assert other.get(f"/tickets/{number}").status_code == 404
        lixia.post(f"/tickets/{number}/claim")
        assert lixia.post(f"/tickets/{number}/dual", {"terminal": "370783"}).status_code == 200
        assert other.post(f"/tickets/{number}/join").status_code == 200
        assert other.post(f"/tickets/{number}/join").status_code == 409
        assert lixia.post(f"/tickets/{number}/transfer", {"terminal": "370000", "group": "lawyers", "why": "法律问题"}).status_code == 200
        assert lixia.get(f"/tickets/{number}").status_code == 404
        assert top.get(f"/tickets/{number}").status_code == 404  # it is the lawyers' now
        assert [one["number"] for one in law.get("/queue").json()["tickets"]] == [number]
        assert law.post(f"/tickets/{number}/return", {"why": "不是法律问题"}).status_code == 200
        assert law.post(f"/tickets/{number}/transfer", {"terminal": "999999"}).status_code == 422
        assert world.row(number).state == "待受理"


def test_a_phone_call_becomes_a_ticket(world: World, matcher: Matcher, policy: Policy) -> None:
    world.agent("top")
    with served(world, matcher, policy) as sign_in:
        top = sign_in("top")
        body = {"matter": "电焊工没有防护", "employer": "某厂", "place": "寿光", "contact": "13900001111", "people": "3"}
        number = top.post("/tickets", body).json()["number"]
        row = world.row(number)
        assert (row.channel, row.state, row.reason) == ("phone", "处理中", "phone")
        assert top.post(f"/tickets/{number}/answer", {"result": "已解答"}).status_code == 200
        assert top.post(f"/tickets/{number}/rating", {"rating": "满意"}).status_code == 200
        assert (world.row(number).state, world.row(number).rating) == ("已结案", "满意")
        assert top.post("/tickets", {"matter": "  "}).status_code == 422


# Trial 17: other people's things are not there. The routes come from OpenAPI, so a new one is tried too.


BODIES: dict[str, Any] = {
    "say": {"text": "x"},
    "note": {"text": "x"},
    "transfer": {"terminal": "370202"},
    "return": {"why": "x"},
    "dual": {"terminal": "370202"},
    "answer": {"result": "已办结"},
    "rating": {"rating": "满意"},
    "reveal": {},
}


def test_other_offices_tickets_are_not_there_on_any_route(local: World, matcher: Matcher, policy: Policy) -> None:
    local.agent("lixia", "370102")
    for name, region, role in (
        ("other", "370202", "agent"),
        ("city", "370200", "supervisor"),
        ("law", "370102", "lawyer"),
        ("edit", "370000", "editor"),
    ):
        local.agent(name, region, role)
    number = complaint(local)
    with served(local, matcher, policy) as sign_in:
        lixia = sign_in("lixia")
        lixia.post(f"/tickets/{number}/claim")
        paths = sign_in.app.openapi()["paths"]
        tried = 0
        for path, methods in paths.items():
            if "{number}" not in path:
                continue
            for method in methods:
                for name in ("other", "city", "law", "edit"):
                    browser = sign_in(name)
                    url = path.replace("{number}", number)
                    body = BODIES.get(path.rsplit("/", 1)[-1])
                    answer = browser.client.request(method, url, json=body, headers={"X-CSRF-Token": browser.csrf})
                    assert answer.status_code == 404, (method, path, name, answer.text)
                    assert "宏达" not in answer.text
                    assert (
                        answer.text
                        == browser.client.request(
                            method, path.replace("{number}", "NX20200101-999999"), json=body, headers={"X-CSRF-Token": browser.csrf}
                        ).text
                    )
                    tried += 1
        assert tried >= 4 * 10
        with local.store.reading() as session:
            assert set(session.scalars(select(TicketEvent.actor))) == {"bot", "lixia"}


def test_what_a_ticket_points_to_is_filtered_too(local: World, matcher: Matcher, policy: Policy) -> None:
    for name, region in (("lixia", "370102"), ("shouguang", "370783")):
        local.agent(name, region)
    mine, theirs = complaint(local, "s1"), complaint(local, "s2", "370783")
    with served(local, matcher, policy) as sign_in:
        lixia = sign_in("lixia")
        assert lixia.get(f"/tickets/{mine}").json()["linked"] == []  # the same employer, but another office's
        assert theirs not in lixia.get("/queue", view="all").text
        assert theirs not in lixia.get("/queue", view="all", q="宏达").text
        lixia.post(f"/tickets/{mine}/claim")
        with local.store.transaction() as session:
            from bot.store import Turn

            session.add(Turn(conversation_id="s2", at=local.at, text="别人的话", kind="note", reply="", index_version="x"))
            session.flush()
            foreign = session.scalars(select(Turn.id).where(Turn.conversation_id == "s2")).one()
        assert lixia.post(f"/tickets/{mine}/reveal", {"turn": foreign}).status_code == 404


def test_roles_see_their_pages_and_no_others(local: World, matcher: Matcher, policy: Policy) -> None:
    for role in ("agent", "lawyer", "editor", "supervisor", "admin"):
        local.agent(f"the{role}", "370000", role)
    allowed = {
        "/stats": {"editor", "supervisor", "admin"},
        "/stats.csv": {"editor", "supervisor", "admin"},
        "/undelivered": {"supervisor", "admin"},
        "/agents": {"admin"},
    }
    with served(local, matcher, policy) as sign_in:
        for role in ("agent", "lawyer", "editor", "supervisor", "admin"):
            browser = sign_in(f"the{role}")
            for path, roles in allowed.items():
                assert (browser.get(path).status_code == 200) == (role in roles), (role, path)
        admin, nobody = sign_in("theadmin"), sign_in()
        for path in ("/me", "/queue", "/stats", "/agents", "/live"):
            assert nobody.get(path).status_code == 401
        new = {"name": "new.one", "shown": "新人", "password": PASSWORD, "role": "agent", "region": "370102"}
        assert admin.post("/agents", new).status_code == 200
        assert admin.post("/agents", new).status_code == 409
        assert admin.post("/agents", new | {"name": "x2", "password": "short"}).status_code == 422
        assert admin.post("/agents", new | {"role": "god"}).status_code == 422
        fresh = sign_in("new.one")
        assert fresh.get("/me").status_code == 200
        number = next(one["id"] for one in admin.get("/agents").json() if one["name"] == "new.one")
        assert admin.post(f"/agents/{number}", {"active": False}).status_code == 200
        assert fresh.get("/me").status_code == 401


def test_an_admin_reaches_no_account_outside_the_region(local: World, matcher: Matcher, policy: Policy) -> None:
    local.agent("chief", "370100", "admin")
    stranger = local.agent("stranger", "370202")
    with served(local, matcher, policy) as sign_in:
        chief = sign_in("chief")
        assert [one["name"] for one in chief.get("/agents").json()] == ["chief"]
        assert chief.post(f"/agents/{stranger.id}", {"active": False}).status_code == 404
        body = {"name": "spy", "shown": "", "password": PASSWORD, "role": "admin", "region": "370000"}
        assert chief.post("/agents", body).status_code == 422


# Sign-in.


def test_changes_need_the_token_and_sessions_end(local: World, matcher: Matcher, policy: Policy) -> None:
    local.agent("lixia", "370102")
    number = complaint(local)
    with served(local, matcher, policy) as sign_in:
        lixia = sign_in("lixia")
        cookie = lixia.client.cookies.get("nuanxin_desk")
        assert Browser(lixia.client, "wrong").post(f"/tickets/{number}/claim").status_code == 403
        assert local.row(number).state == "待受理"
        with local.store.reading() as session:
            kept = session.scalars(select(SignIn.token_hash)).one()
            assert cookie not in (kept, "")
        local.wait(hours=7, minutes=59)
        assert lixia.get("/me").status_code == 200
        local.wait(hours=8, minutes=1)
        assert lixia.get("/me").status_code == 401
        again = sign_in("lixia")
        assert again.client.delete("/desk/api/session", headers={"X-CSRF-Token": again.csrf}).status_code == 200
        assert again.get("/me").status_code == 401


def test_the_cookie_is_closed_to_scripts_and_other_sites(local: World, matcher: Matcher, policy: Policy) -> None:
    local.agent("lixia")
    with served(local, matcher, policy) as sign_in:
        answer = sign_in().client.post("/desk/api/session", json={"name": "lixia", "password": PASSWORD})
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie


def test_five_wrong_passwords_lock_and_unknown_names_look_the_same(local: World) -> None:
    local.agent("lixia")
    accounts = local.accounts
    texts = set()
    for name in ("lixia", "nobody"):
        with pytest.raises(SignInRefused) as refused:
            accounts.sign_in(name, "wrong wrong wrong")
        texts.add(str(refused.value))
    assert len(texts) == 1
    for _ in range(4):
        with pytest.raises(SignInRefused):
            accounts.sign_in("lixia", "wrong wrong wrong")
    with pytest.raises(SignInRefused, match="五分钟"):
        accounts.sign_in("lixia", PASSWORD)
    local.wait(minutes=5, seconds=1)
    assert accounts.sign_in("lixia", PASSWORD).agent.name == "lixia"
    with local.store.reading() as session:
        assert session.scalars(select(Agent.password)).one().startswith("$argon2id$")


def test_live_updates_tell_of_every_step(local: World, matcher: Matcher, policy: Policy) -> None:
    """The stream itself, from a real server: a number at once, a higher one after each step, and nobody's without signing in."""
    local.agent("lixia", "370102")
    with served(local, matcher, policy) as sign_in, running(sign_in.app) as url, httpx.Client(base_url=url, timeout=10) as client:
        assert client.get("/desk/api/live").status_code == 401
        client.post("/desk/api/session", json={"name": "lixia", "password": PASSWORD})
        with client.stream("GET", "/desk/api/live") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            numbers = (int(line[6:]) for line in stream.iter_lines() if line.startswith("data: "))
            first = next(numbers)
            number = complaint(local)
            second = next(numbers)
            agent = local.accounts.all("370102")[0]
            with local.store.transaction() as session:
                local.tickets.claim(session, session.get_one(TicketRow, local.row(number).id), agent, local.at)
            assert first < second < next(numbers)


# Figures.


def test_figures_are_counted_right_and_exported_inert(world: World, matcher: Matcher, policy: Policy) -> None:
    boss = world.agent("boss", "370000", "supervisor")
    lixia = world.agent("lixia", "370102")
    assert boss.role == "supervisor"
    late, quick = complaint(world, "s1"), complaint(world, "s2")
    evil = world.ticket("s3", "unclear", "=cmd|' /C calc'!A0")
    assert evil
    with served(world, matcher, policy) as sign_in:
        worker, browser = sign_in(), sign_in("boss")
        for text in ("老板不发工资咋整", "=1+1的工资是多少呢", "试用期几个月"):
            worker.client.post("/api/ask", json={"text": text})
        with world.store.transaction() as session:
            world.tickets.claim(session, session.get_one(TicketRow, world.row(quick).id), lixia, world.at)
        world.wait(hours=2)
        world.clock.run()
        world.here(lixia)
        with world.store.transaction() as session:
            row = session.get_one(TicketRow, world.row(late).id)
            world.tickets.claim(session, row, lixia, world.at)
            world.tickets.answer(session, row, lixia, "已办结", world.at)
            world.tickets.rate(session, row, "不满意", world.at)
        figures = browser.get("/stats").json()
        totals = figures["totals"]
        assert (totals["answered"], totals["asked_back"]) == (1, 2 - totals["handed_over"])
        assert (totals["tickets"], totals["rated"], totals["satisfied"], totals["done"]) == (3 + totals["handed_over"], 1, 0.0, 1)
        complaints = {row["name"]: row for row in figures["by_reason"]}["投诉登记"]
        assert (complaints["tickets"], complaints["accepted_in_time"]) == (2, 0.5)
        assert {row["name"] for row in figures["by_region"]} >= {"济南市"}
        sheet = browser.get("/stats.csv").content.decode("utf-8-sig")
        cells = [cell for row in csv.reader(io.StringIO(sheet)) for cell in row]
        assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t")]
        assert "按天" in cells
        book = zipfile.ZipFile(io.BytesIO(browser.get("/stats.xlsx").content))
        assert not [name for name in book.namelist() if b"<f>" in book.read(name)]
        assert browser.get("/stats", first="2026-12-02", last="2026-12-01").status_code == 422
        assert browser.get("/stats", first="2020-01-01", last="2026-12-01").status_code == 422


# Trial 12: another system that is told about tickets.


def test_a_system_that_fails_for_a_minute_is_told_once_it_is_back(world: World) -> None:
    world.tickets = Tickets(tells=True)
    number = complaint(world)
    down_until = world.at + timedelta(seconds=60)
    heard: list[tuple[str, float]] = []
    attempts: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        attempts.append(request.headers["X-Nuanxin-Delivery"])
        if world.at < down_until:
            if len(attempts) % 2:
                raise httpx.ReadTimeout("slow", request=request)
            return httpx.Response(500)
        heard.append((request.headers["X-Nuanxin-Delivery"], (world.at - down_until).total_seconds()))
        assert b"13800138000" not in request.content
        assert number.encode() in request.content
        return httpx.Response(204)

    sender = HookSender(world.store, "http://desk.invalid/hook", "secret", world.now, httpx.Client(transport=httpx.MockTransport(answer)))
    for _ in range(200):
        sender.run()
        world.wait(seconds=1)
    assert len(heard) == 1
    assert heard[0][1] <= 60
    assert len(attempts) >= 3
    assert len(set(attempts)) == 1


def test_a_dead_hook_shows_at_the_desk(local: World, matcher: Matcher, policy: Policy) -> None:
    local.tickets = Tickets(tells=True)
    local.agent("boss", "370000", "supervisor")
    number = complaint(local)
    with local.store.transaction() as session:
        hook = session.scalars(select(Hook)).first()
        assert hook is not None
        hook.state, hook.attempts, hook.error = "dead", 4500, "status 500"
    with served(local, matcher, policy) as sign_in:
        shown = sign_in("boss").get("/undelivered").json()["hooks"]
    assert [(one["number"], one["state"], one["error"]) for one in shown] == [(number, "dead", "status 500")]


def test_words_for_a_wechat_worker_go_through_the_outbox(world: World, matcher: Matcher, policy: Policy) -> None:
    from bot.weixin import rows

    agent = world.agent("lixia", "370102")
    with world.store.transaction() as session:
        conversation = rows.hear(session, "wechat", "openid-1", "gh_1", world.at)
    number = complaint(world, conversation)
    with world.store.transaction() as session:
        row = session.get_one(TicketRow, world.row(number).id)
        world.tickets.claim(session, row, agent, world.at)
        world.tickets.say(session, row, agent, "您好", world.at)
    with world.store.reading() as session:
        sent = session.scalars(select(OutboxRow)).one()
        assert (sent.channel, sent.state, sent.kind, sent.text) == ("wechat", "waiting", "agent", "您好")
