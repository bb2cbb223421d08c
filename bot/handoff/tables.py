"""Tables of the human side: tickets, what happened to them, who takes them, what is sent to other systems.

Knows rows and columns, not rules.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, DateTime, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from bot.sealing import Sealed
from bot.store import Base

WAITING, WORKING, ANSWERED, RATING, CLOSED = "待受理", "处理中", "已答复", "回访", "已结案"
OPEN = (WAITING, WORKING)
KINDS = ("咨询类", "求决类", "意见建议类")
AGENTS, LAWYERS = "agents", "lawyers"


class TicketRow(Base):
    """A hand-over: from a worker to whoever takes it.

    Attributes:
        reason: why it was opened (bot.values.Reason).
        kind: 咨询类, 求决类 or 意见建议类.
        priority: 1 urgent, 2 before others, 3 as it comes.
        summary: what it is about, personal data masked; shown in lists and searched.
        proposed: JSON of what the bot had found, best first: {entry_id, question, score}.
        details: JSON of what the worker gave at intake.
        employer_key: the employer's name without its common parts; the same key links tickets.
        terminal: GB/T 2260 code of the office that has it; also_terminal: the second one where it went to two (双派).
        group: agents or lawyers.
        accept_by: until when somebody must have taken it; escalate_at: when it goes one level up, None at the top or once taken.
        warned_at, breached_at: when the clock said so; never taken back.
        heard_at, said_at: the worker's and the agent's last word since it was taken.
    """

    __tablename__ = "ticket"
    __table_args__ = (
        Index("ticket_queue", "state", "priority", "opened_at"),
        Index("ticket_clock", "state", "escalate_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str | None] = mapped_column(String(32), unique=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversation.id"), index=True)
    state: Mapped[str] = mapped_column(String(16), index=True)
    reason: Mapped[str] = mapped_column(String(16))
    region: Mapped[str] = mapped_column(String(64), default="")
    opened_at: Mapped[datetime] = mapped_column(DateTime, index=True)
    kind: Mapped[str] = mapped_column(String(16), default="咨询类")
    priority: Mapped[int] = mapped_column(default=3)
    channel: Mapped[str] = mapped_column(String(16), default="web")
    entry_id: Mapped[str | None] = mapped_column(String(64))
    topic: Mapped[str] = mapped_column(String(64), default="")
    summary: Mapped[str] = mapped_column(String(400), default="")
    proposed: Mapped[str] = mapped_column(Text, default="[]")
    details: Mapped[str] = mapped_column(Sealed, default="")
    employer: Mapped[str] = mapped_column(String(120), default="")
    employer_key: Mapped[str] = mapped_column(String(120), default="", index=True)
    terminal: Mapped[str] = mapped_column(String(6), default="", index=True)
    also_terminal: Mapped[str] = mapped_column(String(6), default="", index=True)
    group: Mapped[str] = mapped_column("skill", String(16), default=AGENTS)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"), index=True)
    also_owner_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    accept_by: Mapped[datetime | None] = mapped_column(DateTime)
    warn_at: Mapped[datetime | None] = mapped_column(DateTime)
    escalate_at: Mapped[datetime | None] = mapped_column(DateTime)
    warned_at: Mapped[datetime | None] = mapped_column(DateTime)
    breached_at: Mapped[datetime | None] = mapped_column(DateTime)
    accepted_at: Mapped[datetime | None] = mapped_column(DateTime)
    answered_at: Mapped[datetime | None] = mapped_column(DateTime)
    closed_at: Mapped[datetime | None] = mapped_column(DateTime)
    result: Mapped[str] = mapped_column(String(32), default="")
    rating: Mapped[str] = mapped_column(String(16), default="")
    heard_at: Mapped[datetime | None] = mapped_column(DateTime)
    said_at: Mapped[datetime | None] = mapped_column(DateTime)


class TicketEvent(Base):
    """One thing that happened to a ticket; rows are only added (the database refuses changes and removals).

    Attributes:
        actor: bot, worker, clock, or the agent's login name.
        action: opened, claimed, replied, noted, transferred, dual, returned, answered, closed, rated, warned, escalated, revealed, …
        detail: JSON; never personal data.
    """

    __tablename__ = "ticket_event"
    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    at: Mapped[datetime] = mapped_column(DateTime, index=True)
    actor: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(24))
    detail: Mapped[str] = mapped_column(Text, default="{}")


class TicketNote(Base):
    """An agent's words to other agents; the worker never sees them."""

    __tablename__ = "ticket_note"
    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    at: Mapped[datetime] = mapped_column(DateTime)
    author: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Sealed)


class Agent(Base):
    """Somebody who may sign in to the desk.

    Attributes:
        role: agent, lawyer, editor, supervisor or admin.
        region: GB/T 2260 code of the office; it and everything below it may be seen.
        on_duty: takes tickets now; counts only while `seen_at` is fresh.
    """

    __tablename__ = "agent"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    shown: Mapped[str] = mapped_column(String(64))
    password: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(16))
    region: Mapped[str] = mapped_column(String(6))
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    on_duty: Mapped[bool] = mapped_column(Boolean, default=True)
    seen_at: Mapped[datetime | None] = mapped_column(DateTime)
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(DateTime)
    created_at: Mapped[datetime] = mapped_column(DateTime)


class SignIn(Base):
    """A signed-in browser; the token itself is kept nowhere, only its SHA-256."""

    __tablename__ = "sign_in"
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"), index=True)
    csrf: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(DateTime)
    seen_at: Mapped[datetime] = mapped_column(DateTime)


class Hook(Base):
    """Something another system is told about a ticket, until it said that it heard."""

    __tablename__ = "hook"
    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[str] = mapped_column(String(32), unique=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16), index=True, default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(DateTime, index=True)
    leased_until: Mapped[datetime | None] = mapped_column(DateTime)
    created_at: Mapped[datetime] = mapped_column(DateTime)
    sent_at: Mapped[datetime | None] = mapped_column(DateTime)
    error: Mapped[str] = mapped_column(String(200), default="")
