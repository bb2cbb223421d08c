"""What another system is told about tickets: put down with the ticket, sent until that system says it heard.

Signed as GitHub signs its webhooks: X-Nuanxin-Signature is sha256= and the HMAC-SHA256 of the body. The body holds no
personal data. The delivery's id stays the same over all attempts, so that the other side can drop a repetition.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

import httpx
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bot.handoff.tables import Hook, TicketRow
from bot.store import Store

FIRST_WAIT, LONGEST_WAIT = 2, 20
"""Seconds between attempts, doubled up to the longest: a system that comes back is told within a minute."""
MOST_ATTEMPTS = 4500
"""About a day; then it is dead and the desk shows it."""
LEASE = timedelta(seconds=30)
TIMEOUT = 10.0
BATCH = 50
log = logging.getLogger("nuanxin.hooks")


def put(session: Session, row: TicketRow, action: str, now: datetime) -> None:
    """Tell the other system, once the transaction is kept."""
    body = {
        "delivery_id": uuid.uuid4().hex,
        "action": action,
        "at": now.isoformat(timespec="seconds") + "Z",
        "ticket": {
            "number": row.number,
            "state": row.state,
            "kind": row.kind,
            "reason": row.reason,
            "priority": row.priority,
            "topic": row.topic,
            "terminal": row.terminal,
            "also_terminal": row.also_terminal,
            "group": row.group,
            "channel": row.channel,
            "summary": row.summary,
            "opened_at": row.opened_at.isoformat(timespec="seconds") + "Z",
        },
    }
    text = json.dumps(body, ensure_ascii=False)
    session.add(
        Hook(
            delivery_id=body["delivery_id"], ticket_id=row.id, body=text, state="waiting", attempts=0, next_at=now, created_at=now, error=""
        )
    )


class HookSender:
    """Sends what waits; several servers may run it, each takes rows of its own."""

    def __init__(self, store: Store, url: str, secret: str, now: Callable[[], datetime], client: httpx.Client | None = None) -> None:
        self._store = store
        self._url = url
        self._secret = secret.encode()
        self._now = now
        self._client = client or httpx.Client(timeout=TIMEOUT)

    def run(self) -> int:
        """Try everything that is due; how many were heard."""
        heard = 0
        for hook_id in self._take():
            heard += self._send(hook_id)
        return heard

    def _take(self) -> list[int]:
        now = self._now()
        due = Hook.state == "waiting", Hook.next_at <= now, or_(Hook.leased_until.is_(None), Hook.leased_until < now)
        with self._store.transaction() as session:
            rows = list(session.scalars(select(Hook).where(*due).order_by(Hook.id).limit(BATCH).with_for_update(skip_locked=True)))
            for row in rows:
                row.leased_until = now + LEASE
            return [row.id for row in rows]

    def _send(self, hook_id: int) -> bool:
        with self._store.reading() as session:
            row = session.get_one(Hook, hook_id)
            body, number = row.body.encode(), row.delivery_id
        signature = "sha256=" + hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Nuanxin-Delivery": number, "X-Nuanxin-Signature": signature}
        try:
            answer = self._client.post(self._url, content=body, headers=headers)
            error = "" if answer.is_success else f"status {answer.status_code}"
        except httpx.HTTPError as fault:
            error = type(fault).__name__
        now = self._now()
        with self._store.transaction() as session:
            row = session.get_one(Hook, hook_id, with_for_update=True)
            row.attempts, row.leased_until, row.error = row.attempts + 1, None, error
            if not error:
                row.state, row.sent_at = "sent", now
            elif row.attempts >= MOST_ATTEMPTS:
                row.state = "dead"
                log.error("a hook is dead after %d attempts", row.attempts)
            else:
                row.next_at = now + timedelta(seconds=min(FIRST_WAIT * 2 ** min(row.attempts - 1, 10), LONGEST_WAIT))
        return not error
