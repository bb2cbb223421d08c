"""What a platform's page and our settings must agree on: frozen, checked once at the start."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Literal

from bot.errors import SettingError

Mode = Literal["safe", "compat", "plain"]


@dataclass(frozen=True, slots=True)
class Account:
    """One official account, or one WeCom corporation.

    Attributes:
        receiver: what a sealed message is addressed to: the AppID, or WeCom's CorpID.
        token: the word shared with the platform for signatures.
        keys: 32-byte AES keys, the one in use first; an EncodingAESKey that was just replaced may follow.
        mode: safe refuses whatever is not sealed; compat takes both; plain has no sealing at all.
        fresh_seconds: how far a request's time may be from ours, in seconds.
    """

    receiver: str
    token: str = field(repr=False)
    keys: tuple[bytes, ...] = field(default=(), repr=False)
    mode: Mode = "safe"
    fresh_seconds: float = 300.0


def make_account(
    receiver: str, token: str, aes_key: str = "", previous: str = "", mode: Mode = "safe", prefix: str = "NUANXIN_WECHAT"
) -> Account:
    """An account from settings.

    Raises:
        SettingError: something is missing or cannot be a key; names the setting, never its value.
    """
    if not token:
        raise SettingError(f"{prefix}_TOKEN is empty: write the Token of the platform's server page there.")
    keys = tuple(_key(text, name) for text, name in ((aes_key, f"{prefix}_AES_KEY"), (previous, f"{prefix}_AES_KEY_PREVIOUS")) if text)
    if mode != "plain" and not keys:
        raise SettingError(f"{prefix}_AES_KEY is empty, but mode {mode} seals messages: write the EncodingAESKey of 43 characters there.")
    return Account(receiver, token, keys, mode)


def _key(text: str, name: str) -> bytes:
    try:
        key = base64.b64decode(text + "=", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(text) != 43 or len(key) != 32:
        raise SettingError(f"{name} has {len(text)} characters, wanted the EncodingAESKey of 43 letters and digits.")
    return key
