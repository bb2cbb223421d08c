"""What an agent sees and does: the queue, one ticket with everything said, each step on it.

Every ticket is looked up inside what the agent may see; anything else is not there. Personal data is masked until it is
revealed, and every reveal is written into the ticket's history.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.orm import Session

from bot.errors import NotThere, TicketConflict
from bot.handoff.places import covers, scope
from bot.handoff.tables import AGENTS, CLOSED, LAWYERS, RATING, WAITING, WORKING, Agent, Hook, TicketEvent, TicketNote, TicketRow
from bot.handoff.tickets import RATINGS, RESULTS, Tickets
from bot.index import Index
from bot.personal_data import mask
from bot.store import Conversation, OutboxRow, Store, Turn
from bot.values import Message
from knowledge.records import Entry

PAGE = 50
MOST_TURNS = 200
VIEWS = ("waiting", "mine", "working", "late", "done", "all")
Json = dict[str, Any]
Taken = Callable[[Session, TicketRow, datetime], None]


@dataclass(frozen=True, slots=True)
class PhoneCall:
    """What an agent typed while somebody called.

    Attributes:
        details: by Chinese label, as at intake: 事情, 单位, 地方, 时间, 金额, 人数, 联系方式.
        take: the agent works on it at once.
    """

    details: dict[str, str]
    take: bool = True


def may_see(agent: Agent) -> ColumnElement[bool]:
    """The tickets an agent may see: their office's region, the skill they have, and whatever is theirs."""
    begins = scope(agent.region)
    here = or_(TicketRow.terminal.startswith(begins), TicketRow.also_terminal.startswith(begins))
    mine = or_(TicketRow.owner_id == agent.id, TicketRow.also_owner_id == agent.id)
    if agent.role in ("supervisor", "admin"):
        return here | mine
    if agent.role == "lawyer":
        return (here & (TicketRow.group == LAWYERS)) | mine
    if agent.role == "agent":
        return (here & (TicketRow.group == AGENTS)) | mine
    return TicketRow.id < 0  # an editor writes the bank and sees no worker


