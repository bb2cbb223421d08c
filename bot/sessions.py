"""What was last offered to a worker, which of it a short message picks, and the procedure that is open.

Knows numbers, times and names, not questions or answers.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
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


def has_expired(conversation: Conversation, now: datetime) -> bool:
    """Whether something was offered last, but too long ago to pick from."""
    return bool(conversation.offered) and conversation.offered_until is not None and now > conversation.offered_until


PROCEDURE_MINUTES = 60
"""How long an open or offered procedure waits for the worker's next word."""
_YES = re.compile(r"^(?:好的?|要的?|是的?|行|可以|嗯+|需要|同意|ok|yes)(?:吧|啊|呀|呢|谢谢)?$")


_CONTROL = re.compile(r"^(?:不(?:登记|算|投诉|想算|用|要|知道|清楚|想说|方便)了?|跳过|取消|算了|停|退出|结束|提交|确认|没有|无|略)[吧了]*$")


def is_control(text: str) -> bool:
    """Whether a text only steers a procedure (跳过, 不算了): it is never taken for something else that sounds like it."""
    bare = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text))
    return bool(_CONTROL.fullmatch(bare) or _YES.fullmatch(bare) or read_pick(bare) is not None)


@dataclass(frozen=True, slots=True)
class Opened:
    """A procedure under way (`state` is not None), or what was offered.

    Attributes:
        offers: the words that begin a procedure, and its name.
        by_yes: a mere yes begins it too, where nothing else was offered that it could mean.
    """

    name: str
    entry_id: str
    state: dict[str, object] | None
    offers: dict[str, str] = field(default_factory=dict)
    by_yes: bool = True

    def taken(self, clean: str) -> tuple[str, str] | None:
        """Name and entry of the procedure that a normalised text begins, None where it begins none."""
        bare = re.sub(r"[\W_]+", "", clean)
        if bare in self.offers:
            return self.offers[bare], self.entry_id
        if self.by_yes and len(self.offers) == 1 and _YES.fullmatch(bare):
            return next(iter(self.offers.values())), self.entry_id
        return None


def procedure(conversation: Conversation, now: datetime) -> Opened | None:
    """The procedure that is open or offered; None where there is none or it waited too long."""
    if not conversation.procedure or conversation.procedure_until is None or now > conversation.procedure_until:
        return None
    kept = json.loads(conversation.procedure)
    return Opened(kept.get("name", ""), kept["entry"], kept.get("state"), kept.get("offers", {}), kept.get("by_yes", True))


def keep_procedure(conversation: Conversation, name: str, entry_id: str, state: dict[str, object] | None, now: datetime) -> None:
    """Remember how far a procedure is; a state of None ends it."""
    if state is None:
        close_procedure(conversation)
        return
    conversation.procedure = json.dumps({"name": name, "entry": entry_id, "state": state}, ensure_ascii=False)
    conversation.procedure_until = now + timedelta(minutes=PROCEDURE_MINUTES)


def offer_procedures(
    conversation: Conversation, entry_id: str, offers: Sequence[tuple[str, str]], now: datetime, by_yes: bool = True
) -> None:
    """Remember which words (normalised) begin which procedure: (name, words) pairs."""
    words = {re.sub(r"[\W_]+", "", say): name for name, say in offers}
    conversation.procedure = json.dumps({"entry": entry_id, "offers": words, "by_yes": by_yes}, ensure_ascii=False)
    conversation.procedure_until = now + timedelta(minutes=PROCEDURE_MINUTES)


def close_procedure(conversation: Conversation) -> None:
    """Forget it."""
    conversation.procedure, conversation.procedure_until = "", None
