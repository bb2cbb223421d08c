"""What was last offered to a worker, and which of it a short message picks.

Knows numbers and times, not questions or answers.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta

from bot.store import Conversation

_WORDS = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_PICK = re.compile(r"^(?:我?(?:选|要|问)?(?:的是)?)?第?([1-9一二两三四五六七八九])(?:个|条|号|项|题|吧)?(?:问题)?$")


def read_pick(text: str) -> int | None:
    """The number a message picks: 1, １, ①, 一, 第一个, 选2; None where it is something else."""
    bare = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text))
    match = _PICK.fullmatch(bare)
    if match is None:
        return None
    return int(match[1]) if match[1].isdigit() else _WORDS[match[1]]


def offer(conversation: Conversation, entry_ids: list[str], now: datetime, minutes: int) -> None:
    """Remember what was offered; an empty list forgets."""
    conversation.offered = "\n".join(entry_ids)
    conversation.offered_until = now + timedelta(minutes=minutes) if entry_ids else None


def offered(conversation: Conversation, now: datetime) -> list[str]:
    """Entry ids that a number may still pick, in order."""
    if conversation.offered_until is None or now > conversation.offered_until:
        return []
    return conversation.offered.split("\n")