class Desk:
    """The desk over one store and one index.

    Attributes:
        tickets: the steps that can be taken on a ticket.
    """

    def __init__(self, store: Store, tickets: Tickets, index: Index, now: Callable[[], datetime]) -> None:
        self._store = store
        self.tickets = tickets
        self._index = index
        self._now = now

    def queue(self, agent: Agent, view: str, words: str = "", page: int = 0) -> Json:
        """A page of tickets, the most urgent first, and how many each view holds."""
        seen, now = may_see(agent), self._now()
        with self._store.reading() as session:
            found = select(TicketRow).where(seen, _view(view, agent))
            if words:
                found = found.where(_matches(words))
            waits_for_us = case((TicketRow.heard_at > TicketRow.said_at, 0), else_=1)
            newest_last = view in ("waiting", "late", "working", "mine")
            order = (
                (TicketRow.priority, waits_for_us, TicketRow.accept_by, TicketRow.id)
                if newest_last
                else (TicketRow.opened_at.desc(), TicketRow.id)
            )
            rows = list(session.scalars(found.order_by(*order).offset(page * PAGE).limit(PAGE + 1)))
            owners = self._names(session, rows)
            counts = self._counts(session, agent)
            last = session.scalar(select(func.max(TicketEvent.id))) or 0
        return {
            "tickets": [self._line(row, owners, now) for row in rows[:PAGE]],
            "more": len(rows) > PAGE,
            "counts": counts,
            "last_event": last,
            "now": _utc(now),
        }

    def _counts(self, session: Session, agent: Agent) -> dict[str, int]:
        def total(condition: ColumnElement[bool]) -> Any:
            return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

        names = VIEWS[:4]
        row = session.execute(
            select(*(total(_view(view, agent)) for view in names)).where(may_see(agent), TicketRow.state.in_((WAITING, WORKING, RATING)))
        ).one()
        return dict(zip(names, map(int, row), strict=True))

    def ticket(self, agent: Agent, number: str) -> Json:
        """One ticket with everything said in it.

        Raises:
            NotThere: there is none that this agent may see.
        """
        with self._store.reading() as session:
            row = self._find(session, agent, number)
            owners = self._names(session, [row])
            events = list(session.scalars(select(TicketEvent).where(TicketEvent.ticket_id == row.id).order_by(TicketEvent.id)))
            notes = list(session.scalars(select(TicketNote).where(TicketNote.ticket_id == row.id).order_by(TicketNote.id)))
            said = self._said(session, row.conversation_id)
            linked = [other for other in self.tickets.linked(session, row) if self._allowed(session, agent, other)]
            details = json.loads(row.details) if row.details else {}
        proposed = json.loads(row.proposed)
        entries = [entry for one in proposed if (entry := self._index.entry(one["entry_id"])) is not None]
        own = self._index.entry(row.entry_id) if row.entry_id else None
        return self._line(row, owners, self._now()) | {
            "mine": agent.id in (row.owner_id, row.also_owner_id),
            "is_owner": agent.id == row.owner_id,
            "details": [{"label": label, "value": mask(value), "hidden": mask(value) != value} for label, value in details.items()],
            "proposed": proposed,
            "entry": {"id": own.id, "question": own.question} if own else None,
            "laws": _laws([own] if own else entries[:1]),
            "said": said,
            "notes": [{"at": _utc(note.at), "author": note.author, "text": mask(note.text)} for note in notes],
            "events": [{"at": _utc(e.at), "actor": e.actor, "action": e.action, "detail": json.loads(e.detail)} for e in events],
            "linked": [{"number": o.number, "state": o.state, "summary": o.summary, "same_employer": bool(o.employer_key)} for o in linked],
            "results": list(RESULTS),
        }

    def _said(self, session: Session, conversation_id: str) -> list[Json]:
        """The conversation in order: the worker's words, the bot's, the agents'."""
        newest = select(Turn).where(Turn.conversation_id == conversation_id).order_by(Turn.id.desc()).limit(MOST_TURNS)
        sent = select(OutboxRow).where(OutboxRow.conversation_id == conversation_id).order_by(OutboxRow.id.desc()).limit(MOST_TURNS)
        lines: list[tuple[datetime, int, Json]] = []
        for turn in session.scalars(newest):
            lines.append((turn.at, 0, {"who": "worker", "id": turn.id, "text": turn.text, "hidden": bool(turn.sealed)}))
            if turn.reply:
                lines.append((turn.at, 1, {"who": "bot", "text": mask(turn.reply), "entry_id": turn.entry_id, "kind": turn.kind}))
        for row in session.scalars(sent):
            who = "agent" if row.kind == "agent" else "bot"
            lines.append((row.created_at, 2, {"who": who, "author": row.author, "text": mask(row.text), "state": row.state}))
        return [line | {"at": _utc(at)} for at, _, line in sorted(lines, key=lambda line: line[:2])]

    def reveal(self, agent: Agent, number: str, turn_id: int | None) -> Json:
        """The very words of a turn, or the details as given; written into the history first.

        Raises:
            NotThere: there is no such ticket or turn for this agent, or it is neither theirs nor theirs to supervise.
        """
        with self._store.transaction() as session:
            row = self._find(session, agent, number)
            if agent.role not in ("supervisor", "admin") and agent.id not in (row.owner_id, row.also_owner_id):
                raise NotThere("没有这张工单。")
            if turn_id is not None:
                turn = session.get(Turn, turn_id)
                if turn is None or turn.conversation_id != row.conversation_id:
                    raise NotThere("没有这句话。")
                self.tickets.record(session, row, self._now(), agent.name, "revealed", turn=turn_id)
                return {"text": turn.sealed or turn.text}
            self.tickets.record(session, row, self._now(), agent.name, "revealed", what="details")
            details = json.loads(row.details) if row.details else {}
            return {"details": [{"label": label, "value": value} for label, value in details.items()]}

    def act(
        self, agent: Agent, number: str, step: Callable[[Session, TicketRow, datetime], None], own: bool = True, waiting: bool = False
    ) -> None:
        """One step on a ticket, in one transaction.

        Args:
            own: only its owner or a supervisor may take the step.
            waiting: nor does that hold while it has no owner.

        Raises:
            NotThere: there is none that this agent may see.
            TicketConflict: the step cannot be taken now.
        """
        with self._store.transaction() as session:
            row = self._find(session, agent, number, lock=True)
            theirs = agent.role in ("supervisor", "admin") or agent.id in (row.owner_id, row.also_owner_id)
            if own and not theirs and not (waiting and row.owner_id is None):
                raise TicketConflict("先受理，再处理。" if row.owner_id is None else "这张工单由别人在办。")
            step(session, row, self._now())

    def take_call(self, agent: Agent, call: PhoneCall) -> str:
        """A ticket for somebody on the phone; its number.

        Raises:
            NotThere: the place is not in this agent's region.
        """
        now, places = self._now(), self.tickets.routing.places
        where = places.find(call.details.get("地方", "")).places
        codes = tuple(place.code for place in where) or (agent.region,)
        people = call.details.get("人数", "")
        with self._store.transaction() as session:
            conversation = uuid.uuid4().hex
            session.add(Conversation(id=conversation, channel="phone", created_at=now, offered="", procedure=""))
            session.flush()
            text = call.details.get("事情", "")
            session.add(
                Turn(
                    conversation_id=conversation,
                    at=now,
                    text=mask(text),
                    sealed=text if mask(text) != text else "",
                    kind="note",
                    reply="",
                    index_version=self._index.version,
                )
            )
            message = Message(text, conversation, channel="phone")
            ticket = self.tickets.open(
                session, message, "phone", now, details=call.details, places=codes, people=int(people) if people.isdigit() else 1
            )
            if call.take:
                row = session.scalars(select(TicketRow).where(TicketRow.number == ticket.number)).one()
                self.tickets.claim(session, row, agent, now)
        return ticket.number

    def colleagues(self, agent: Agent) -> list[Json]:
        """Who is in this agent's region, and who is on duty."""
        now = self._now()
        with self._store.reading() as session:
            here = (
                select(Agent).where(Agent.region.startswith(scope(agent.region)), Agent.active.is_(True)).order_by(Agent.region, Agent.name)
            )
            rows = list(session.scalars(here))
        fresh = self.tickets.routing.on_duty
        return [
            {
                "shown": row.shown,
                "role": row.role,
                "office": self._office(row.region),
                "on_duty": row.on_duty and row.seen_at is not None and now - row.seen_at < fresh,
            }
            for row in rows
        ]

    def undelivered(self, agent: Agent) -> Json:
        """Messages and notices that did not arrive: what a supervisor must look after."""
        with self._store.reading() as session:
            hooks = session.execute(
                select(Hook.delivery_id, Hook.state, Hook.attempts, Hook.error, Hook.created_at, TicketRow.number)
                .join(TicketRow, TicketRow.id == Hook.ticket_id)
                .where(or_(Hook.state == "dead", Hook.attempts >= 3), Hook.state != "sent", may_see(agent))
                .order_by(Hook.id.desc())
                .limit(PAGE)
            ).all()
            messages = session.execute(
                select(OutboxRow.delivery_id, OutboxRow.state, OutboxRow.attempts, OutboxRow.error, OutboxRow.created_at, TicketRow.number)
                .join(TicketRow, TicketRow.conversation_id == OutboxRow.conversation_id)
                .where(OutboxRow.state.in_(("dead", "pending_user")), may_see(agent))
                .order_by(OutboxRow.id.desc())
                .limit(PAGE)
            ).all()
        names = ("delivery_id", "state", "attempts", "error", "at", "number")
        return {
            "hooks": [dict(zip(names, (*row[:4], _utc(row[4]), row[5]), strict=True)) for row in hooks],
            "messages": [dict(zip(names, (*row[:4], _utc(row[4]), row[5]), strict=True)) for row in messages],
        }

    def offices(self, words: str) -> list[Json]:
        """Offices whose name or code holds the words, for choosing one."""
        places = self.tickets.routing.places
        found = [t for t in places.by_code.values() if words in places.full_name(t) or t.code.startswith(words)]
        return [{"code": t.code, "name": places.full_name(t)} for t in found[:200]]

    def offices_below(self, region: str) -> list[Json]:
        """An office and everything below it."""
        return [{"code": code} for code in self.tickets.routing.places.by_code if covers(region, code)]

    def office(self, code: str) -> str:
        """An office's code, where there is one.

        Raises:
            NotThere: there is none.
        """
        if code not in self.tickets.routing.places.by_code:
            raise NotThere("没有这个单位。")
        return code

    def last_event(self) -> int:
        """Number of the newest line of any history; what is live watches it."""
        with self._store.reading() as session:
            return session.scalar(select(func.max(TicketEvent.id))) or 0

    def _find(self, session: Session, agent: Agent, number: str, lock: bool = False) -> TicketRow:
        found = select(TicketRow).where(TicketRow.number == number, may_see(agent))
        row = session.scalars(found.with_for_update() if lock else found).first()
        if row is None:
            raise NotThere("没有这张工单。")
        return row

    @staticmethod
    def _allowed(session: Session, agent: Agent, row: TicketRow) -> bool:
        return session.scalar(select(TicketRow.id).where(TicketRow.id == row.id, may_see(agent))) is not None

    @staticmethod
    def _names(session: Session, rows: Iterable[TicketRow]) -> dict[int, str]:
        ids = {owner for row in rows for owner in (row.owner_id, row.also_owner_id) if owner is not None}
        return {row.id: row.shown for row in session.execute(select(Agent.id, Agent.shown).where(Agent.id.in_(ids)))} if ids else {}

    def _office(self, code: str) -> str:
        places = self.tickets.routing.places
        return places.full_name(places.by_code[code]) if code in places.by_code else ""

    def _line(self, row: TicketRow, owners: dict[int, str], now: datetime) -> Json:
        return {
            "number": row.number,
            "state": row.state,
            "kind": row.kind,
            "reason": row.reason,
            "priority": row.priority,
            "summary": row.summary,
            "topic": row.topic,
            "employer": row.employer,
            "channel": row.channel,
            "group": row.group,
            "office": self._office(row.terminal),
            "also_office": self._office(row.also_terminal),
            "owner": owners.get(row.owner_id or 0, ""),
            "also_owner": owners.get(row.also_owner_id or 0, ""),
            "opened_at": _utc(row.opened_at),
            "accept_by": _utc(row.accept_by) if row.accept_by and row.state == WAITING else None,
            "late": row.breached_at is not None,
            "unread": row.state == WORKING and row.heard_at is not None and (row.said_at is None or row.heard_at > row.said_at),
            "result": row.result,
            "rating": row.rating,
        }


