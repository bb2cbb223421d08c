"""One push from the official account: answered once, in time or through the outbox, whatever comes twice or dies.

Between the protocol and the dialogue. Knows no HTTP: the callback waits, this works.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import outbox, wording
from bot.decide import asks_for_human
from bot.dialogue import Dialogue
from bot.errors import StoreConflict, StoreError
from bot.store import Conversation, OutboxRow, Store
from bot.text import normalise
from bot.values import Message
from bot.weixin import rows
from bot.weixin.account import Account
from bot.weixin.codec import Opened, seal_reply
from bot.weixin.messages import Incoming
from bot.weixin.render import fits, say_on_phone
from bot.weixin.xml import write_fields

PLATFORM = "wechat"
FEEDBACK = {"有用": True, "没用": False, "没有用": False, "不管用": False, "满意": True, "不满意": False}
MENU = {"common": "常见问题", "complain": "我要投诉", "human": "转人工"}
"""Keys of the menu's items (bot.weixin.client makes the menu with them) and the words they stand for."""
GREETING_EVENTS = ("subscribe", "scan")
log = logging.getLogger("nuanxin.wechat")


class Waiting:
    """Whether the platform still waits for the reply to a push: taken by the reply, or left at the time limit; never both."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._over = False

    def take(self) -> bool:
        """The reply is ready: True where it can still go out as the HTTP reply."""
        with self._lock:
            first, self._over = not self._over, True
            return first

    leave = take


class Receiver:
    """Answers pushes.

    Args:
        can_push: a delivery job runs (bot.weixin.deliver): what waits goes out by itself, not with the next reply.
        transfer: hand conversations to the platform's own customer service at a hand-over.
    """

    def __init__(
        self,
        account: Account,
        dialogue: Dialogue,
        store: Store,
        now: Callable[[], datetime],
        public_url: str = "",
        can_push: bool = False,
        transfer: bool = False,
    ) -> None:
        self._account = account
        self._dialogue = dialogue
        self._store = store
        self._now = now
        self._public_url = public_url
        self._can_push = can_push
        self._transfer = transfer

    def handle(self, incoming: Incoming, opened: Opened, waiting: Waiting) -> bytes | None:
        """The body of the HTTP reply, empty where there is nothing to say; None while someone else is at the same push.

        Raises:
            StoreError: nothing could be kept; the platform will send it again.
        """
        claim, conversation_id = self._claim(incoming)
        if not claim.mine:
            return None if claim.state == "working" else claim.body
        try:
            return self._work(incoming, opened, waiting, conversation_id)
        except Exception:
            self._let_go(incoming.key)  # so that the platform's next try is answered at once
            raise

    def recover(self) -> int:
        """Answer what a server began and did not finish before it died, through the outbox; how many there were."""
        with self._store.transaction() as session:
            left = [
                Incoming(row.kind, row.user, "", row.key, row.said, row.event) for row in rows.abandoned(session, PLATFORM, self._now())
            ]
        gone = Waiting()
        gone.leave()
        for incoming in left:
            self.handle(incoming, Opened({}, None), gone)
        return len(left)

    def _claim(self, incoming: Incoming) -> tuple[rows.Claim, str]:
        try:
            return self._claim_once(incoming)
        except StoreConflict:
            return self._claim_once(incoming)

    def _claim_once(self, incoming: Incoming) -> tuple[rows.Claim, str]:
        now = self._now()
        row = rows.Received(
            key=incoming.key, platform=PLATFORM, user=incoming.user, kind=incoming.kind, event=incoming.event, said=incoming.text
        )
        with self._store.transaction() as session:
            found = rows.claim(session, row, now)
            if not found.mine:
                return found, ""
            person = rows.hear(session, PLATFORM, incoming.user, incoming.account, now, brief=incoming.kind == "event")
            if incoming.event in ("subscribe", "unsubscribe"):
                person.subscribed = incoming.event == "subscribe"
            return found, person.conversation_id

    def _let_go(self, key: str) -> None:
        with suppress(StoreError), self._store.transaction() as session:
            rows.let_go(session, key, self._now())

    def _work(self, incoming: Incoming, opened: Opened, waiting: Waiting, conversation_id: str) -> bytes:
        texts, to_service = self._answer(incoming, conversation_id)
        with self._store.transaction() as session:
            conversation = session.get_one(Conversation, conversation_id)
            now = self._now()
            if not waiting.take():
                self._put(session, conversation, texts, now)
                rows.finish(session, incoming.key, "late", b"")
                return b""
            if to_service:
                body = seal_reply(self._account, _transfer_xml(incoming, now), opened, now.timestamp())
            elif texts:
                first, *others = texts if self._can_push else self._with_waiting(session, conversation_id, texts, now)
                self._put(session, conversation, others, now)
                body = seal_reply(self._account, _text_xml(incoming, first, now), opened, now.timestamp())
            else:
                waited = [] if self._can_push else self._with_waiting(session, conversation_id, [], now)
                body = seal_reply(self._account, _text_xml(incoming, waited[0], now), opened, now.timestamp()) if waited else b""
            rows.finish(session, incoming.key, "done", body)
            return body

    @staticmethod
    def _put(session: Session, conversation: Conversation, texts: Sequence[str], now: datetime) -> None:
        for text in texts:
            outbox.put(session, conversation, "answer", text, now)

    @staticmethod
    def _with_waiting(session: Session, conversation_id: str, texts: list[str], now: datetime) -> list[str]:
        """What waits for this worker before the reply's own text, as long as it is one message; what does not fit goes on waiting."""
        waits = OutboxRow.conversation_id == conversation_id, OutboxRow.state.in_(("waiting", "pending_user"))
        first, *others = texts or [""]
        for row in session.scalars(select(OutboxRow).where(*waits).order_by(OutboxRow.created_at.desc(), OutboxRow.id.desc())).all():
            both = "\n\n".join(part for part in (row.text, first) if part)
            if not fits(both):
                break
            first, row.state, row.sent_at = both, "sent", now
        return [first, *others] if first else others

    def _answer(self, incoming: Incoming, conversation_id: str) -> tuple[list[str], bool]:
        """Texts for the worker, and whether the platform's own customer service takes over."""
        if incoming.kind == "event":
            return self._answer_event(incoming, conversation_id)
        if not incoming.text:
            message = Message(f"[{incoming.kind}]", conversation_id, channel=PLATFORM, id=incoming.key[-64:])
            text = wording.NOT_WORDS.get(incoming.kind, wording.NOT_WORDS["other"])
            self._dialogue.note(message, text)
            return ([] if self._dialogue.messages(conversation_id, 1 << 60)[1] else [text]), False
        return self._ask(incoming.text, incoming, conversation_id)

    def _answer_event(self, incoming: Incoming, conversation_id: str) -> tuple[list[str], bool]:
        if incoming.event in GREETING_EVENTS:
            return [wording.WELCOME], False
        if incoming.event == "click":
            words = MENU.get(incoming.text, "")
            if words == "常见问题":
                return [wording.COMMON], False
            if words == "我要投诉":
                reply = self._dialogue.reply(Message(words, conversation_id, channel=PLATFORM, id=_id(incoming)))
                return (say_on_phone(reply, self._public_url) if reply.form is not None else [wording.COMPLAIN]), False
            if words:
                return self._ask(words, incoming, conversation_id)
        return [], False

    def _ask(self, words: str, incoming: Incoming, conversation_id: str) -> tuple[list[str], bool]:
        message = Message(words, conversation_id, channel=PLATFORM, id=_id(incoming))
        bare = words.strip(" 。！!～~,，")
        entry_id = self._dialogue.last_answered(conversation_id) if bare in FEEDBACK else None
        if entry_id is not None:
            useful = FEEDBACK[bare]
            text = wording.THANKS if useful else wording.SORRY
            self._dialogue.keep_feedback(conversation_id, entry_id, useful, "")
            self._dialogue.note(message, text)
            return [text], False
        reply = self._dialogue.reply(message)
        if self._transfer and reply.kind == "handoff" and not reply.silent and asks_for_human(normalise(words)):
            return [], True
        return say_on_phone(reply, self._public_url), False


def _id(incoming: Incoming) -> str:
    """The key, short enough for a turn's message id; the id's end tells messages of one person apart."""
    return incoming.key[-64:]


def _text_xml(incoming: Incoming, text: str, now: datetime) -> bytes:
    return write_fields(
        [
            ("ToUserName", incoming.user),
            ("FromUserName", incoming.account),
            ("CreateTime", int(now.timestamp())),
            ("MsgType", "text"),
            ("Content", text),
        ]
    )


def _transfer_xml(incoming: Incoming, now: datetime) -> bytes:
    return write_fields(
        [
            ("ToUserName", incoming.user),
            ("FromUserName", incoming.account),
            ("CreateTime", int(now.timestamp())),
            ("MsgType", "transfer_customer_service"),
        ]
    )
