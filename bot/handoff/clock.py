"""The clock over waiting tickets: warns, marks what is late, hands it one level up; each exactly once.

What is due is a time in the ticket's row, and each step is written only where the row still says that it is due: so it
holds over restarts, over several servers, and where a clock is set back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.handoff.tables import RATING, WAITING, WORKING, Agent, TicketRow
from bot.handoff.tickets import Tickets
from bot.store import Store

BATCH = 200


class Clock:
    """One round a call of `run`; a job calls it every second."""

    def __init__(self, store: Store, tickets: Tickets, now: Callable[[], datetime]) -> None:
        self._store = store
        self._tickets = tickets
        self._now = now

    def run(self) -> int:
        """Do what is due; how many steps were taken."""
        now = self._now()
        if not self._anything(now):
            return 0
        with self._store.transaction() as session:
            return self._warn(session, now) + self._escalate(session, now) + self._away(session, now) + self._unrated(session, now)

    def _anything(self, now: datetime) -> bool:
        """Whether a round would find something; so that a quiet second takes no lock."""
        with self._store.reading() as session:
            due = select(TicketRow.id).where(TicketRow.state == WAITING, (TicketRow.warn_at <= now) | (TicketRow.escalate_at <= now))
            rest = select(TicketRow.id).where(TicketRow.state.in_((WORKING, RATING)))
            return session.scalar(due.limit(1)) is not None or session.scalar(rest.limit(1)) is not None

    def _due(self, session: Session, *conditions: object) -> list[TicketRow]:
        found = select(TicketRow).where(*conditions).order_by(TicketRow.id).limit(BATCH)  # type: ignore[arg-type]
        return list(session.scalars(found.with_for_update(skip_locked=True)))

    def _warn(self, session: Session, now: datetime) -> int:
        due = self._due(session, TicketRow.state == WAITING, TicketRow.warn_at <= now, TicketRow.escalate_at > now)
        for row in due:
            row.warn_at, row.warned_at = None, now
            self._tickets.record(session, row, now, "clock", "warned", accept_by=_text(row.accept_by))
        return len(due)

    def _escalate(self, session: Session, now: datetime) -> int:
        """Late: marked once, then one level up, and again one level at each further limit."""
        due = self._due(session, TicketRow.state == WAITING, TicketRow.escalate_at <= now)
        places = self._tickets.routing.places
        for row in due:
            if row.breached_at is None:
                row.breached_at = now
                self._tickets.record(session, row, now, "clock", "late", accept_by=_text(row.accept_by))
            above = places.above(row.terminal)
            row.warn_at = None
            row.priority = max(1, row.priority - 1)
            if above:
                row.terminal = above
                row.escalate_at = self._tickets.routing.next_level(row.kind, row.priority, now) if places.above(above) else None
            else:
                row.escalate_at = None
            self._tickets.record(session, row, now, "clock", "escalated", terminal=row.terminal)
        return len(due)

    def _away(self, session: Session, now: datetime) -> int:
        """Tickets of agents who are long gone while the worker waits for a word."""
        gone = now - self._tickets.routing.away
        waits = func.coalesce(TicketRow.heard_at, TicketRow.accepted_at) >= func.coalesce(TicketRow.said_at, TicketRow.opened_at)
        absent = select(Agent.id).where((Agent.seen_at.is_(None)) | (Agent.seen_at <= gone) | Agent.active.is_(False))
        due = self._due(session, TicketRow.state == WORKING, TicketRow.owner_id.in_(absent), TicketRow.accepted_at <= gone, waits)
        for row in due:
            self._tickets.give_back(session, row, now)
        return len(due)

    def _unrated(self, session: Session, now: datetime) -> int:
        due = self._due(session, TicketRow.state == RATING, TicketRow.answered_at <= now - self._tickets.routing.rating)
        for row in due:
            self._tickets.close(session, row, "clock", now)
        return len(due)


def _text(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") + "Z" if moment else ""
