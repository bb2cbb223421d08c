"""Questions and look-ups over HTTP as JSON: /api/ask, /api/lookup, /api/feedback.

Turns requests into messages and replies into JSON; decides nothing.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from bot.counting import Counter, Histogram
from bot.dialogue import Dialogue
from bot.match import Matcher
from bot.values import Basis, Choice, Message, Reply

SessionId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
ASKED = Counter("nuanxin_replies", "Replies to workers by kind.", ["kind"])
TOOK = Histogram("nuanxin_ask_seconds", "Time from question to reply.", buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5))
LOOKED_UP = Counter("nuanxin_lookups", "Look-ups by agents.")
FEEDBACK = Counter("nuanxin_feedback", "Words on answers.", ["useful"])


class Body(BaseModel):
    """A request body; unknown fields are refused, so that a typo is noticed."""

    model_config = ConfigDict(extra="forbid")


class AskBody(Body):
    text: str = Field(description="What the worker typed.", examples=["老板不发工资咋整"])
    session: SessionId | None = Field(None, description="Keep it from the first reply, so that numbers can choose.")
    region: str = Field("", max_length=64, description="Where the worker is, such as 山东省济南市.")
    message_id: SessionId | None = Field(None, description="Your own number for the message: sent twice in a session, it is answered once.")


class FeedbackBody(Body):
    session: SessionId
    entry_id: str = Field(min_length=1, max_length=64)
    useful: bool
    note: str = Field("", max_length=1000)


class EntryOut(BaseModel):
    id: str
    question: str
    short: str


class ChoiceOut(BaseModel):
    entry_id: str
    question: str
    score: float


class RelatedOut(BaseModel):
    entry_id: str
    question: str


class BasisOut(BaseModel):
    law: str
    article: str
    text: str = Field(description="The article's words, or our digest of them; empty where neither is at hand.")
    is_digest: bool = Field(description="The text is our digest, not the article's own words.")
    status: str = Field(description="in_force, revised, repealed, or unknown where the regulation is not in the index.")


class TicketOut(BaseModel):
    number: str
    state: str
    reason: str
    opened_at: str


class ActionOut(BaseModel):
    label: str
    say: str = Field(description="The words that do it, sent to /api/ask.")


class AskOut(BaseModel):
    kind: Literal["answer", "clarify", "handoff"]
    text: str = Field(description="For an answer, the bank's own words and nothing else.")
    follow: str = Field("", description="A sentence of ours after the answer.")
    actions: list[ActionOut] = Field([], description="What can be done next besides choosing a question.")
    form: dict[str, object] | None = Field(None, description="What an open procedure asks, for a page that shows a form.")
    silent: bool = Field(False, description="Show nothing: a human has the conversation; see /api/messages.")
    entry: EntryOut | None
    choices: list[ChoiceOut]
    basis: list[BasisOut]
    related: list[RelatedOut]
    next: list[str]
    ticket: TicketOut | None
    session: str
    index: str


class MessageOut(BaseModel):
    id: int
    at: str
    kind: str = Field(description="agent, notice or answer.")
    author: str
    text: str
    actions: list[ActionOut]


class MessagesOut(BaseModel):
    messages: list[MessageOut]
    human: bool = Field(description="A human has the conversation; the bot is silent.")
    open: bool = Field(description="A ticket of the conversation is not closed: more may come.")


class FoundEntryOut(BaseModel):
    entry_id: str
    question: str
    topic: str
    kind: str
    matched: str = Field(description="The wording that matched best.")
    score: float
    parts: dict[str, float] = Field(description="dense, lexical, fuzzy: why the score is what it is.")
    short: str
    answer: str
    next: list[str]
    as_of: str
    basis: list[BasisOut]


class FoundArticleOut(BaseModel):
    article_id: str
    law: str
    article: str
    chapter: str
    version: str
    status: str
    text: str
    is_digest: bool
    score: float


class LookupOut(BaseModel):
    entries: list[FoundEntryOut]
    articles: list[FoundArticleOut]
    index: str
    took_ms: float


class Kept(BaseModel):
    ok: bool


def _basis_out(basis: tuple[Basis, ...]) -> list[BasisOut]:
    return [BasisOut(law=b.law, article=b.article, text=b.text, status=b.status, is_digest=b.is_digest) for b in basis]


def _choices_out(choices: tuple[Choice, ...]) -> list[ChoiceOut]:
    return [ChoiceOut(entry_id=c.entry_id, question=c.question, score=c.score) for c in choices]


def _reply_out(reply: Reply) -> AskOut:
    entry, ticket = reply.entry, reply.ticket
    return AskOut(
        kind=reply.kind,
        text=reply.text,
        follow=reply.follow,
        actions=[ActionOut(label=action.label, say=action.say) for action in reply.actions],
        form=dict(reply.form) if reply.form is not None else None,
        silent=reply.silent,
        entry=EntryOut(id=entry.id, question=entry.question, short=entry.short) if entry else None,
        choices=_choices_out(reply.choices),
        basis=_basis_out(reply.basis),
        related=[RelatedOut(entry_id=c.entry_id, question=c.question) for c in reply.related],
        next=list(reply.next),
        ticket=TicketOut(number=ticket.number, state=ticket.state, reason=ticket.reason, opened_at=ticket.opened_at) if ticket else None,
        session=reply.session,
        index=reply.index,
    )


def create_router(dialogue: Dialogue, matcher: Matcher, longest: int, clock: Callable[[], float] = time.perf_counter) -> APIRouter:
    """The JSON routes over one dialogue and one matcher."""
    router = APIRouter(prefix="/api")

    def checked(text: str) -> str:
        if not text.strip():
            raise HTTPException(422, "请写下您的问题。")
        if len(text) > longest:
            raise HTTPException(422, f"问题太长了：{len(text)}字，最多{longest}字。")
        return text

    @router.post("/ask", response_model=AskOut)
    def ask(body: AskBody) -> AskOut:
        """Answer a worker, ask back, or hand over."""
        began = clock()
        text = checked(body.text)
        session = body.session or uuid.uuid4().hex
        reply = dialogue.reply(Message(text, session, body.region, id=body.message_id or "", opens=body.session is None))
        ASKED.labels(reply.kind).inc()
        TOOK.observe(clock() - began)
        return _reply_out(reply)

    @router.get("/lookup", response_model=LookupOut)
    def lookup(q: str, k: Annotated[int, Query(ge=1, le=50)] = 10) -> LookupOut:
        """Entries and articles for an agent's words, best first."""
        began = clock()
        matched = matcher.match(checked(q), entries=k, articles=k)
        LOOKED_UP.inc()
        return LookupOut(
            entries=[
                FoundEntryOut(
                    entry_id=c.entry.id,
                    question=c.entry.question,
                    topic=c.entry.topic,
                    kind=c.entry.kind,
                    matched=c.parts.wording,
                    score=c.score,
                    parts={"dense": c.parts.dense, "lexical": c.parts.lexical, "fuzzy": c.parts.fuzzy},
                    short=c.entry.short,
                    answer=c.entry.answer or c.entry.short,
                    next=list(c.entry.next),
                    as_of=c.entry.as_of,
                    basis=_basis_out(dialogue.basis(c.entry)),
                )
                for c in matched.entries
            ],
            articles=[
                FoundArticleOut(
                    article_id=h.article.id,
                    law=h.article.law,
                    article=h.article.number,
                    chapter=h.article.chapter,
                    version=h.article.version,
                    status=h.article.status,
                    text=h.article.text or h.article.digest,
                    is_digest=not h.article.text,
                    score=h.score,
                )
                for h in matched.articles
            ],
            index=matcher.index.version,
            took_ms=round((clock() - began) * 1000, 3),
        )

    @router.get("/messages", response_model=MessagesOut)
    def messages(session: SessionId, after: Annotated[int, Query(ge=0)] = 0) -> MessagesOut:
        """What came for a worker unasked, such as an agent's words; a page asks again with the last id it has."""
        sent, human, is_open = dialogue.messages(session, after)
        return MessagesOut(
            messages=[
                MessageOut(
                    id=row.id,
                    at=row.created_at.isoformat(timespec="seconds") + "Z",
                    kind=row.kind,
                    author=row.author,
                    text=row.text,
                    actions=[ActionOut(**action) for action in json.loads(row.actions)],
                )
                for row in sent
            ],
            human=human,
            open=is_open,
        )

    @router.post("/feedback", response_model=Kept)
    def feedback(body: FeedbackBody) -> Kept:
        """Keep whether an answer helped."""
        if not dialogue.keep_feedback(body.session, body.entry_id, body.useful, body.note):
            raise HTTPException(404, "没有这道题。")
        FEEDBACK.labels(str(body.useful).lower()).inc()
        return Kept(ok=True)

    return router
