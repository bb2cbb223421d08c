"""What happens to a ticket, each step in the caller's transaction and written into its history.

States and who may follow whom stand here; who is allowed to ask for it does not (bot.desk), nor when a clock does (bot.handoff.clock).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from bot import outbox
from bot.errors import TicketConflict
from bot.handoff import hooks
from bot.handoff.routing import Case, Routing, bundled_routing
from bot.handoff.tables import ANSWERED, CLOSED, LAWYERS, OPEN, RATING, WAITING, WORKING, Agent, TicketEvent, TicketNote, TicketRow
from bot.personal_data import mask
from bot.store import Conversation, Turn
from bot.values import Action, Candidate, Message, Reason, Ticket
from knowledge.records import Entry

RATINGS = ("满意", "基本满意", "不满意")
RESULTS = ("已解答", "已办结", "已转有关部门", "不予受理", "联系不上")
SUMMARY = 200
_COMMON = re.compile(
    r"(?:有限责任公司|股份有限公司|有限公司|集团公司|分公司|公司|集团|工厂|厂|店|工地|项目部|责任|股份)|[\s()（）·.,，。\"“”]|^(?:山东省?|中国)"
)


def employer_key(name: str) -> str:
    """An employer's name without what many names share, so that 济南某某有限公司 and 某某公司 meet; empty for a name of one character."""
    key = _COMMON.sub("", re.sub(r"^(?:山东省?|中国)?[一-龥]{2,3}市", "", name.strip()))
    return key if len(key) > 1 else ""


