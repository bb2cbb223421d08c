"""One turn: a message in, a reply out, both kept with any ticket in one transaction.

Hear, find, choose, say; a procedure of several turns (bot.procedure) is heard first where one is open.
Knows no HTTP, no XML and no pages.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import assert_never

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot import outbox, repeat, sessions, wording
from bot.decide import asks_for_human, decide
from bot.errors import StoreConflict
from bot.handoff.tickets import open_ticket
from bot.match import Matcher, is_valid
from bot.policy import Policy
from bot.procedure import Hearing, Procedure, Step
from bot.store import Conversation, FeedbackRow, OutboxRow, Store, Turn
from bot.text import normalise
from bot.values import Action, Answer, Basis, Candidate, Choice, Clarify, Decision, HandOff, Message, Parts, Reply, Ticket
from knowledge.records import Citation, Entry

URGENT = "紧急"
"""Entries with this tag answer with a safety text and call a human at the same time."""
MOST_RELATED = 3
MOST_LOOKED_AT = 6
"""Entries that a turn can use: three choices, or the answer and its related ones, with some to spare."""

log = logging.getLogger("nuanxin.dialogue")


def utc_now() -> datetime:
    """Now in UTC, without zone, as the store keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)


class Dialogue:
    """Holds the parts that a turn needs; keeps nothing between turns but in the store."""

    def __init__(
        self,
        matcher: Matcher,
        policy: Policy,
        store: Store,
        choice_minutes: int = 10,
        now: Callable[[], datetime] = utc_now,
        procedures: Sequence[Procedure] = (),
    ) -> None:
        self._matcher = matcher
        self._policy = policy
        self._store = store
        self._minutes = choice_minutes
        self._now = now
        self._procedures = {procedure.name: procedure for procedure in procedures}

    def reply(self, message: Message) -> Reply:
        """Answer a message; one that came before with the same id gets the same reply.

        Raises:
            StoreError: nothing could be kept, so nothing was promised.
        """
        try:
            return self._turn(message)
        except StoreConflict:  # the same message, or the conversation's first, at another server in the same moment
            return self._turn(message)

    def _turn(self, message: Message) -> Reply:
        now = self._now()
        with self._store.transaction() as session:
            conversation = session.get(Conversation, message.session, with_for_update=True)
            known = conversation is not None
            if conversation is None:
                conversation = Conversation(id=message.session, channel=message.channel, created_at=now, offered="", procedure="")
                session.add(conversation)  # written at the end, with what this turn offers
            if message.id and known:
                same = Turn.conversation_id == message.session, Turn.message_id == message.id
                before = session.scalars(select(Turn).where(*same)).first()
                if before is not None:
                    return repeat.unpack(before.shown, message.session, self._matcher.index, self.basis)
            reply, score = self._answer(message, conversation, session, now)
            session.add(
                Turn(
                    conversation_id=message.session,
                    at=now,
                    text=message.text,
                    kind=reply.kind,
                    reply=reply.text if not reply.follow else f"{reply.text}\n{reply.follow}",
                    entry_id=reply.entry.id if reply.entry else None,
                    score=score,
                    index_version=reply.index,
                    region=message.region,
                    message_id=message.id or None,
                    shown=repeat.pack(reply) if message.id else "",
                )
            )
        return reply

    def _answer(self, message: Message, conversation: Conversation, session: Session, now: datetime) -> tuple[Reply, float | None]:
        """The reply, and the score of what it rests on."""
        if conversation.human_since is not None:
            return Reply("handoff", "", message.session, self._matcher.index.version, silent=True), None

        @cache
        def question() -> tuple[Decision, tuple[Candidate, ...]]:
            return self._decide(message, conversation, now)

        def said() -> tuple[str, ...]:
            return tuple(session.scalars(select(Turn.text).where(Turn.conversation_id == conversation.id).order_by(Turn.id)))

        opened = sessions.procedure(conversation, now)
        try:
            clean = normalise(message.text)
            if self._procedures and not asks_for_human(clean):
                hearing = Hearing(message, clean, conversation, session, now, said, lambda: question()[0])
                step = self._procedure_step(opened, hearing)
                if step is not None:
                    return self._say_step(step, message.session), None
        except SQLAlchemyError:
            raise
        except Exception as error:  # last resort: a broken procedure must not keep the worker from an answer or a human
            log.error("procedure failed: %s", type(error).__name__)
            opened = None
        if sessions.read_pick(message.text) is not None and sessions.has_expired(conversation, now):
            return Reply("clarify", wording.PICK_GONE, message.session, self._matcher.index.version), None
        decision, near = question()
        reply = self._carry_out(decision, near, message, session, now)
        shown = reply.choices or reply.related
        sessions.offer(conversation, [choice.entry_id for choice in shown], now, self._minutes)
        reply = self._add_procedures(reply, opened, conversation, now)
        return reply, decision.candidate.score if isinstance(decision, Answer) else near[0].score if near else None

    def _procedure_step(self, opened: sessions.Opened | None, hearing: Hearing) -> Step | None:
        """What a procedure has to say to this message; keeps its state in the conversation."""
        procedure, entry_id, step = None, "", None
        if opened is not None and opened.state is not None and opened.name in self._procedures:
            procedure, entry_id = self._procedures[opened.name], opened.entry_id
            step = procedure.go_on(opened.state, hearing)
        if step is None and opened is not None and (taken := opened.taken(hearing.clean)) is not None:
            name, entry_id = taken
            entry = self._matcher.index.entry(entry_id)
            if name in self._procedures and entry is not None:
                procedure = self._procedures[name]
                step = procedure.begin(entry, hearing)
        if step is None:
            for procedure in self._procedures.values():
                step, entry_id = procedure.wants(hearing), ""
                if step is not None:
                    break
        if step is not None and procedure is not None:
            sessions.keep_procedure(hearing.conversation, procedure.name, entry_id, step.state, hearing.now)
            sessions.offer(hearing.conversation, [], hearing.now, self._minutes)
        return step

    def _say_step(self, step: Step, session_id: str) -> Reply:
        basis = tuple(self._basis(citation) for citation in step.basis)
        index = self._matcher.index.version
        return Reply(step.kind, step.text, session_id, index, basis=basis, ticket=step.ticket, actions=step.actions, form=step.form)

    def _add_procedures(self, reply: Reply, opened: sessions.Opened | None, conversation: Conversation, now: datetime) -> Reply:
        """Below an answer: the way back to an open procedure, or what procedures offer for its entry."""
        if opened is not None and opened.state is not None and opened.name in self._procedures:
            if reply.kind == "handoff":
                sessions.close_procedure(conversation)
                return reply
            sessions.keep_procedure(conversation, opened.name, opened.entry_id, opened.state, now)
            return replace(reply, follow=self._procedures[opened.name].remind(opened.state))
        sessions.close_procedure(conversation)
        if reply.kind != "answer" or reply.entry is None:
            return reply
        found: list[tuple[str, str, Action]] = []
        for name, procedure in self._procedures.items():
            offered = procedure.offer(reply.entry)
            if offered is not None:
                found.append((name, *offered))
        if not found:
            return reply
        sessions.offer_procedures(conversation, reply.entry.id, [(name, action.say) for name, _, action in found], now)
        return replace(reply, follow="\n".join(text for _, text, _ in found), actions=tuple(action for _, _, action in found))

    def keep_feedback(self, session_id: str, entry_id: str, useful: bool, note: str) -> bool:
        """Keep a worker's word on an answer; False where there is no such entry."""
        if self._matcher.index.entry(entry_id) is None:
            return False
        with self._store.transaction() as session:
            session.add(FeedbackRow(conversation_id=session_id, entry_id=entry_id, useful=useful, note=note, at=self._now()))
        return True

    def note(self, message: Message, reply: str) -> None:
        """Keep a turn that needs no answer from the bank: a picture, a word of thanks, feedback.

        Raises:
            StoreError: nothing could be kept.
        """
        now = self._now()
        with self._store.transaction() as session:
            if session.get(Conversation, message.session) is None:
                session.add(Conversation(id=message.session, channel=message.channel, created_at=now, offered="", procedure=""))
                session.flush()
            session.add(
                Turn(
                    conversation_id=message.session,
                    at=now,
                    text=message.text,
                    kind="note",
                    reply=reply,
                    index_version=self._matcher.index.version,
                    region=message.region,
                )
            )

    def last_answered(self, session_id: str) -> str | None:
        """Id of the entry answered last in a conversation."""
        with self._store.transaction() as session:
            newest = select(Turn.entry_id).where(Turn.conversation_id == session_id, Turn.entry_id.is_not(None)).order_by(Turn.id.desc())
            return session.scalars(newest.limit(1)).first()

    def messages(self, session_id: str, after: int) -> tuple[list[OutboxRow], bool]:
        """What came for a worker unasked since the row `after`, and whether a human has the conversation."""
        with self._store.transaction() as session:
            conversation = session.get(Conversation, session_id)
            if conversation is None:
                return [], False
            return outbox.read_after(session, session_id, after, self._now()), conversation.human_since is not None

    def _decide(self, message: Message, conversation: Conversation, now: datetime) -> tuple[Decision, tuple[Candidate, ...]]:
        picked = self._picked(message.text, sessions.offered(conversation, now))
        if picked is not None:
            return Answer(picked), ()
        try:
            if asks_for_human(normalise(message.text)):
                return HandOff("asked"), ()
            matched = self._matcher.match(message.text, entries=MOST_LOOKED_AT, articles=0, today=now.date())
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
