"""Who may sign in to the desk: accounts, passwords, sessions.

Passwords as argon2id (RFC 9106, the library's defaults), sessions by a random token of which only the SHA-256 is kept.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot.errors import SignInRefused
from bot.handoff.places import Places, scope
from bot.handoff.tables import Agent, SignIn
from bot.store import Store

ROLES = {"agent": "坐席", "lawyer": "律师", "editor": "编辑", "supervisor": "班长", "admin": "管理员"}
SHORTEST_PASSWORD = 10
MOST_FAILURES = 5
LOCKED = timedelta(minutes=5)
IDLE, LONGEST = timedelta(hours=8), timedelta(hours=24)
SEEN_EVERY = timedelta(seconds=30)
"""How often a working agent's row is written; routing takes five minutes as present."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed-in agent, and the token that each change must carry."""

    agent: Agent
    csrf: str
    token: str = ""


class Accounts:
    """Accounts and sessions in one store."""

    def __init__(self, store: Store, places: Places, now: Callable[[], datetime], hasher: PasswordHasher | None = None) -> None:
        self._store = store
        self._places = places
        self._now = now
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_hex(16))

    def any(self) -> bool:
        """Whether somebody could sign in at all."""
        with self._store.reading() as session:
            return session.scalar(select(Agent.id).limit(1)) is not None

    def add(self, name: str, shown: str, password: str, role: str, region: str) -> Agent:
        """A new account.

        Raises:
            ValueError: something about it cannot be; the text is for the person who adds it.
            StoreConflict: the name is taken.
        """
        if not re.fullmatch(r"[A-Za-z0-9_.-]{2,32}", name):
            raise ValueError("登录名用2到32个字母、数字、点、横线或下划线。")
        if role not in ROLES:
            raise ValueError(f"角色只能是：{'、'.join(ROLES)}。")
        if region not in self._places.by_code:
            raise ValueError("地区要用六位行政区划代码，如370102。")
        self._check(password)
        agent = Agent(
            name=name,
            shown=shown.strip()[:32] or name,
            password=self._hasher.hash(password),
            role=role,
            region=region,
            active=True,
            on_duty=True,
            failures=0,
            created_at=self._now(),
        )
        with self._store.transaction() as session:
            session.add(agent)
        return agent

    def all(self, region: str) -> list[Agent]:
        """Accounts of a region and everything below it, by name."""
        with self._store.reading() as session:
            return list(session.scalars(select(Agent).where(Agent.region.startswith(scope(region))).order_by(Agent.name)))

    def change(self, agent_id: int, active: bool | None = None, password: str | None = None, on_duty: bool | None = None) -> bool:
        """Change an account; False where there is none. A new password or a closed account ends all its sessions.

        Raises:
            ValueError: the password is too short.
        """
        with self._store.transaction() as session:
            agent = session.get(Agent, agent_id, with_for_update=True)
            if agent is None:
                return False
            if on_duty is not None:
                agent.on_duty = on_duty
            if active is not None:
                agent.active = active
            if password is not None:
                self._check(password)
                agent.password, agent.failures, agent.locked_until = self._hasher.hash(password), 0, None
            if password is not None or active is False:
                session.execute(delete(SignIn).where(SignIn.agent_id == agent_id))
            return True

    @staticmethod
    def _check(password: str) -> None:
        if len(password) < SHORTEST_PASSWORD:
            raise ValueError(f"密码至少{SHORTEST_PASSWORD}位。")

    def sign_in(self, name: str, password: str) -> Signed:
        """A new session.

        Raises:
            SignInRefused: wrong name or password, or too many wrong ones lately; the same text for all but the last.
        """
        now = self._now()
        with self._store.reading() as session:
            agent = session.scalars(select(Agent).where(Agent.name == name)).first()
        if agent is not None and agent.locked_until is not None and agent.locked_until > now:
            raise SignInRefused("输错太多次了，请过五分钟再试。")
        right = self._right(agent.password if agent else self._nobody, password)  # as long for a name that nobody has
        with self._store.transaction() as session:
            if agent is None or not right or not agent.active:
                if agent is not None:
                    self._count_failure(session, agent.id, now)
                refused = True
            else:
                refused = False
                agent = session.get_one(Agent, agent.id)
                agent.failures, agent.locked_until, agent.seen_at = 0, None, now
                session.execute(delete(SignIn).where(SignIn.created_at < now - LONGEST))
                token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
                session.add(SignIn(token_hash=_hash(token), agent_id=agent.id, csrf=csrf, created_at=now, seen_at=now))
        if refused or agent is None:
            raise SignInRefused("登录名或密码不对。")
        return Signed(agent, csrf, token)

    def _right(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except VerificationError:
            return False

    @staticmethod
    def _count_failure(session: Session, agent_id: int, now: datetime) -> None:
        agent = session.get_one(Agent, agent_id, with_for_update=True)
        agent.failures += 1
        if agent.failures >= MOST_FAILURES:
            agent.failures, agent.locked_until = 0, now + LOCKED

    def who(self, token: str) -> Signed | None:
        """The agent of a session, None where it is over."""
        if not token:
            return None
        now = self._now()
        with self._store.reading() as session:
            found = session.execute(select(SignIn, Agent).join(Agent, Agent.id == SignIn.agent_id).where(SignIn.token_hash == _hash(token)))
            row = found.first()
        if row is None:
            return None
        signed, agent = row
        if not agent.active or now - signed.seen_at > IDLE or now - signed.created_at > LONGEST:
            return None
        if agent.seen_at is None or now - agent.seen_at > SEEN_EVERY or now - signed.seen_at > SEEN_EVERY:
            with self._store.transaction() as session:
                session.get_one(SignIn, signed.token_hash).seen_at = now
                session.get_one(Agent, agent.id).seen_at = now
        return Signed(agent, signed.csrf)

    def sign_out(self, token: str) -> None:
        """End a session; its agent is off duty from now on, not only once the last sign of life is old."""
        with self._store.transaction() as session:
            row = session.get(SignIn, _hash(token))
            if row is not None:
                session.get_one(Agent, row.agent_id).seen_at = None
                session.delete(row)


def same(left: str, right: str) -> bool:
    """Whether two tokens are the same, in a time that tells nothing."""
    return hmac.compare_digest(left.encode(), right.encode())


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
