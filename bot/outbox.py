"""What goes to a worker unasked: put down in the caller's transaction, read by the worker's channel.

Knows rows and their order, not how a channel delivers.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.store import Conversation, OutboxRow
from bot.values import Action

OutboxKind = Literal["agent", "notice", "answer"]


def put(
    session: Session,
    conversation: Conversation,
    kind: OutboxKind,
    text: str,
    now: datetime,
    author: str = "",
    actions: Sequence[Action] = (),
) -> OutboxRow:
    """Something for this worker, through the channel the conversation came from; it goes out once the transaction is kept."""
    row = OutboxRow(
        delivery_id=uuid.uuid4().hex,
        conversation_id=conversation.id,
        channel=conversation.channel,
        kind=kind,
        author=author,
        text=text,
        actions=json.dumps([{"label": action.label, "say": action.say} for action in actions], ensure_ascii=False),
        created_at=now,
        next_at=now,
        state="waiting",
        attempts=0,
        error="",
    )
    session.add(row)
    session.flush()
    return row


def any_after(session: Session, conversation_id: str, after: int) -> bool:
    """Whether there is anything with an id above `after`; a page that polls needs no lock to learn that there is not."""
    newer = OutboxRow.conversation_id == conversation_id, OutboxRow.id > after
    return session.scalar(select(OutboxRow.id).where(*newer).limit(1)) is not None


def read_after(session: Session, conversation_id: str, after: int, now: datetime) -> list[OutboxRow]:
    """Rows of a conversation with an id above `after`, oldest first, for a page that fetches them; marks them as sent."""
    rows = list(
        session.scalars(
            select(OutboxRow).where(OutboxRow.conversation_id == conversation_id, OutboxRow.id > after).order_by(OutboxRow.id).limit(200)
        )
    )
    for row in rows:
        if row.channel == "web" and row.state != "sent":
            row.state, row.sent_at = "sent", now
    return rows
