"""One turn: a message in, a reply out, both kept with any ticket in one transaction.

Hear, find, choose, say. Knows no HTTP, no XML and no pages.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import assert_never

from sqlalchemy.orm import Session

from bot import sessions, wording
from bot.decide import asks_for_human, decide
from bot.handoff.tickets import open_ticket
from bot.match import Matcher, is_valid
from bot.policy import Policy
from bot.store import Conversation, FeedbackRow, Store, Turn
from bot.text import normalise
from bot.values import Answer, Basis, Candidate, Choice, Clarify, Decision, HandOff, Message, Parts, Reply, Ticket
from knowledge.records import Citation, Entry

URGENT = "紧急"
"""Entries with this tag answer with a safety text and call a human at the same time."""
MOST_RELATED = 3

log = logging.getLogger("nuanxin.dialogue")


def utc_now() -> datetime:
    """Now in UTC, without zone, as the store keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)


class Dialogue:
    """Holds the parts that a turn needs; keeps nothing between turns but in the store."""

    def __init__(
        self, matcher: Matcher, policy: Policy, store: Store, choice_minutes: int = 10, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._matcher = matcher
        self._policy = policy
        self._store = store
        self._minutes = choice_minutes
        self._now = now

    def reply(self, message: Message) -> Reply:
        """Answer a message.

        Raises:
            StoreError: nothing could be kept, so nothing was promised.
        """
        now = self._now()
        with self._store.transaction() as session:
            conversation = session.get(Conversation, message.session)
            if conversation is None:
                conversation = Conversation(id=message.session, channel=message.channel, created_at=now, offered="")
                session.add(conversation)
                session.flush()
            decision, near = self._decide(message, conversation, now)
            reply = self._carry_out(decision, near, message, session, now)
            shown = reply.choices or reply.related
            sessions.offer(conversation, [choice.entry_id for choice in shown], now, self._minutes)
            score = decision.candidate.score if isinstance(decision, Answer) else near[0].score if near else None
            session.add(
                Turn(
                    conversation_id=message.session,
                    at=now,
                    text=message.text,
                    kind=reply.kind,
                    reply=reply.text,
                    entry_id=reply.entry.id if reply.entry else None,
                    score=score,
                    index_version=reply.index,
                    region=message.region,
                )
            )
        return reply

    def keep_feedback(self, session_id: str, entry_id: str, useful: bool, note: str) -> bool:
        """Keep a worker's word on an answer; False where there is no such entry."""
        if self._matcher.index.entry(entry_id) is None:
            return False
        with self._store.transaction() as session:
            session.add(FeedbackRow(conversation_id=session_id, entry_id=entry_id, useful=useful, note=note, at=self._now()))
        return True

    def _decide(self, message: Message, conversation: Conversation, now: datetime) -> tuple[Decision, tuple[Candidate, ...]]:
        picked = self._picked(message.text, sessions.offered(conversation, now))
        if picked is not None:
            return Answer(picked), ()
        try:
            clean = normalise(message.text)
            if asks_for_human(clean):
                return HandOff("asked"), ()
            matched = self._matcher.match(message.text, articles=0, today=now.date())
            return decide(matched, self._policy), matched.entries
        except Exception as error:  # last resort: whatever broke, the worker reaches a human
            log.error("matching failed: %s", type(error).__name__)
            return HandOff("fault"), ()

    def _picked(self, text: str, offered: list[str]) -> Candidate | None:
        number = sessions.read_pick(text)
        if number is None or number > len(offered):
            return None
        entry = self._matcher.index.entry(offered[number - 1])
        return Candidate(entry, 1.0, Parts(entry.question, 1.0, 1.0, 1.0)) if entry else None

    def _carry_out(self, decision: Decision, near: tuple[Candidate, ...], message: Message, session: Session, now: datetime) -> Reply:
        index = self._matcher.index.version
        if isinstance(decision, Answer):
            entry = decision.candidate.entry
            ticket: Ticket | None = None
            if URGENT in entry.tags:
                ticket = open_ticket(session, message, "urgent", now)
            return Reply(
                "answer",
                wording.say_answer(entry),
                message.session,
                index,
                entry=entry,
                basis=self.basis(entry),
                related=self._related(entry, near, now),
                ticket=ticket,
                next=entry.next,
            )
        if isinstance(decision, Clarify):
            choices = tuple(Choice(c.entry.id, c.entry.question, c.score) for c in decision.choices)
            return Reply("clarify", wording.say_choices(choices), message.session, index, choices=choices)
        if isinstance(decision, HandOff):
            ticket = open_ticket(session, message, decision.reason, now)
            return Reply("handoff", wording.say_handoff(decision.reason, ticket.number), message.session, index, ticket=ticket)
        assert_never(decision)

    def _related(self, entry: Entry, near: tuple[Candidate, ...], now: datetime) -> tuple[Choice, ...]:
        """The entry's own related questions, then near ones worth offering."""
        found = {}
        for other in entry.related:
            related = self._matcher.index.entry(other)
            if related is not None and is_valid(related, now.date()):
                found[other] = Choice(other, related.question, 1.0)
        for candidate in near:
            if candidate.entry.id != entry.id and candidate.score >= self._policy.clarify:
                found.setdefault(candidate.entry.id, Choice(candidate.entry.id, candidate.entry.question, candidate.score))
        return tuple(found.values())[:MOST_RELATED]

    def basis(self, entry: Entry) -> tuple[Basis, ...]:
        """The articles an entry rests on, with their words where at hand."""
        return tuple(self._basis(citation) for citation in entry.basis)

    def _basis(self, citation: Citation) -> Basis:
        article = self._matcher.index.article(citation) if citation.article else None
        if article is None:
            return Basis(citation.law, citation.article + citation.detail, "", "unknown")
        return Basis(citation.law, citation.article + citation.detail, article.text or article.digest, article.status, not article.text)