class Tickets:
    """Opens tickets and moves them on.

    Args:
        tells: another system is told about every ticket (bot.handoff.hooks).
    """

    def __init__(self, routing: Routing | None = None, tells: bool = False) -> None:
        self.routing = routing or bundled_routing()
        self._tells = tells

    def open(
        self,
        session: Session,
        message: Message,
        reason: Reason,
        now: datetime,
        entry: Entry | None = None,
        near: Sequence[Candidate] = (),
        details: Mapping[str, Any] | None = None,
        places: Sequence[str] = (),
        people: int = 1,
        kind: str = "",
    ) -> Ticket:
        """The conversation's waiting ticket, opened now where there is none: asking twice gives one ticket.

        What a later message adds (a complaint's details, urgency) is put into the waiting one.

        Args:
            near: what the bot found and did not answer with.
            details: what the worker gave at intake, by Chinese label; kept encrypted.
            places: codes of the places named; found in the message where not given.
            kind: 咨询类, 求决类 or 意见建议类 where it is known; by the rules otherwise.
        """
        waiting = TicketRow.conversation_id == message.session, TicketRow.state == WAITING
        row = session.scalars(select(TicketRow).where(*waiting).limit(1).with_for_update()).first()
        if row is not None and details is None and not (reason == "urgent" and row.priority > 1):
            return _shown(row)
        places = tuple(places) or self._places(session, message)
        case = Case(reason, entry.topic if entry else "", tuple(places), people, bool(near))
        route = self.routing.route(case, self.on_duty(session, now))
        kind = kind or route.kind
        limits = self.routing.deadlines(kind, route.priority, now)
        fresh = row is None
        if row is None:
            row = TicketRow(
                conversation_id=message.session, state=WAITING, opened_at=now, channel=message.channel, summary="", proposed="[]"
            )
            session.add(row)
        employer = str((details or {}).get("单位", ""))[:120]
        row.reason, row.kind, row.group = reason, kind, route.group
        row.priority = min(route.priority, 3 if fresh else row.priority)
        row.terminal, row.also_terminal, row.region = route.terminal, route.also_terminal, message.region
        row.accept_by, row.warn_at, row.escalate_at, row.warned_at = limits.accept_by, limits.warn_at, limits.accept_by, None
        row.summary = mask((entry.question + "：" if entry and details is not None else "") + message.text)[:SUMMARY] or row.summary
        if details is not None:
            row.summary = mask("；".join(value for label, value in details.items() if label != "联系方式"))[:SUMMARY]
            row.details = json.dumps(dict(details), ensure_ascii=False)
            row.employer, row.employer_key = mask(employer), employer_key(employer)
        if entry is not None:
            row.entry_id, row.topic = entry.id, entry.topic
        if near:
            found = [{"entry_id": c.entry.id, "question": c.entry.question, "score": round(c.score, 3)} for c in near[:3]]
            row.proposed = json.dumps(found, ensure_ascii=False)
            row.topic = row.topic or near[0].entry.topic
        session.flush()
        if fresh:
            row.number = f"NX{now:%Y%m%d}-{row.id:06d}"
        self.record(session, row, now, "bot", "opened" if fresh else "supplemented", reason=reason, terminal=row.terminal)
        if row.also_terminal:
            self.record(session, row, now, "bot", "dual", terminal=row.also_terminal)
        if self._tells:
            hooks.put(session, row, "opened" if fresh else "supplemented", now)
        return _shown(row)

    def terminal_of(self, session: Session, number: str) -> str:
        """Code of the office that has a ticket."""
        return session.scalars(select(TicketRow.terminal).where(TicketRow.number == number)).one()

    def _places(self, session: Session, message: Message) -> tuple[str, ...]:
        """Places in the message, or in what was said before it, newest first."""
        for text in (message.region, message.text):
            found = self.routing.places.find(text).places
            if found:
                return tuple(place.code for place in found)
        earlier = select(Turn.text).where(Turn.conversation_id == message.session).order_by(Turn.id.desc()).limit(10)
        for text in session.scalars(earlier):
            found = self.routing.places.find(text).places
            if found:
                return tuple(place.code for place in found)
        return ()

    def on_duty(self, session: Session, now: datetime) -> set[tuple[str, str]]:
        """(office, group) of everyone who is on duty."""
        fresh = Agent.active.is_(True), Agent.on_duty.is_(True), Agent.seen_at > now - self.routing.on_duty
        rows = session.execute(select(Agent.region, Agent.role).where(*fresh))
        return {(region, LAWYERS if role == "lawyer" else "agents") for region, role in rows if role in ("agent", "lawyer", "supervisor")}

    def record(self, session: Session, row: TicketRow, now: datetime, actor: str, action: str, **detail: object) -> None:
        """Write one line of a ticket's history."""
        text = json.dumps(detail, ensure_ascii=False)
        session.add(TicketEvent(ticket_id=row.id, at=now, actor=actor, action=action, detail=text))

    def claim(self, session: Session, row: TicketRow, agent: Agent, now: datetime) -> None:
        """Take a waiting ticket; the bot falls silent in its conversation.

        Raises:
            TicketConflict: somebody else has it, or it no longer waits.
        """
        taken = update(TicketRow).where(TicketRow.id == row.id, TicketRow.state == WAITING, TicketRow.owner_id.is_(None))
        values = {"state": WORKING, "owner_id": agent.id, "escalate_at": None, "warn_at": None, "said_at": now}
        done = session.execute(taken.values(values).execution_options(synchronize_session=False))
        if done.rowcount != 1:  # type: ignore[attr-defined]
            raise TicketConflict("这张工单已经有人受理了。")
        session.refresh(row)
        row.accepted_at = row.accepted_at or now
        session.get_one(Conversation, row.conversation_id).human_since = now
        self.record(session, row, now, agent.name, "claimed")
        self._tell(session, row, "claimed", now)

    def join(self, session: Session, row: TicketRow, agent: Agent, now: datetime) -> None:
        """Take the second part of a ticket that went to two offices.

        Raises:
            TicketConflict: it went to one office, or the second part is taken.
        """
        if not row.also_terminal or row.also_owner_id is not None:
            raise TicketConflict("这张工单没有待受理的协办。")
        row.also_owner_id = agent.id
        self.record(session, row, now, agent.name, "joined")

    def say(self, session: Session, row: TicketRow, agent: Agent, text: str, now: datetime) -> None:
        """Send an agent's words to the worker, through the channel the worker came from."""
        self._must_be(row, WORKING)
        conversation = session.get_one(Conversation, row.conversation_id)
        outbox.put(session, conversation, "agent", text, now, author=agent.shown)
        row.said_at = now
        self.record(session, row, now, agent.name, "replied")

    def note(self, session: Session, row: TicketRow, agent: Agent, text: str, now: datetime) -> None:
        """Words for other agents only."""
        session.add(TicketNote(ticket_id=row.id, at=now, author=agent.shown, text=text))
        self.record(session, row, now, agent.name, "noted")

    def transfer(self, session: Session, row: TicketRow, agent: Agent, terminal: str, group: str, why: str, now: datetime) -> None:
        """转办: another office or skill takes it; its clock begins anew.

        Raises:
            TicketConflict: it is answered or closed.
        """
        self._must_be(row, *OPEN)
        self._put_back(session, row, now)
        row.terminal, row.group = terminal, group
        if row.also_terminal == terminal:
            row.also_terminal = ""
        self.record(session, row, now, agent.name, "transferred", terminal=terminal, group=group, why=mask(why))
        self._tell(session, row, "transferred", now)

    def send_back(self, session: Session, row: TicketRow, agent: Agent, why: str, now: datetime) -> None:
        """退回: to the office above, which gives it to somebody else.

        Raises:
            TicketConflict: it is answered or closed.
        """
        self._must_be(row, *OPEN)
        self._put_back(session, row, now)
        row.terminal = self.routing.places.above(row.terminal) or row.terminal
        self.record(session, row, now, agent.name, "returned", terminal=row.terminal, why=mask(why))
        self._tell(session, row, "returned", now)

    def add_office(self, session: Session, row: TicketRow, agent: Agent, terminal: str, now: datetime) -> None:
        """双派: a second office takes part.

        Raises:
            TicketConflict: it is the office that has it, or a second one takes part already.
        """
        self._must_be(row, *OPEN)
        if terminal == row.terminal or row.also_owner_id is not None:
            raise TicketConflict("这个单位已经在办，或者协办已经有人受理。")
        row.also_terminal = terminal
        self.record(session, row, now, agent.name, "dual", terminal=terminal)
        self._tell(session, row, "dual", now)

    def answer(self, session: Session, row: TicketRow, agent: Agent, result: str, now: datetime) -> None:
        """Done: the bot comes back, and the worker is asked how satisfied they are.

        Raises:
            TicketConflict: nobody works on it.
        """
        self._must_be(row, WORKING)
        row.state, row.result, row.answered_at = ANSWERED, result, now
        self.record(session, row, now, agent.name, "answered", result=result)
        conversation = session.get_one(Conversation, row.conversation_id)
        conversation.human_since = None
        if row.channel == "phone":
            self.close(session, row, agent.name, now)
        else:
            text = f"您的工单 {row.number} 已经办理（{result}）。您对这次服务满意吗？回复“满意”“基本满意”或“不满意”；别的事直接问我。"
            outbox.put(session, conversation, "notice", text, now, actions=[Action(word, word) for word in RATINGS])
            row.state = RATING
            self.record(session, row, now, "bot", "asked_rating")
        self._tell(session, row, "answered", now)

    def rate(self, session: Session, row: TicketRow, rating: str, now: datetime) -> None:
        """The worker's word; it closes the ticket."""
        row.rating = rating
        self.record(session, row, now, "worker", "rated", rating=rating)
        self.close(session, row, "worker", now)

    def close(self, session: Session, row: TicketRow, actor: str, now: datetime) -> None:
        """已结案."""
        row.state, row.closed_at = CLOSED, now
        row.escalate_at = row.warn_at = None
        self.record(session, row, now, actor, "closed")
        self._tell(session, row, "closed", now)

    def awaiting_rating(self, session: Session, conversation_id: str) -> TicketRow | None:
        """The conversation's ticket whose worker was asked for a rating last."""
        waiting = TicketRow.conversation_id == conversation_id, TicketRow.state == RATING
        return session.scalars(select(TicketRow).where(*waiting).order_by(TicketRow.answered_at.desc()).limit(1)).first()

    def any_open(self, session: Session, conversation_id: str) -> bool:
        """Whether a ticket of the conversation is not closed yet."""
        own = TicketRow.conversation_id == conversation_id, TicketRow.state != CLOSED
        return session.scalar(select(TicketRow.id).where(*own).limit(1)) is not None

    def heard(self, session: Session, conversation_id: str, now: datetime, urgent: bool = False) -> None:
        """The worker wrote while a human has the conversation: the desk shows it, words of an emergency before all others."""
        working = TicketRow.conversation_id == conversation_id, TicketRow.state == WORKING
        for row in session.scalars(select(TicketRow).where(*working)):
            row.heard_at = now
            row.priority = 1 if urgent else row.priority
            self.record(session, row, now, "worker", "wrote", urgent=urgent)

    def give_back(self, session: Session, row: TicketRow, now: datetime) -> None:
        """Whoever had it is gone: it waits again, and the bot speaks again."""
        owner = row.owner_id
        self._put_back(session, row, now)
        self.record(session, row, now, "clock", "given_back", agent=owner)
        self._tell(session, row, "given_back", now)

    def linked(self, session: Session, row: TicketRow, limit: int = 10) -> list[TicketRow]:
        """Other tickets on the same employer or of the same worker, newest first."""
        same = [TicketRow.conversation_id == row.conversation_id]
        if row.employer_key:
            same.append(TicketRow.employer_key == row.employer_key)
        return list(session.scalars(select(TicketRow).where(or_(*same), TicketRow.id != row.id).order_by(TicketRow.id.desc()).limit(limit)))

    def _put_back(self, session: Session, row: TicketRow, now: datetime) -> None:
        limits = self.routing.deadlines(row.kind, row.priority, now)
        row.state, row.owner_id = WAITING, None
        row.accept_by, row.warn_at, row.escalate_at, row.warned_at = limits.accept_by, limits.warn_at, limits.accept_by, None
        session.get_one(Conversation, row.conversation_id).human_since = None

    def _tell(self, session: Session, row: TicketRow, action: str, now: datetime) -> None:
        if self._tells:
            session.flush()
            hooks.put(session, row, action, now)

    @staticmethod
    def _must_be(row: TicketRow, *states: str) -> None:
        if row.state not in states:
            raise TicketConflict(f"这张工单现在是“{row.state}”，不能这样处理。")


def _shown(row: TicketRow) -> Ticket:
    assert row.number is not None
    return Ticket(row.number, row.state, row.reason, row.opened_at.isoformat(timespec="seconds") + "Z")  # type: ignore[arg-type]


def age(row: TicketRow, now: datetime) -> timedelta:
    """How long a ticket has been there."""
    return now - row.opened_at
