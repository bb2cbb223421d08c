"""A reply as text for a phone: the short answer first, then the law in a line, then what can be sent back.

Every sentence of ours comes from bot.wording. Knows no XML and no sending.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot import wording
from bot.values import Basis, Choice, Reply
from bot.weixin.split import LARGEST, split

MOST_PARTS = 4
"""More parts than this are too much to read in a chat: the short answer and the page's address stand for them."""
MOST_LAWS = 4


def say_on_phone(reply: Reply, public_url: str = "") -> list[str]:
    """The reply in parts of at most 2,048 bytes, mostly one.

    Args:
        public_url: where our pages can be reached from a phone, without a slash at the end; empty where they cannot.
    """
    if reply.silent:
        return []
    if reply.kind == "answer" and reply.entry is not None:
        parts = split(_answer(reply, public_url))
        return parts if len(parts) <= MOST_PARTS else split(_answer(reply, public_url, brief=True))[:MOST_PARTS]
    lines = [reply.text]
    if reply.basis:
        lines.append(say_basis(reply.basis))
    lines += _tail(reply)
    return split("\n\n".join(line for line in lines if line))


def _answer(reply: Reply, public_url: str, brief: bool = False) -> str:
    entry = reply.entry
    assert entry is not None
    page = f"{public_url}/q/{entry.id}" if public_url else ""
    full = reply.text
    short = entry.short or full
    body = [short]
    if full != short and not brief and not page:
        body.append(full)
    if reply.basis:
        body.append(say_basis(reply.basis))
    if reply.next and not brief:
        body.append(wording.say_next(reply.next))
    if page and full != short:
        body.append(wording.say_page(page))
    body += _tail(reply)
    return "\n\n".join(line for line in body if line)


def _tail(reply: Reply) -> list[str]:
    """Follow-up sentence, numbers to choose by, and the way to a human."""
    lines = [reply.follow] if reply.follow else []
    if reply.kind == "answer" and reply.entry is not None:
        if reply.related:
            lines.append(say_numbers(reply.related))
        # Someone in distress is not asked to rate the answer; they are told that a human knows.
        lines.append(wording.PHONE_END if reply.ticket is None else wording.say_handoff(reply.ticket.reason, reply.ticket.number))
    return lines


def say_numbers(choices: Sequence[Choice]) -> str:
    """Related questions to ask by number."""
    return "\n".join([wording.RELATED, *(f"回复{number}：{choice.question}" for number, choice in enumerate(choices, start=1))])


def say_basis(basis: Sequence[Basis]) -> str:
    """The laws in one line: 依据：《劳动合同法》第三十条、第八十五条；《劳动法》第五十条."""
    by_law: dict[str, list[str]] = {}
    for item in basis[: 2 * MOST_LAWS]:
        by_law.setdefault(item.law, []).append(item.article)
    parts = [f"《{law}》{'、'.join(dict.fromkeys(articles))}" for law, articles in by_law.items()]
    return f"依据：{'；'.join(parts[:MOST_LAWS])}"


def fits(text: str) -> bool:
    """Whether a text is one message."""
    return len(text.encode()) <= LARGEST
