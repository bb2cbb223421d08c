"""The database door: tables, connections, migrations; SQLite by default, any SQLAlchemy URL otherwise.

Knows rows, not what they mean to a worker.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Boolean, DateTime, Engine, ForeignKey, Index, String, Text, UniqueConstraint, create_engine, event, make_url
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from bot.errors import StoreConflict, StoreError
from bot.sealing import Sealed, read_keys, use_keys

try:
    import fcntl
except ImportError:  # not on Windows; one process serves there
    fcntl = None  # type: ignore[assignment]

READING = "nuanxin_reading"
MIGRATIONS = Path(__file__).resolve().parent / "migrations"


class Base(DeclarativeBase):
    """Root of the tables; times are UTC."""


class Conversation(Base):
    """One worker's session, the choices last offered in it, and the procedure open in it.

    Attributes:
        procedure: JSON of the open or offered procedure, empty where there is none.
        human_since: since when a human has the conversation; the bot is silent until it is None again.
    """

    __tablename__ = "conversation"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    channel: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(DateTime)
    offered: Mapped[str] = mapped_column(Text, default="")
    offered_until: Mapped[datetime | None] = mapped_column(DateTime)
    procedure: Mapped[str] = mapped_column(Sealed, default="")
    procedure_until: Mapped[datetime | None] = mapped_column(DateTime)
    human_since: Mapped[datetime | None] = mapped_column(DateTime)


class Turn(Base):
    """What a worker said and what came back, with the index version that answered.

    Attributes:
        message_id: the channel's number for the message; a second one in a conversation gets the first one's reply.
        shown: the reply as JSON, so that it can be given again.
        text: what was said, personal data masked; sealed: the very words where they differ, encrypted.
    """

    __tablename__ = "turn"
    __table_args__ = (
        UniqueConstraint("conversation_id", "message_id", name="turn_message"),
        Index("turn_figures", "at", "kind", "entry_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversation.id"), index=True)
    at: Mapped[datetime] = mapped_column(DateTime)
    text: Mapped[str] = mapped_column(Text)
    sealed: Mapped[str] = mapped_column(Sealed, default="")
    kind: Mapped[str] = mapped_column(String(16))
    reply: Mapped[str] = mapped_column(Text)
    entry_id: Mapped[str | None] = mapped_column(String(64), index=True)
    score: Mapped[float | None]
    index_version: Mapped[str] = mapped_column(String(32))
    region: Mapped[str] = mapped_column(String(64), default="")
    message_id: Mapped[str | None] = mapped_column(String(64))
    shown: Mapped[str] = mapped_column(Text, default="")


class FeedbackRow(Base):
    """A worker's or agent's word on an answer."""

    __tablename__ = "feedback"
    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[str] = mapped_column(String(64), index=True)
    entry_id: Mapped[str] = mapped_column(String(64), index=True)
    useful: Mapped[bool] = mapped_column(Boolean)
    note: Mapped[str] = mapped_column(Sealed, default="")
    at: Mapped[datetime] = mapped_column(DateTime)


class OutboxRow(Base):
    """Something for the worker that is no reply to a message: an agent's words, a notice, an answer that came late.

    Attributes:
        delivery_id: the same at every attempt, so that the other side can tell a repetition.
        kind: agent, notice or answer.
        author: the name the worker sees, empty for the bot.
        actions: JSON list of {label, say}.
        state: waiting, sent, pending_user (goes out with the worker's next message) or dead (shown at the desk).
    """

    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[str] = mapped_column(String(32), unique=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversation.id"), index=True)
    channel: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(16))
    author: Mapped[str] = mapped_column(String(64), default="")
    text: Mapped[str] = mapped_column(Sealed)
    actions: Mapped[str] = mapped_column(Text, default="[]")
    created_at: Mapped[datetime] = mapped_column(DateTime)
    state: Mapped[str] = mapped_column(String(16), index=True, default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(DateTime, index=True)
    leased_until: Mapped[datetime | None] = mapped_column(DateTime)
    sent_at: Mapped[datetime | None] = mapped_column(DateTime)
    error: Mapped[str] = mapped_column(String(200), default="")


LONGEST_QUEUE = 10.0
"""Seconds that a thread waits for its turn to write before it gives up, so that a stuck database is told."""


class _Queue:
    """Writers to one SQLite file, of this process and of others, one after the other: a lock that wakes the next at once.

    SQLite itself lets a second writer sleep and poll, up to a tenth of a second at a time.
    """

    def __init__(self, database: str | None) -> None:
        self._threads = threading.Lock()
        self._path = f"{database}.queue" if database and database != ":memory:" and fcntl is not None else ""
        self._file: tuple[int, int] = (0, -1)

    def __enter__(self) -> None:
        if not self._threads.acquire(timeout=LONGEST_QUEUE):
            raise StoreError("The database has been busy for too long.")
        if self._path:
            if self._file[0] != os.getpid():  # a file opened before a fork would be one lock for both
                self._file = os.getpid(), os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file[1], fcntl.LOCK_EX)

    def __exit__(self, *error: object) -> None:
        if self._path:
            fcntl.flock(self._file[1], fcntl.LOCK_UN)
        self._threads.release()


class Store:
    """A database brought to the newest schema.

    Args:
        url: an SQLAlchemy URL, such as sqlite:///var/nuanxin.db or postgresql://….
        keys: for the sealed columns, newest first, with commas between; empty: those in a file beside an SQLite database.

    Raises:
        StoreError: it cannot be opened or migrated.
    """

    def __init__(self, url: str, keys: str = "") -> None:
        try:
            parsed = make_url(url)
            if parsed.get_backend_name() == "sqlite" and parsed.database and parsed.database != ":memory:":
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            self._engine = create_engine(url, pool_pre_ping=parsed.get_backend_name() != "sqlite")
            self._queue: AbstractContextManager[object] = nullcontext()
            if parsed.get_backend_name() == "sqlite":
                _tune_sqlite(self._engine)
                self._queue = _Queue(parsed.database)
            self._reading = self._engine.execution_options(**{READING: True})
            use_keys(self._engine, read_keys(keys, _key_file(parsed)))
            self._migrate()
        except (SQLAlchemyError, OSError, ImportError) as error:
            shown = url.split("@")[-1]  # never the password
            raise StoreError(f"The database {shown} cannot be opened ({type(error).__name__}). Check NUANXIN_DATABASE.") from error

    def _migrate(self) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with self._engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits at the end, or rolls back on any error.

        Raises:
            StoreConflict: another transaction was first with the same key; nothing was kept, trying again may help.
            StoreError: the database refused; nothing was kept.
        """
        try:
            with self._queue, Session(self._engine, expire_on_commit=False) as session, session.begin():
                yield session
        except IntegrityError as error:
            raise StoreConflict(f"The database has that already ({type(error).__name__}).") from error
        except SQLAlchemyError as error:
            raise StoreError(f"The database refused ({type(error).__name__}).") from error

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only reads, at one state of the database, and holds up no writer.

        Raises:
            StoreError: the database refused.
        """
        try:
            with Session(self._reading, expire_on_commit=False) as session, session.begin():
                yield session
        except SQLAlchemyError as error:
            raise StoreError(f"The database refused ({type(error).__name__}).") from error

    def ping(self) -> None:
        """Raise StoreError where the database does not answer."""
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql("SELECT 1")
        except SQLAlchemyError as error:
            raise StoreError(f"The database does not answer ({type(error).__name__}).") from error

    def close(self) -> None:
        """Give back all connections."""
        self._engine.dispose()


def _key_file(url: URL) -> Path | None:
    """Where a local database keeps its key; None where several servers may share it."""
    if url.get_backend_name() != "sqlite":
        return None
    name = url.database if url.database and url.database != ":memory:" else str(Path(tempfile.mkdtemp(prefix="nuanxin-")) / "memory")
    return Path(f"{name}.key")


def _tune_sqlite(engine: Engine) -> None:
    """WAL, full syncs (an acknowledged row survives a power cut), and writers that queue instead of failing."""

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, record: object) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late for BEGIN IMMEDIATE
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(READING) else "BEGIN IMMEDIATE")
