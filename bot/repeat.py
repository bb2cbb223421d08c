"""A reply kept as JSON, so that a message that comes twice gets the same reply twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict

from bot.index import Index
from bot.values import Action, Basis, Choice, Reply, Ticket
from knowledge.records import Entry


def pack(reply: Reply) -> str:
    """The reply without what the bank holds anyway."""
    kept = {
        "kind": reply.kind,
        "text": reply.text,
        "index": reply.index,
        "entry": reply.entry.id if reply.entry else None,
        "choices": [asdict(choice) for choice in reply.choices],
        "related": [asdict(choice) for choice in reply.related],
        "basis": [asdict(basis) for basis in reply.basis] if reply.entry is None else None,
        "ticket": asdict(reply.ticket) if reply.ticket else None,
        "next": reply.next,
        "follow": reply.follow,
        "actions": [asdict(action) for action in reply.actions],
        "form": reply.form,
        "silent": reply.silent,
    }
    return json.dumps(kept, ensure_ascii=False)


def unpack(shown: str, session: str, index: Index, basis_of: Callable[[Entry], tuple[Basis, ...]]) -> Reply:
    """The reply again; the basis of an entry as the index has it now."""
    kept = json.loads(shown)
    entry = index.entry(kept["entry"]) if kept["entry"] else None
    return Reply(
        kept["kind"],
        kept["text"],
        session,
        kept["index"],
        entry=entry,
        choices=tuple(Choice(**choice) for choice in kept["choices"]),
        related=tuple(Choice(**choice) for choice in kept["related"]),
        basis=basis_of(entry) if entry else tuple(Basis(**basis) for basis in kept["basis"] or ()),
        ticket=Ticket(**kept["ticket"]) if kept["ticket"] else None,
        next=tuple(kept["next"]),
        follow=kept["follow"],
        actions=tuple(Action(**action) for action in kept["actions"]),
        form=kept["form"],
        silent=kept["silent"],
    )