def record_rating(tickets: Tickets, session: Session, row: TicketRow, rating: str, now: datetime) -> None:
    """回访 by phone: the agent writes down what the worker said.

    Raises:
        TicketConflict: it is not waiting for a rating, or the word is none.
    """
    if rating not in RATINGS or row.state not in (RATING, CLOSED) or row.rating:
        raise TicketConflict("这张工单现在不能登记回访。")
    tickets.rate(session, row, rating, now)


def _view(view: str, agent: Agent) -> ColumnElement[bool]:
    mine = or_(TicketRow.owner_id == agent.id, TicketRow.also_owner_id == agent.id)
    if view == "waiting":
        return TicketRow.state == WAITING
    if view == "mine":
        return mine & (TicketRow.state == WORKING)
    if view == "working":
        return TicketRow.state == WORKING
    if view == "late":
        return TicketRow.breached_at.is_not(None) & (TicketRow.state == WAITING)
    if view == "done":
        return TicketRow.state.not_in((WAITING, WORKING))
    return TicketRow.id > 0


def _matches(words: str) -> ColumnElement[bool]:
    clean = words.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    parts = [f"%{part}%" for part in clean.split()]
    columns = (TicketRow.summary, TicketRow.employer, TicketRow.topic)
    each = [
        or_(TicketRow.number.like(f"{part.strip('%').upper()}%", escape="\\"), *(c.like(part, escape="\\") for c in columns))
        for part in parts
    ]
    condition: ColumnElement[bool] = TicketRow.id > 0
    for one in each:
        condition = condition & one
    return condition


def _laws(entries: Sequence[Entry]) -> list[str]:
    return [f"《{citation.law}》{citation.article}{citation.detail}" for entry in entries for citation in entry.basis]


def _utc(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds") + "Z"
