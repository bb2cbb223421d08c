"""Parts for tests of the human side: a clock that stands, agents, a desk over any store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from argon2 import PasswordHasher
from fastapi.testclient import TestClient

from bot.channels import desk as desk_channel
from bot.desk.accounts import Accounts
from bot.desk.statistics import Statistics
from bot.desk.work import Desk
from bot.dialogue import Dialogue
from bot.handoff.clock import Clock
from bot.handoff.intake import Intake
from bot.handoff.places import bundled_places
from bot.handoff.progress import Progress
from bot.handoff.tables import Agent, TicketRow
from bot.handoff.tickets import Tickets
from bot.index import Index
from bot.match import Matcher
from bot.policy import Policy
from bot.server import create_app
from bot.store import Conversation, Store
from bot.values import Message, Reason

PASSWORD = "correct horse 9"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Hashing made cheap: what is tested is not its price."""


@dataclass
class World:
    """A store with tickets, a clock that stands until it is moved, and accounts."""

    store: Store
    at: datetime = datetime(2026, 11, 26, 2, 0, 0)
    tickets: Tickets = field(default_factory=Tickets)

    def now(self) -> datetime:
        return self.at

    def wait(self, **span: float) -> None:
        self.at += timedelta(**span)

    @property
    def accounts(self) -> Accounts:
        return Accounts(self.store, bundled_places(), self.now, QUICK)

    @property
    def clock(self) -> Clock:
        return Clock(self.store, self.tickets, self.now)

    def agent(self, name: str, region: str = "370000", role: str = "agent", on_duty: bool = True) -> Agent:
        agent = self.accounts.add(name, f"坐席{name}", PASSWORD, role, region)
        if on_duty:
            self.here(agent)
        return agent

    def here(self, agent: Agent) -> None:
        with self.store.transaction() as session:
            session.get_one(Agent, agent.id).seen_at = self.at

    def ticket(self, session_id: str, reason: Reason = "asked", text: str = "转人工", region: str = "", **more: Any) -> str:
        with self.store.transaction() as session:
            if session.get(Conversation, session_id) is None:
                session.add(Conversation(id=session_id, channel="web", created_at=self.at, offered="", procedure=""))
                session.flush()
            return self.tickets.open(session, Message(text, session_id, region), reason, self.at, **more).number

    def row(self, number: str) -> TicketRow:
        with self.store.reading() as session:
            from sqlalchemy import select

            return session.scalars(select(TicketRow).where(TicketRow.number == number)).one()

    def desk(self, index: Index) -> Desk:
        return Desk(self.store, self.tickets, index, self.now)


@dataclass
class Browser:
    """A signed-in agent over HTTP."""

    client: TestClient
    csrf: str = ""

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/desk/api{path}", params=query)

    def post(self, path: str, body: Any = None) -> Any:
        return self.client.post(f"/desk/api{path}", json=body, headers={"X-CSRF-Token": self.csrf})


@contextmanager
def served(world: World, matcher: Matcher, policy: Policy) -> Iterator[Any]:
    """The application over a world; gives a function that signs an agent in, in a browser of their own."""
    procedures = [Progress(world.tickets), Intake(world.tickets)]
    dialogue = Dialogue(matcher, policy, world.store, now=world.now, procedures=procedures, tickets=world.tickets)
    places = bundled_places()
    statistics = Statistics(world.store, matcher.index, places, world.now)
    router = desk_channel.create_router(world.accounts, world.desk(matcher.index), statistics, world.now, tick=0.05)
    app = create_app(dialogue, matcher, world.store, routers=[router])
    clients: list[TestClient] = []

    def sign_in(name: str = "") -> Browser:
        client = TestClient(app, raise_server_exceptions=False)
        clients.append(client)
        if not name:
            return Browser(client)
        answer = client.post("/desk/api/session", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return Browser(client, answer.json()["csrf"])

    sign_in.app = app  # type: ignore[attr-defined]
    yield sign_in
    for client in clients:
        client.close()
