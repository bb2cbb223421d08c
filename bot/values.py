"""What the steps hand on: candidates, decisions, replies; frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from knowledge.records import Article, Entry

Reason = Literal["asked", "unclear", "outside", "fault", "urgent", "complaint", "phone"]


@dataclass(frozen=True, slots=True)
class Message:
    """One thing a worker said.

    Attributes:
        id: the channel's own number for it, empty where it has none; the same id in a session is one message.
        opens: the session's name was drawn just now, so nothing can be known of it yet.
    """

    text: str
    session: str
    region: str = ""
    channel: str = "web"
    id: str = ""
    opens: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    """Why a candidate has its score; each 0..1.

    Attributes:
        wording: the entry's wording that fits best.
        dense, lexical, fuzzy: closeness of meaning, of characters and of spelling; 1.0 for the same words.
        same: how likely question and wording mean the same, by the pair model.
        clash: whether a number, a negation or who ends the contract stands against each other in the two, the second
            encoder puts another entry first, or only a topic is named: then it is not answered, whatever its score.
    """

    wording: str
    dense: float
    lexical: float
    fuzzy: float
    same: float = 1.0
    clash: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry that may answer, its score 0..1, and the parts of the score."""

    entry: Entry
    score: float
    parts: Parts


@dataclass(frozen=True, slots=True)
class ArticleHit:
    """An article that may apply, its score 0..1."""

    article: Article
    score: float


@dataclass(frozen=True, slots=True)
class Matched:
    """Everything found for one text, best first."""

    text: str
    entries: tuple[Candidate, ...] = ()
    articles: tuple[ArticleHit, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The approved answer of one entry."""

    candidate: Candidate


@dataclass(frozen=True, slots=True)
class Clarify:
    """Up to three near questions to choose from."""

    choices: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class HandOff:
    """A human takes over."""

    reason: Reason


Decision = Answer | Clarify | HandOff


@dataclass(frozen=True, slots=True)
class Choice:
    """A question offered to the worker."""

    entry_id: str
    question: str
    score: float


@dataclass(frozen=True, slots=True)
class Basis:
    """An article an answer rests on, with its words, or with our digest of them."""

    law: str
    article: str
    text: str
    status: str
    is_digest: bool = False


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a hand-off opened."""

    number: str
    state: str
    reason: Reason
    opened_at: str


@dataclass(frozen=True, slots=True)
class Action:
    """Something the worker can do next: a button with `label`, or the words `say` typed."""

    label: str
    say: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What the worker gets.

    Attributes:
        text: for an answer, the bank's own words and nothing else.
        follow: a sentence of ours after it, such as the first question of a complaint's intake.
        actions: what can be done next besides choosing a question.
        form: what an open procedure asks, for pages that show it as a form; JSON values.
        silent: nothing is to be shown: a human has the conversation.
    """

    kind: Literal["answer", "clarify", "handoff"]
    text: str
    session: str
    index: str
    entry: Entry | None = None
    choices: tuple[Choice, ...] = ()
    basis: tuple[Basis, ...] = ()
    related: tuple[Choice, ...] = ()
    ticket: Ticket | None = None
    next: tuple[str, ...] = ()
    follow: str = ""
    actions: tuple[Action, ...] = ()
    form: Mapping[str, object] | None = None
    silent: bool = False
