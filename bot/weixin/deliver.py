"""Sends what waits in the outbox for workers on WeChat: in order, within the platform's quota, again where it was busy.

A job for bot.jobs; several servers may run it. A row is leased before it is sent and counted against the
worker's window before the call, so that no call goes beyond the quota even when a server dies in the
middle. What an official account may have got without our hearing of it is sent again (its API knows no
message number): a worker may then read it twice, but never not at all. WeCom gets our number and shows it once.
"""

from __future__ import annotations

import logging
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session, aliased

from bot.counting import Counter
from bot.store import OutboxRow, Store
from bot.weixin.client import Busy, Platform, PlatformError, QuotaUsed, Unsure, send_kf_text, send_text
from bot.weixin.rows import Person, may_send
from bot.weixin.split import split

LEASE = timedelta(seconds=30)
BATCH = 20
MOST_ATTEMPTS = 12
"""Then the row is dead and shown at the desk: with the waits below after about two hours."""
FIRST_WAIT, LONGEST_WAIT = 2.0, 900.0
DELIVERED = Counter("nuanxin_deliveries", "Outbox rows by channel and what became of a try.", ["channel", "outcome"])
log = logging.getLogger("nuanxin.deliver")


@dataclass(frozen=True, slots=True)
class _Leased:
    row_id: int
    delivery_id: str
    text: str
    user: str
    account: str


class Deliverer:
    """Delivers one channel's rows.

    Args:
        channel: wechat or wecom.
    """

    def __init__(self, channel: str, store: Store, platform: Platform, now: Callable[[], datetime]) -> None:
        self._channel = channel
        self._store = store
        self._platform = platform
        self._now = now

    def run(self) -> int:
        """Send what is due; how many rows were sent."""
        sent, due = 0, True
        while due:
            due, leased = self._lease()
            sent += sum(map(self._send, leased))
        return sent

    def _lease(self) -> tuple[bool, list[_Leased]]:
        """Whether anything was due, and what of it may be sent."""
        now = self._now()
        earlier = aliased(OutboxRow)
        before = (earlier.created_at < OutboxRow.created_at) | ((earlier.created_at == OutboxRow.created_at) & (earlier.id < OutboxRow.id))
        blocked = exists().where(earlier.conversation_id == OutboxRow.conversation_id, earlier.state == "waiting", before)
        due = (
            OutboxRow.channel == self._channel,
            OutboxRow.state == "waiting",
            OutboxRow.next_at <= now,
            or_(OutboxRow.leased_until.is_(None), OutboxRow.leased_until < now),
            ~blocked,  # a worker reads things in the order in which they were said
        )
        with self._store.transaction() as session:
            rows = session.scalars(
                select(OutboxRow).where(*due).order_by(OutboxRow.id).limit(BATCH).with_for_update(skip_locked=True)
            ).all()
            return bool(rows), [leased for row in rows if (leased := self._prepare(session, row, now)) is not None]

    def _prepare(self, session: Session, row: OutboxRow, now: datetime) -> _Leased | None:
        """Lease a row, or let it wait for the worker's next word."""
        where = Person.platform == self._channel, Person.conversation_id == row.conversation_id
        person = session.scalars(select(Person).where(*where).with_for_update()).first()
        if person is None or not may_send(person, now):
            row.state, row.error = "pending_user", "quota" if person is not None else "unknown person"
            DELIVERED.labels(self._channel, "pending").inc()
            return None
        first, *others = split(row.text)
        for text in others:
            session.add(_copy(row, text))
        row.text, row.leased_until = first, now + LEASE
        return _Leased(row.id, row.delivery_id, row.text, person.user, person.account)

    def _count(self, leased: _Leased) -> bool:
        """Count the message right before it is sent; a server that dies has used up this one and no other of its batch."""
        now = self._now()
        with self._store.transaction() as session:
            row = session.get_one(OutboxRow, leased.row_id, with_for_update=True)
            person = session.get_one(Person, (self._channel, leased.user), with_for_update=True)
            if row.state != "waiting":  # the lease ran out, and another server was quicker
                return False
            if not may_send(person, now):
                row.state, row.error, row.leased_until = "pending_user", "quota", None
                DELIVERED.labels(self._channel, "pending").inc()
                return False
            row.attempts, row.leased_until = row.attempts + 1, now + LEASE
            person.sent += 1
            return True

    def _send(self, leased: _Leased) -> int:
        if not self._count(leased):
            return 0
        outcome, code, counted = "sent", 0, True
        try:
            if self._channel == "wecom":
                send_kf_text(self._platform, leased.user, leased.account, leased.text, leased.delivery_id)
            else:
                send_text(self._platform, leased.user, leased.text)
        except QuotaUsed as error:
            outcome, code = "pending", error.code
        except Busy as error:
            outcome, code, counted = "busy", error.code, False
        except Unsure as error:
            outcome, code = "unsure", error.code
        except PlatformError as error:
            outcome, code, counted = "rejected", error.code, False
        DELIVERED.labels(self._channel, outcome).inc()
        with self._store.transaction() as session:
            self._note(session, leased, outcome, code, counted)
        return int(outcome == "sent")

    def _note(self, session: Session, leased: _Leased, outcome: str, code: int, counted: bool) -> None:
        row = session.get_one(OutboxRow, leased.row_id, with_for_update=True)
        now = self._now()
        row.leased_until = None
        if not counted:
            person = session.get_one(Person, (self._channel, leased.user), with_for_update=True)
            person.sent = max(0, person.sent - 1)
        if outcome == "sent":
            row.state, row.sent_at, row.error = "sent", now, ""
        elif outcome == "pending":
            row.state, row.error = "pending_user", f"errcode {code}"
        elif outcome == "rejected" or row.attempts >= MOST_ATTEMPTS:
            row.state, row.error = "dead", f"errcode {code} after {row.attempts} tries"
            log.error("delivery %s is dead: errcode %s", row.delivery_id, code)
        else:
            row.next_at, row.error = now + timedelta(seconds=_wait(row.attempts)), f"errcode {code}"


def _wait(attempts: int) -> float:
    """Seconds until the next try: doubling, with up to a third more by chance, so that servers do not knock together."""
    wait: float = FIRST_WAIT * 2.0 ** (attempts - 1)
    return min(LONGEST_WAIT, wait) * (1 + random.random() / 3)  # noqa: S311


def _copy(row: OutboxRow, text: str) -> OutboxRow:
    """A further part of a text that was too long, right behind it."""
    return OutboxRow(
        delivery_id=uuid.uuid4().hex,
        conversation_id=row.conversation_id,
        channel=row.channel,
        kind=row.kind,
        author=row.author,
        text=text,
        actions=row.actions,
        created_at=row.created_at,
        next_at=row.next_at,
        state="waiting",
        attempts=0,
        error="",
    )
