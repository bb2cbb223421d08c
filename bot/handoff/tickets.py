"""Tickets opened in the transaction of the message that needs them.

Knows states and numbers; routing, clocks and the desk are not here yet.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.store import TicketRow
from bot.values import Message, Reason, Ticket

WAITING = "待受理"


def open_ticket(session: Session, message: Message, reason: Reason, now: datetime) -> Ticket:
    """The conversation's waiting ticket, opened now where there is none: asking twice gives one ticket."""
    row = session.scalars(select(TicketRow).where(TicketRow.conversation_id == message.session, TicketRow.state == WAITING)).first()
    if row is None:
        row = TicketRow(conversation_id=message.session, state=WAITING, reason=reason, region=message.region, opened_at=now)
        session.add(row)
        session.flush()
        row.number = f"NX{now:%Y%m%d}-{row.id:06d}"
    assert row.number is not None
    return Ticket(row.number, row.state, reason, row.opened_at.isoformat(timespec="seconds") + "Z")
