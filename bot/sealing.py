"""Columns whose text is encrypted in the database; the only place that knows how.

Fernet (AES-128-CBC with HMAC-SHA256, https://github.com/fernet/spec) from the cryptography library. The first key
encrypts, all decrypt, so that a key can be changed. The keys stand on the engine's dialect: two stores, two keys.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Dialect, Engine, Text
from sqlalchemy.types import TypeDecorator

from bot.errors import StoreError

_MARK = "sealed:"


def read_keys(given: str, beside: Path | None) -> list[str]:
    """The keys of a store: those given (newest first, with commas between), or the file beside a local database, made where missing.

    Raises:
        StoreError: no key is given and there is no place to keep one, or a key is no Fernet key.
    """
    keys = [key.strip() for key in given.split(",") if key.strip()]
    if not keys and beside is None:
        raise StoreError(
            "NUANXIN_DATA_KEY is empty: several servers share this database, so they need the same key. "
            'Make one: python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'
        )
    if not keys and beside is not None:
        if not beside.exists():
            file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(file, "w", encoding="ascii") as opened:
                opened.write(Fernet.generate_key().decode() + "\n")
        keys = [line for line in beside.read_text(encoding="ascii").split() if line]
    for key in keys:
        try:
            Fernet(key)
        except ValueError as error:
            raise StoreError("NUANXIN_DATA_KEY holds something that is no Fernet key (32 bytes in url-safe base64).") from error
    return keys


def use_keys(engine: Engine, keys: Sequence[str]) -> None:
    """Let the sealed columns of this engine use these keys; the first encrypts."""
    engine.dialect.nuanxin_keys = MultiFernet([Fernet(key) for key in keys])  # type: ignore[attr-defined]


class Sealed(TypeDecorator[str]):
    """Text that stands encrypted in the database; empty text stands empty, and text from before encryption is read as it is."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Encrypt."""
        if not value:
            return value
        keys: MultiFernet = dialect.nuanxin_keys  # type: ignore[attr-defined]
        return _MARK + keys.encrypt(value.encode()).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Decrypt.

        Raises:
            StoreError: none of the keys fits.
        """
        if not value or not value.startswith(_MARK):
            return value
        keys: MultiFernet = dialect.nuanxin_keys  # type: ignore[attr-defined]
        try:
            return keys.decrypt(value[len(_MARK) :].encode()).decode()
        except InvalidToken as error:
            raise StoreError("A sealed value cannot be opened: NUANXIN_DATA_KEY is not the key it was sealed with.") from error
