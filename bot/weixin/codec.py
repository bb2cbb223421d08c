"""Requests of the platform opened and replies sealed: signatures, AES, freshness.

After the platform's own description (消息加解密): SHA-1 over the sorted parts, AES-256-CBC with the key's
first 16 bytes as the IV, PKCS#7 padding to 32 bytes, and inside 16 random bytes, the length, the XML and
the receiver. Every refusal looks the same from outside. Knows no dialogue and no database.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bot.weixin.account import Account
from bot.weixin.xml import BadXml, read_fields, write_fields

BLOCK = 32
LARGEST_BODY = 64 * 1024


class Refused(Exception):
    """A request that is not taken: 403 for whoever sent it; the reason is for our log and holds nothing of the message."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A request whose sender is known.

    Attributes:
        fields: the message's fields.
        key: the AES key it came under, with which the reply is sealed; None where nothing was sealed.
    """

    fields: Mapping[str, str]
    key: bytes | None


def sign(*parts: str) -> str:
    """SHA-1 in hex over the parts in sorted order, without anything between them."""
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())


def check_url(account: Account, query: Mapping[str, str], now: float) -> str:
    """The text the platform wants back when the address is entered on its page; WeCom's comes sealed.

    Raises:
        Refused: the signature or the time is wrong.
    """
    echo = query.get("echostr", "")
    if "msg_signature" in query:
        _check_time(account, query, now)
        _check(query.get("msg_signature", ""), sign(account.token, *_stamp(query), echo))
        return _unseal(account, echo)[0].decode("utf-8", "replace")
    _check_plain(account, query, now)
    return echo


def open_request(account: Account, query: Mapping[str, str], body: bytes, now: float) -> Opened:
    """The fields of a pushed message.

    Args:
        query: the parameters of the address: signature, timestamp, nonce, and for sealed ones encrypt_type and msg_signature.
        now: seconds since 1970.

    Raises:
        Refused: wrong signature, old, not sealed where the mode wants it, not for us, or not the protocol's XML.
    """
    if account.mode == "plain":
        _check_plain(account, query, now)
        return Opened(_read(body), None)
    if account.mode == "compat" and query.get("encrypt_type", "raw") == "raw" and "msg_signature" not in query:
        _check_plain(account, query, now)
        return Opened(_read(body), None)
    if query.get("encrypt_type", "aes") != "aes":  # WeCom does not send the parameter at all
        raise Refused("not sealed, though the mode is safe")
    _check_time(account, query, now)
    sealed = _read(body).get("Encrypt", "")
    if not sealed:
        raise Refused("no sealed part, though the mode is safe")
    _check(query.get("msg_signature", ""), sign(account.token, *_stamp(query), sealed))
    plain, key = _unseal(account, sealed)
    return Opened(_read(plain), key)


def seal_reply(account: Account, xml: bytes, opened: Opened, now: float) -> bytes:
    """The body of the reply: the XML itself where nothing was sealed, else sealed with the key that the message came under."""
    if opened.key is None:
        return xml
    sealed, timestamp, nonce = seal(xml, account.receiver, opened.key), str(int(now)), os.urandom(8).hex()
    return write_fields(
        [
            ("Encrypt", sealed),
            ("MsgSignature", sign(account.token, timestamp, nonce, sealed)),
            ("TimeStamp", int(timestamp)),
            ("Nonce", nonce),
        ]
    )


def seal(plain: bytes, receiver: str, key: bytes) -> str:
    """Base64 of the sealed text."""
    inner = os.urandom(16) + struct.pack(">I", len(plain)) + plain + receiver.encode()
    pad = BLOCK - len(inner) % BLOCK
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(inner + bytes([pad]) * pad) + encryptor.finalize()).decode()


def _unseal(account: Account, sealed: str) -> tuple[bytes, bytes]:
    for key in account.keys:
        plain = _unseal_with(key, account.receiver, sealed)
        if plain is not None:
            return plain, key
    raise Refused("cannot be unsealed with any key, or is for another receiver")


def _unseal_with(key: bytes, receiver: str, sealed: str) -> bytes | None:
    try:
        raw = base64.b64decode(sealed, validate=True)
    except (binascii.Error, ValueError):
        return None
    if not raw or len(raw) % 16:
        return None
    decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
    padded = decryptor.update(raw) + decryptor.finalize()
    pad = padded[-1]
    if not 1 <= pad <= BLOCK or padded[-pad:] != bytes([pad]) * pad:
        return None
    inner = padded[:-pad]
    if len(inner) < 20:
        return None
    (length,) = struct.unpack(">I", inner[16:20])
    plain, found = inner[20 : 20 + length], inner[20 + length :]
    return plain if len(plain) == length and hmac.compare_digest(found, receiver.encode()) else None


def _stamp(query: Mapping[str, str]) -> tuple[str, str]:
    return query.get("timestamp", ""), query.get("nonce", "")


def _check_plain(account: Account, query: Mapping[str, str], now: float) -> None:
    _check_time(account, query, now)
    _check(query.get("signature", ""), sign(account.token, *_stamp(query)))


def _check(given: str, wanted: str) -> None:
    if not _same(given, wanted):
        raise Refused("wrong signature")


def _check_time(account: Account, query: Mapping[str, str], now: float) -> None:
    stamp = query.get("timestamp", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 13):
        raise Refused("no time")
    seconds = int(stamp) / 1000 if len(stamp) == 13 else int(stamp)  # some clients send milliseconds
    if abs(now - seconds) > account.fresh_seconds:
        raise Refused("too old, or from the future")


def _read(body: bytes) -> dict[str, str]:
    if body.lstrip()[:1] == b"{":
        raise Refused("JSON: choose XML as the data format on the platform's page")
    try:
        return read_fields(body)
    except BadXml as error:
        raise Refused(f"XML: {error}") from error
