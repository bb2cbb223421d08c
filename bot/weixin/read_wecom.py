"""Reads what workers wrote to WeCom's customer service, once each, and puts the answers into the outbox.

The callback only says that there is something; the messages are fetched page by page behind a cursor that
is kept once the page is answered. A server that dies in the middle reads the page again: messages already
answered are known by their msgid.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from bot import outbox, wording
from bot.dialogue import Dialogue
from bot.store import Conversation, OutboxRow, Store
from bot.values import Message, Reply
from bot.weixin import rows
from bot.weixin.client import Platform, PlatformError, pass_to_pool, read_kf, send_kf_welcome
from bot.weixin.messages import KINDS, Kind
from bot.weixin.receive import FEEDBACK
from bot.weixin.render import say_on_phone

PLATFORM = "wecom"
FROM_WORKER, FROM_SYSTEM = 3, 4
MOST_PAGES = 200
log = logging.getLogger("nuanxin.wecom")


class Reader:
    """Reads customer-service accounts; one page after the other, one account at a time in this process."""

    def __init__(
        self,
        dialogue: Dialogue,
        store: Store,
        platform: Platform,
        now: Callable[[], datetime],
        public_url: str = "",
        transfer: bool = False,
    ) -> None:
        self._dialogue = dialogue
        self._store = store
        self._platform = platform
        self._now = now
        self._public_url = public_url
        self._transfer = transfer
        self._lock = threading.Lock()

    def read(self, open_kfid: str, token: str = "") -> int:
        """Everything new of one account; how many messages were answered.

        Raises:
            PlatformError, StoreError: it stops at the last page that was kept, and goes on from there next time.
        """
        answered = 0
        with self._lock:
            for _ in range(MOST_PAGES):
                page = read_kf(self._platform, open_kfid, self._cursor(open_kfid), token)
                for message in page.get("msg_list", ()):
                    answered += self._take(message)
                self._keep_cursor(open_kfid, str(page.get("next_cursor", "")))
                if not page.get("has_more"):  # a page may be empty and yet have more behind it
                    break
        return answered

    def read_all(self) -> None:
        """Every account known: what came while no server was there."""
        with self._store.transaction() as session:
            known = list(session.scalars(select(rows.Cursor.open_kfid)))
        for open_kfid in known:
            self.read(open_kfid)

    def _cursor(self, open_kfid: str) -> str:
        with self._store.transaction() as session:
            row = session.get(rows.Cursor, open_kfid)
            return row.cursor if row else ""

    def _keep_cursor(self, open_kfid: str, cursor: str) -> None:
        with self._store.transaction() as session:
            row = session.get(rows.Cursor, open_kfid)
            if row is None:
                session.add(rows.Cursor(open_kfid=open_kfid, cursor=cursor))
            elif cursor:
                row.cursor = cursor

    def _take(self, message: Mapping[str, Any]) -> int:
        origin, kind = message.get("origin"), message.get("msgtype", "")
        if origin == FROM_SYSTEM and kind == "event":
            self._take_event(message.get("event", {}))
            return 0
        user, open_kfid, number = (str(message.get(name, "")) for name in ("external_userid", "open_kfid", "msgid"))
        if origin != FROM_WORKER or not user or not number:
            return 0
        text = str(message.get("text", {}).get("content", "")).strip() if kind == "text" else ""
        now = self._now()
        row = rows.Received(key=f"kf:{number}"[:120], platform=PLATFORM, user=user, kind=_kind(kind), event="", said=text)
        with self._store.transaction() as session:
            claim = rows.claim(session, row, now)
            if not claim.mine and claim.state != "working":
                return 0
            conversation_id = rows.hear(session, PLATFORM, user, open_kfid, now)
        texts, hands_over = self._answer(text, _kind(kind), conversation_id, f"kf:{number}"[-64:])
        with self._store.transaction() as session:
            conversation = session.get_one(Conversation, conversation_id)
            for part in texts:
                outbox.put(session, conversation, "answer", part, self._now())
            rows.finish(session, f"kf:{number}"[:120], "done", b"")
        if hands_over and self._transfer:
            try:
                pass_to_pool(self._platform, user, open_kfid)
            except PlatformError as error:  # our own ticket is open in any case
                log.warning("not passed to the pool: errcode %s", error.code)
        return 1

    def _answer(self, text: str, kind: str, conversation_id: str, message_id: str) -> tuple[list[str], bool]:
        if not text:
            said = wording.NOT_WORDS.get(kind, wording.NOT_WORDS["other"])
            self._dialogue.note(Message(f"[{kind}]", conversation_id, channel=PLATFORM), said)
            return [said], False
        entry_id = self._dialogue.last_answered(conversation_id) if text in FEEDBACK else None
        if entry_id is not None:
            said = wording.THANKS if FEEDBACK[text] else wording.SORRY
            self._dialogue.keep_feedback(conversation_id, entry_id, FEEDBACK[text], "")
            self._dialogue.note(Message(text, conversation_id, channel=PLATFORM), said)
            return [said], False
        reply: Reply = self._dialogue.reply(Message(text, conversation_id, channel=PLATFORM, id=message_id))
        return say_on_phone(reply, self._public_url), reply.kind == "handoff" and not reply.silent

    def _take_event(self, event: Mapping[str, Any]) -> None:
        if event.get("event_type") == "enter_session" and event.get("welcome_code"):
            code = str(event["welcome_code"])
            try:
                send_kf_welcome(self._platform, code, wording.WELCOME, code[-32:])
            except PlatformError as error:  # the code holds for 20 seconds only; the worker can write all the same
                log.warning("no welcome: errcode %s", error.code)
        if event.get("event_type") == "msg_send_fail" and event.get("fail_msgid"):
            # The call had succeeded, yet the worker did not get it: it goes out with the worker's next word.
            with self._store.transaction() as session:
                failed = OutboxRow.delivery_id == str(event["fail_msgid"])
                session.execute(update(OutboxRow).where(failed).values(state="pending_user", error=f"fail_type {event.get('fail_type')}"))


def _kind(name: str) -> Kind:
    return KINDS.get(name, "other")
