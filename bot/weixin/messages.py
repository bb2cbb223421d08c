"""What a worker or the platform sends, by kind: frozen, with everything the dialogue needs and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bot.weixin.codec import Refused

Kind = Literal["text", "voice", "image", "video", "location", "link", "file", "other", "event"]
KINDS: dict[str, Kind] = {
    "text": "text",
    "voice": "voice",
    "image": "image",
    "video": "video",
    "shortvideo": "video",
    "location": "location",
    "link": "link",
    "file": "file",
    "event": "event",
}


@dataclass(frozen=True, slots=True)
class Incoming:
    """One push.

    Attributes:
        user: the worker's OpenID at this account.
        account: the account's own name in the message; the reply comes from it.
        key: what tells a repetition: the message's id, or for events who, when and what.
        text: words typed, or recognised from a voice message; for an event its key.
        event: the event's name in lower case, empty for messages.
    """

    kind: Kind
    user: str
    account: str
    key: str
    text: str = ""
    event: str = ""


def read_message(fields: Mapping[str, str]) -> Incoming:
    """A message from its fields.

    Raises:
        Refused: a field that every push has is missing.
    """
    user, account, kind = fields.get("FromUserName", ""), fields.get("ToUserName", ""), fields.get("MsgType", "")
    created = fields.get("CreateTime", "")
    if not user or not account or not kind or len(user) > 64:
        raise Refused("no sender, receiver or type")
    known = KINDS.get(kind, "other")
    if known == "event":
        event, text = fields.get("Event", "").lower(), fields.get("EventKey", "")
        return Incoming("event", user, account, f"{user}:{created}:{event}:{text}"[:120], text, event)
    number = fields.get("MsgId", "")
    key = f"{user}:{number}:{created}" if number else f"{user}:{created}:{kind}"
    text = fields.get("Content", "") if known == "text" else fields.get("Recognition", "") if known == "voice" else ""
    return Incoming(known, user, account, key[:120], text.strip())
