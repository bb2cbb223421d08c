"""Tables of the WeChat channels: who writes, what came when, how far WeCom was read.

Knows rows, not protocols. The person's row is what a conversation is found by; the conversation's own
name is drawn by chance, so that it tells nothing about the person.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import DateTime, LargeBinary, String, Table, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.sealing import Sealed
from bot.store import Base, Conversation, OutboxRow
from bot.weixin.messages import Kind

WINDOW = timedelta(hours=48)
MOST_IN_WINDOW = 5
"""Customer-service messages after a worker's message: five within 48 hours (the platform's rule since 2023-06-12)."""
BRIEF = timedelta(minutes=1)
MOST_IN_BRIEF = 3
"""After a menu click, a subscription or a scan: three within a minute."""
ABANDONED = timedelta(seconds=20)
"""A message that a server began and did not finish in this time is begun again: the server died."""


class Person(Base):
    """A worker at one account.

    Attributes:
        platform: wechat or wecom.
        account: the official account's name, or WeCom's open_kfid: replies come from it.
        heard_at: when the worker last wrote or clicked; opens the window in which we may write.
        brief: the window was opened by an event, so it is the short one.
        sent: customer-service messages sent in this window.
    """

    __tablename__ = "weixin_person"
    platform: Mapped[str] = mapped_column(String(16), primary_key=True)
    user: Mapped[str] = mapped_column(String(64), primary_key=True)
    account: Mapped[str] = mapped_column(String(64))
    conversation_id: Mapped[str] = mapped_column(String(64), unique=True)
    subscribed: Mapped[bool] = mapped_column(default=True)
    heard_at: Mapped[datetime | None] = mapped_column(DateTime)
    brief: Mapped[bool] = mapped_column(default=False)
    sent: Mapped[int] = mapped_column(default=0)


class Received(Base):
    """A push, known by its key, so that a repetition is answered as the first time or not at all.

    Attributes:
        state: working, done (the reply went out in `body`), or late (nobody waited any more; it went to the outbox).
        said: the worker's words while they are not yet a turn, so that a server that dies loses none; empty afterwards.
    """

    __tablename__ = "weixin_received"
    key: Mapped[str] = mapped_column(String(160), primary_key=True)
    platform: Mapped[str] = mapped_column(String(16))
    user: Mapped[str] = mapped_column(String(64))
    kind: Mapped[Kind] = mapped_column(String(16))
    event: Mapped[str] = mapped_column(String(32), default="")
    said: Mapped[str] = mapped_column(Sealed, default="")
    state: Mapped[str] = mapped_column(String(8), index=True)
    claimed_at: Mapped[datetime] = mapped_column(DateTime, index=True)
    body: Mapped[bytes] = mapped_column(LargeBinary, default=b"")


class Cursor(Base):
    """How far the messages of one WeCom customer-service account were read."""

    __tablename__ = "wecom_cursor"
    open_kfid: Mapped[str] = mapped_column(String(64), primary_key=True)
    cursor: Mapped[str] = mapped_column(String(128))


_PERSON, _RECEIVED, _OUTBOX = (cast(Table, kind.__table__) for kind in (Person, Received, OutboxRow))
_ADD_PERSON, _ADD_CONVERSATION = insert(_PERSON), insert(cast(Table, Conversation.__table__))


def hear(
    session: Session, platform: str, user: str, account: str, now: datetime, brief: bool = False, subscribed: bool | None = None
) -> str:
    """The person's conversation, both made where missing; their window opens anew, and what waited for them goes out again.

    Plain statements, for every message passes here.

    Args:
        account: where the replies come from; empty leaves it as it was.
        subscribed: None leaves it as it was.
    """
    connection = session.connection()
    columns = select(_PERSON.c.conversation_id, _PERSON.c.heard_at, _PERSON.c.brief)
    person = _PERSON.c.platform == platform, _PERSON.c.user == user
    found = connection.execute(columns.where(*person).with_for_update()).first()
    if found is None:
        number = uuid.uuid4().hex
        connection.execute(_ADD_CONVERSATION, {"id": number, "channel": platform, "created_at": now, "offered": "", "procedure": ""})
        window = {"heard_at": now, "brief": brief, "sent": 0, "subscribed": subscribed is not False}
        connection.execute(_ADD_PERSON, {"platform": platform, "user": user, "account": account, "conversation_id": number} | window)
        return number
    known: dict[str, object] = {}
    if account:
        known["account"] = account
    if subscribed is not None:
        known["subscribed"] = subscribed
    if not (brief and found.heard_at is not None and not found.brief and now - found.heard_at < WINDOW):
        known |= {"heard_at": now, "brief": brief, "sent": 0}
    if known:
        connection.execute(update(_PERSON).where(*person).values(known))
    waiting = _OUTBOX.c.conversation_id == found.conversation_id, _OUTBOX.c.state == "pending_user"
    connection.execute(update(_OUTBOX).where(*waiting).values(state="waiting", next_at=now))
    return str(found.conversation_id)


def may_send(person: Person, now: datetime) -> bool:
    """Whether the platform takes one more message for this person now."""
    if person.heard_at is None or not person.subscribed:
        return False
    span, most = (BRIEF, MOST_IN_BRIEF) if person.brief else (WINDOW, MOST_IN_WINDOW)
    return now - person.heard_at < span and person.sent < most


@dataclass(frozen=True, slots=True)
class Claim:
    """What became of a push: ours to answer, or someone else's (with the reply where there is one)."""

    mine: bool
    state: str
    body: bytes = b""
    new: bool = False


def claim(session: Session, row: Received, now: datetime) -> Claim:
    """Take a push, unless it was taken before; one whose server died is taken over."""
    values = {"platform": row.platform, "user": row.user, "kind": row.kind, "event": row.event, "said": row.said}
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    new = dialect.insert(_RECEIVED).on_conflict_do_nothing()
    made = session.connection().execute(new, {"key": row.key, "state": "working", "claimed_at": now, "body": b""} | values)
    if made.rowcount == 1:
        return Claim(True, "working", new=True)
    before = session.get_one(Received, row.key, with_for_update=True)
    if before.state == "working" and now - before.claimed_at > ABANDONED:
        before.claimed_at = now
        return Claim(True, "working")
    return Claim(False, before.state, before.body)


def finish(session: Session, key: str, state: str, body: bytes) -> None:
    """The push is answered; the words are a turn now."""
    session.connection().execute(update(_RECEIVED).where(_RECEIVED.c.key == key).values(state=state, body=body, said=""))


def let_go(session: Session, key: str, now: datetime) -> None:
    """A push that could not be answered may be taken by the next try at once."""
    session.execute(update(Received).where(Received.key == key, Received.state == "working").values(claimed_at=now - 2 * ABANDONED))


def abandoned(session: Session, platform: str, now: datetime) -> list[Received]:
    """Pushes begun and never finished, oldest first."""
    left = Received.platform == platform, Received.state == "working", Received.claimed_at < now - 2 * ABANDONED
    return list(session.scalars(select(Received).where(*left).order_by(Received.claimed_at).limit(50)))
