"""What a dialogue of several turns must offer: a complaint's intake, a calculation.

A procedure keeps its state as JSON in the conversation, so that any server can go on with it. It
knows nothing of the others and never blocks a worker: a question of its own is answered in between,
and 转人工 is heard before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from sqlalchemy.orm import Session

from bot.store import Conversation
from bot.values import Action, Decision, Message, Ticket
from knowledge.records import Citation, Entry

State = dict[str, object]
"""JSON values only."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """What a procedure is told at a turn.

    Attributes:
        session: the turn's transaction; what is written here is kept together with the turn.
        said: the worker's earlier words in this conversation, oldest first; read when called.
        question: what the words would be taken for as a question of their own; worked out when called.
        entry: an entry of the bank by its id.
    """

    message: Message
    clean: str
    conversation: Conversation
    session: Session
    now: datetime
    said: Callable[[], tuple[str, ...]]
    question: Callable[[], Decision]
    entry: Callable[[str], Entry | None]


@dataclass(frozen=True, slots=True)
class Step:
    """What a procedure says next.

    Attributes:
        text: what the worker reads.
        state: kept until the next message; None ends the procedure.
        kind: clarify while it asks, answer for a result, handoff where a human takes over.
        form: what is asked, for pages that show a form; JSON values.
    """

    text: str
    state: State | None
    kind: Literal["answer", "clarify", "handoff"] = "clarify"
    actions: tuple[Action, ...] = ()
    ticket: Ticket | None = None
    basis: tuple[Citation, ...] = ()
    form: Mapping[str, object] | None = None


class Procedure(Protocol):
    """A dialogue of several turns.

    Attributes:
        name: the same for ever: it stands in the store.
    """

    name: str

    def wants(self, hearing: Hearing) -> Step | None:
        """A step where a message outside any procedure is for this one by its words alone ("我的工单到哪了"), else None."""
        ...

    def offer(self, entry: Entry) -> tuple[str, Action] | None:
        """What to add below an entry's answer: a sentence and the words that begin; None where it does not fit the entry."""
        ...

    def suggest(self, clean: str, near: Sequence[Entry]) -> tuple[str, Action, str] | None:
        """What to add where a question was not answered: a sentence, the words that begin, the entry to begin with; or None."""
        ...

    def begin(self, entry: Entry, hearing: Hearing) -> Step:
        """The first step, once the worker took the offer."""
        ...

    def go_on(self, state: State, hearing: Hearing) -> Step | None:
        """The next step, or None where the message is something else: it is then answered, and the state kept."""
        ...

    def remind(self, state: State) -> str:
        """What to add below an answer given in between, so that the worker finds the way back."""
        ...
