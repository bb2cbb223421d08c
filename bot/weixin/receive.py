"""One push from the official account: answered once, in time or through the outbox, whatever comes twice or dies.

Between the protocol and the dialogue. Knows no HTTP: the callback waits, this works.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import outbox, wording
from bot.decide import asks_for_human
from bot.dialogue import Dialogue
from bot.errors import StoreConflict, StoreError
from bot.store import Conversation, OutboxRow, Store
from bot.text import normalise
from bot.values import Message, Reply
from bot.weixin import rows
from bot.weixin.account import Account
from bot.weixin.codec import Opened, seal_reply
from bot.weixin.messages import Incoming
from bot.weixin.render import fits, say_on_phone
from bot.weixin.xml import write_fields

PLATFORM = "wechat"
FEEDBACK = {"有用": True, "没用": False, "没有用": False, "不管用": False, "满意": True, "不满意": False}
RATINGS = ("满意", "不满意")
"""Words that rate a ticket where a rating was asked for, and the last answer otherwise."""
MENU = {"common": "常见问题", "complain": "我要投诉", "human": "转人工"}
"""Keys of the menu's items (bot.weixin.client makes the menu with them) and the words they stand for."""
GREETING_EVENTS = ("subscribe", "scan")
log = logging.getLogger("nuanxin.wechat")


class Settle(Protocol):
    """Puts what was found for a worker on its way, in the transaction that keeps the turn."""

    def __call__(self, session: Session, conversation: Conversation, texts: list[str], to_service: bool = False) -> None: ...


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
            subscribed = incoming.event == "subscribe" if incoming.event in ("subscribe", "unsubscribe") else None
            return found, rows.hear(
                session, PLATFORM, incoming.user, incoming.account, now, brief=incoming.kind == "event", subscribed=subscribed
            )

    def _let_go(self, key: str) -> None:
        with suppress(StoreError), self._store.transaction() as session:
            rows.let_go(session, key, self._now())

    def _work(self, incoming: Incoming, opened: Opened, waiting: Waiting, conversation_id: str) -> bytes:
        body = b""

        def settle(session: Session, conversation: Conversation, texts: list[str], to_service: bool = False) -> None:
            nonlocal body
            body = self._settle(incoming, opened, waiting, session, conversation, texts, to_service)

        self._answer(incoming, conversation_id, settle)
        return body

    def _settle(
        self,
        incoming: Incoming,
        opened: Opened,
        waiting: Waiting,
        session: Session,
        conversation: Conversation,
        texts: list[str],
        to_service: bool,
    ) -> bytes:
        """Body of the HTTP reply; what does not go out with it is put into the outbox, and the push is done, in the turn's transaction."""
        now = self._now()
        if not waiting.take():
            self._put(session, conversation, texts, now)
            rows.finish(session, incoming.key, "late", b"")
            return b""
        if to_service:
            body = seal_reply(self._account, _transfer_xml(incoming, now), opened, now.timestamp())
        elif texts:
            first, *others = texts if self._can_push else self._with_waiting(session, conversation.id, texts, now)
            self._put(session, conversation, others, now)
            body = seal_reply(self._account, _text_xml(incoming, first, now), opened, now.timestamp())
        else:
            waited = [] if self._can_push else self._with_waiting(session, conversation.id, [], now)
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
        if session.connection().execute(select(OutboxRow.id).where(*waits).limit(1)).first() is None:  # nearly always
            return [first, *others] if first else others
        for row in session.scalars(select(OutboxRow).where(*waits).order_by(OutboxRow.created_at.desc(), OutboxRow.id.desc())).all():
            both = "\n\n".join(part for part in (row.text, first) if part)
            if not fits(both):
                break
            first, row.state, row.sent_at = both, "sent", now
        return [first, *others] if first else others

    def _answer(self, incoming: Incoming, conversation_id: str, settle: Settle) -> None:
        """Finds the texts for the worker, and whether the platform's own customer service takes over; settles them once."""
        if incoming.kind == "event":
            self._answer_event(incoming, conversation_id, settle)
        elif not incoming.text:
            message = Message(f"[{incoming.kind}]", conversation_id, channel=PLATFORM, id=incoming.key[-64:])
            text = wording.NOT_WORDS.get(incoming.kind, wording.NOT_WORDS["other"])
            self._dialogue.note(message, text, lambda session, said: settle(session, said, [] if said.human_since else [text]))
        else:
            self._ask(incoming.text, incoming, conversation_id, settle)

    def _answer_event(self, incoming: Incoming, conversation_id: str, settle: Settle) -> None:
        words = MENU.get(incoming.text, "") if incoming.event == "click" else ""
        if words == "我要投诉":
            self._dialogue.reply(
                Message(words, conversation_id, channel=PLATFORM, id=_id(incoming)),
                lambda session, said, reply: settle(
                    session, said, say_on_phone(reply, self._public_url) if reply.form is not None else [wording.COMPLAIN]
                ),
            )
        elif words and words != "常见问题":
            self._ask(words, incoming, conversation_id, settle)
        else:
            texts = [wording.WELCOME] if incoming.event in GREETING_EVENTS else [wording.COMMON] if words else []
            with self._store.transaction() as session:
                settle(session, session.get_one(Conversation, conversation_id), texts)

    def _ask(self, words: str, incoming: Incoming, conversation_id: str, settle: Settle) -> None:
        message = Message(words, conversation_id, channel=PLATFORM, id=_id(incoming))
        bare = words.strip(" 。！!～~,，")
        on_answer = bare in FEEDBACK and not (bare in RATINGS and self._dialogue.awaits_rating(conversation_id))
        entry_id = self._dialogue.last_answered(conversation_id) if on_answer else None
        if entry_id is not None:
            text = wording.THANKS if FEEDBACK[bare] else wording.SORRY
            self._dialogue.keep_feedback(conversation_id, entry_id, FEEDBACK[bare], "")
            self._dialogue.note(message, text, lambda session, said: settle(session, said, [text]))
            return

        def say(session: Session, said: Conversation, reply: Reply) -> None:
            if self._transfer and reply.kind == "handoff" and not reply.silent and asks_for_human(normalise(words)):
                settle(session, said, [], True)
            else:
                settle(session, said, say_on_phone(reply, self._public_url))

        self._dialogue.reply(message, say)


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
