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
from typing import assert_never, cast

from sqlalchemy import Table, insert, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot import outbox, repeat, sessions, wording
from bot.decide import asks_for_human, decide
from bot.errors import StoreConflict
from bot.handoff.tickets import Tickets
from bot.match import Matcher, is_valid
from bot.personal_data import mask
from bot.policy import Policy
from bot.procedure import Hearing, Procedure, Step
from bot.store import Conversation, FeedbackRow, OutboxRow, Store, Turn
from bot.text import normalise
from bot.values import Action, Answer, Basis, Candidate, Choice, Clarify, Decision, HandOff, Matched, Message, Parts, Reply, Ticket
from knowledge.records import Citation, Entry

URGENT = "紧急"
"""Entries with this tag answer with a safety text and call a human at the same time."""
MOST_RELATED = 3
MOST_LOOKED_AT = 6
"""Entries that a turn can use: three choices, or the answer and its related ones, with some to spare."""

_ADD_TURN = insert(cast(Table, Turn.__table__))
Keep = Callable[[Session, Conversation, Reply], None]
log = logging.getLogger("nuanxin.dialogue")


def keep_no_more(session: Session, conversation: Conversation, reply: Reply) -> None:
    """A turn that nothing else is kept with."""


def utc_now() -> datetime:
    """Now in UTC, without zone, as the store keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)


def add_turn(session: Session, message: Message, reply: Reply, score: float | None, kind: str, now: datetime) -> None:
    """Keep what was said and what came back; a plain statement, for every question passes here.

    Args:
        kind: the reply's kind; step for one of a procedure, human where a human has the conversation: neither is the bot's answer.
    """
    values = {
        "conversation_id": message.session,
        "at": now,
        "text": mask(message.text),
        "sealed": message.text if mask(message.text) != message.text else "",
        "kind": kind,
        "reply": reply.text if not reply.follow else f"{reply.text}\n{reply.follow}",
        "entry_id": reply.entry.id if reply.entry else None,
        "score": score,
        "index_version": reply.index,
        "region": message.region,
        "message_id": message.id or None,
        "shown": repeat.pack(reply) if message.id else "",
    }
    session.connection().execute(_ADD_TURN, values)


def _is_urgent(decision: Decision) -> bool:
    """Whether the words are of an emergency: they are answered at once, whatever was being asked."""
    return isinstance(decision, Answer) and URGENT in decision.candidate.entry.tags


class Dialogue:
    """Holds the parts that a turn needs; keeps nothing between turns but in the store.

    Attributes:
        tickets: opens and moves what humans take over.
        policy: when it answers, asks back or hands over.
    """

    def __init__(
        self,
        matcher: Matcher,
        policy: Policy,
        store: Store,
        choice_minutes: int = 10,
        now: Callable[[], datetime] = utc_now,
        procedures: Sequence[Procedure] = (),
        tickets: Tickets | None = None,
    ) -> None:
        self._matcher = matcher
        self.policy = policy
        self._store = store
        self._minutes = choice_minutes
        self._now = now
        self._procedures = {procedure.name: procedure for procedure in procedures}
        self.tickets = tickets or Tickets()

    def reply(self, message: Message, keep: Keep = keep_no_more) -> Reply:
        """Answer a message; one that came before with the same id gets the same reply.

        Args:
            keep: called once the reply is known, in the turn's transaction: what a channel must keep together with the turn.

        Raises:
            StoreError: nothing could be kept, so nothing was promised.
        """
        ahead = self._match_ahead(message.text)
        try:
            return self._turn(message, ahead, keep)
        except StoreConflict:  # the same message came before, or the conversation's first at another server in this moment
            return self._turn(replace(message, opens=False), ahead, keep, may_be_kept=True)

    def _match_ahead(self, text: str) -> Matched | None:
        """What the bank has for the words, found before the transaction: nobody waits for the database meanwhile.

        None where the words hardly need it (a choice by number), or where matching failed: it is then tried, and reported, in the turn.
        """
        if sessions.read_pick(text) is not None:
            return None
        try:
            return None if asks_for_human(normalise(text)) else self._match(text, self._now())
        except Exception:
            return None

    def _match(self, text: str, now: datetime) -> Matched:
        return self._matcher.match(text, entries=MOST_LOOKED_AT, articles=0, today=now.date())

    def _turn(self, message: Message, ahead: Matched | None, keep: Keep, may_be_kept: bool = False) -> Reply:
        """One transaction. A message that was kept before violates the turn's key; only then is it looked for (`may_be_kept`)."""
        now = self._now()
        with self._store.transaction() as session:
            conversation = None if message.opens else session.get(Conversation, message.session, with_for_update=True)
            if may_be_kept and message.id and conversation is not None:
                same = Turn.conversation_id == message.session, Turn.message_id == message.id
                before = session.scalars(select(Turn).where(*same)).first()
                if before is not None:
                    reply = repeat.unpack(before.shown, message.session, self._matcher.index, self.basis)
                    keep(session, conversation, reply)
                    return reply
            if conversation is None:
                conversation = Conversation(id=message.session, channel=message.channel, created_at=now, offered="", procedure="")
                session.add(conversation)  # written at the end, with what this turn offers
            reply, score, kind = self._answer(message, conversation, session, now, ahead)
            session.flush()
            add_turn(session, message, reply, score, kind, now)  # a message that came before shows here, ahead of what `keep` does
            keep(session, conversation, reply)
        return reply

    def _answer(
        self, message: Message, conversation: Conversation, session: Session, now: datetime, ahead: Matched | None
    ) -> tuple[Reply, float | None, str]:
        """The reply, the score of what it rests on, and what the turn counts as."""
        if conversation.human_since is not None:
            self.tickets.heard(session, conversation.id, now, _is_urgent(self._decide(message, conversation, now, ahead)[0]))
            return Reply("handoff", "", message.session, self._matcher.index.version, silent=True), None, "human"

        @cache
        def question() -> tuple[Decision, tuple[Candidate, ...]]:
            return self._decide(message, conversation, now, ahead)

        def said() -> tuple[str, ...]:
            return tuple(session.scalars(select(Turn.text).where(Turn.conversation_id == conversation.id).order_by(Turn.id)))

        opened, clean = sessions.procedure(conversation, now), normalise(message.text)
        try:
            urgent = opened is not None and not sessions.is_control(message.text) and _is_urgent(question()[0])
            if self._procedures and not asks_for_human(clean) and not urgent:
                hearing = Hearing(message, clean, conversation, session, now, said, lambda: question()[0], self._matcher.index.entry)
                step = self._procedure_step(opened, hearing)
                if step is not None:
                    return self._say_step(step, message.session), None, step.kind if step.ticket else "step"
        except SQLAlchemyError:
            raise
        except Exception as error:  # last resort: a broken procedure must not keep the worker from an answer or a human
            log.error("procedure failed: %s", type(error).__name__)
            opened = None
        if sessions.read_pick(message.text) is not None and sessions.has_expired(conversation, now):
            return Reply("clarify", wording.PICK_GONE, message.session, self._matcher.index.version), None, "clarify"
        decision, near = question()
        reply = self._carry_out(decision, near, message, session, now)
        shown = reply.choices or reply.related
        sessions.offer(conversation, [choice.entry_id for choice in shown], now, self._minutes)
        reply = self._add_procedures(reply, opened, conversation, now, clean, near)
        score = decision.candidate.score if isinstance(decision, Answer) else near[0].score if near else None
        return reply, score, reply.kind

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

    def _add_procedures(
        self,
        reply: Reply,
        opened: sessions.Opened | None,
        conversation: Conversation,
        now: datetime,
        clean: str,
        near: tuple[Candidate, ...],
    ) -> Reply:
        """Below an answer: the way back to an open procedure, or what procedures offer for its entry or, without one, for the words."""
        if opened is not None and opened.state is not None and opened.name in self._procedures:
            if reply.kind == "handoff":
                sessions.close_procedure(conversation)
                return reply
            sessions.keep_procedure(conversation, opened.name, opened.entry_id, opened.state, now)
            return replace(reply, follow=self._procedures[opened.name].remind(opened.state))
        sessions.close_procedure(conversation)
        if reply.kind != "answer" or reply.entry is None:
            return self._add_suggestion(reply, conversation, now, clean, near)
        found: list[tuple[str, str, Action]] = []
        for name, procedure in self._procedures.items():
            offered = procedure.offer(reply.entry)
            if offered is not None:
                found.append((name, *offered))
        if not found:
            return reply
        sessions.offer_procedures(conversation, reply.entry.id, [(name, action.say) for name, _, action in found], now)
        return replace(reply, follow="\n".join(text for _, text, _ in found), actions=tuple(action for _, _, action in found))

    def _add_suggestion(self, reply: Reply, conversation: Conversation, now: datetime, clean: str, near: tuple[Candidate, ...]) -> Reply:
        if reply.kind == "answer" or (reply.ticket is not None and reply.ticket.reason in ("asked", "urgent")):
            return reply
        entries = [candidate.entry for candidate in near if candidate.score >= self.policy.clarify]
        for name, procedure in self._procedures.items():
            suggested = procedure.suggest(clean, entries)
            if suggested is not None:
                text, action, entry_id = suggested
                sessions.offer_procedures(conversation, entry_id, [(name, action.say)], now, by_yes=False)
                return replace(reply, follow=text, actions=(action,))
        return reply

    def keep_feedback(self, session_id: str, entry_id: str, useful: bool, note: str) -> bool:
        """Keep a worker's word on an answer; False where there is no such entry."""
        if self._matcher.index.entry(entry_id) is None:
            return False
        with self._store.transaction() as session:
            session.add(FeedbackRow(conversation_id=session_id, entry_id=entry_id, useful=useful, note=note, at=self._now()))
        return True

    def note(self, message: Message, reply: str, keep: Callable[[Session, Conversation], None] | None = None) -> None:
        """Keep a turn that needs no answer from the bank: a picture, a word of thanks, feedback.

        Args:
            keep: called in the same transaction: what a channel must keep together with it.

        Raises:
            StoreError: nothing could be kept.
        """
        now = self._now()
        with self._store.transaction() as session:
            conversation = session.get(Conversation, message.session)
            if conversation is None:
                conversation = Conversation(id=message.session, channel=message.channel, created_at=now, offered="", procedure="")
                session.add(conversation)
                session.flush()
            session.add(
                Turn(
                    conversation_id=message.session,
                    at=now,
                    text=mask(message.text),
                    sealed=message.text if mask(message.text) != message.text else "",
                    kind="note",
                    reply=reply,
                    index_version=self._matcher.index.version,
                    region=message.region,
                )
            )
            if conversation.human_since is not None:
                self.tickets.heard(session, conversation.id, now)
            if keep is not None:
                keep(session, conversation)

    def last_answered(self, session_id: str) -> str | None:
        """Id of the entry answered last in a conversation."""
        with self._store.reading() as session:
            newest = select(Turn.entry_id).where(Turn.conversation_id == session_id, Turn.entry_id.is_not(None)).order_by(Turn.id.desc())
            return session.scalars(newest.limit(1)).first()

    def awaits_rating(self, session_id: str) -> bool:
        """Whether the worker was asked how satisfied they are with a ticket."""
        with self._store.reading() as session:
            return self.tickets.awaiting_rating(session, session_id) is not None

    def messages(self, session_id: str, after: int) -> tuple[list[OutboxRow], bool, bool]:
        """What came for a worker unasked since the row `after`, whether a human has the conversation, whether a ticket is open."""
        with self._store.reading() as session:
            conversation = session.get(Conversation, session_id)
            if conversation is None:
                return [], False, False
            human, is_open = conversation.human_since is not None, self.tickets.any_open(session, session_id)
            if not outbox.any_after(session, session_id, after):
                return [], human, is_open
        with self._store.transaction() as session:
            return outbox.read_after(session, session_id, after, self._now()), human, is_open

    def _decide(
        self, message: Message, conversation: Conversation, now: datetime, ahead: Matched | None
    ) -> tuple[Decision, tuple[Candidate, ...]]:
        picked = self._picked(message.text, sessions.offered(conversation, now))
        if picked is not None:
            return Answer(picked), ()
        try:
            if asks_for_human(normalise(message.text)):
                return HandOff("asked"), ()
            matched = ahead or self._match(message.text, now)
            return decide(matched, self.policy), matched.entries
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
                ticket = self.tickets.open(session, message, "urgent", now, entry=entry)
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
            ticket = self.tickets.open(session, message, decision.reason, now, near=near)
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
            if candidate.entry.id != entry.id and candidate.score >= self.policy.clarify:
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
