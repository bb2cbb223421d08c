"""What is acknowledged survives: a server killed in mid hand-over, a full, locked or read-only database (trials 11 and 23)."""

import json
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, select

from bot.dialogue import Dialogue
from bot.handoff.tables import TicketRow
from bot.match import Matcher
from bot.policy import Policy
from bot.server import create_app
from bot.store import Store
from tests.conftest import ROOT


def test_a_server_killed_while_handing_over_loses_and_doubles_nothing(artifacts: Path) -> None:
    """A tenth of the figure's run (`python -m eval.handoff`): 100 hand-overs, 10 kills."""
    command = [sys.executable, "-m", "eval.handoff", "--artifacts", str(artifacts), "--count", "100", "--kills", "10"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=200)
    figures = json.loads(done.stdout)
    assert figures["kills"] == 10
    assert figures["tries"] > 100  # some were cut off and sent again
    assert {name: figures[name] for name in ("acknowledged", "lost", "double_tickets", "double_turns", "integrity")} == {
        "acknowledged": 100,
        "lost": 0,
        "double_tickets": 0,
        "double_turns": 0,
        "integrity": "ok",
    }


@pytest.fixture
def client(matcher: Matcher, policy: Policy, store: Store) -> TestClient:
    return TestClient(create_app(Dialogue(matcher, policy, store), matcher, store), raise_server_exceptions=False)


def hand_over(client: TestClient, session: str) -> Any:
    return client.post("/api/ask", json={"text": "转人工", "session": session})


def whole(store: Store, kept: int) -> None:
    with store.reading() as session:
        assert session.connection().exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
        assert len(session.scalars(select(TicketRow.id)).all()) == kept


@pytest.mark.parametrize("pragma", ["max_page_count=1", "query_only=ON"])
def test_a_full_or_read_only_database_is_told_and_keeps_what_it_has(client: TestClient, store: Store, pragma: str) -> None:
    assert hand_over(client, "before").status_code == 200
    store.close()

    def spoil(connection: Any, record: object) -> None:
        connection.execute(f"PRAGMA {pragma}")  # no page more than the file has; or no write at all

    event.listen(store._engine, "connect", spoil)
    failed = 0
    for number in range(60):  # a full file has some room left inside its last pages
        answer = hand_over(client, f"s{number}")
        if answer.status_code != 200:
            failed += 1
            assert answer.status_code == 503
            assert answer.headers["Retry-After"] == "5"
            assert "12351" in answer.json()["detail"]
    assert failed
    event.remove(store._engine, "connect", spoil)
    store.close()
    whole(store, 1 + 60 - failed)
    assert hand_over(client, "after").status_code == 200


def test_a_locked_database_is_told_in_time_and_recovers(client: TestClient, store: Store, tmp_path: Path) -> None:
    assert hand_over(client, "before").status_code == 200
    locker = sqlite3.connect(tmp_path / "test.db", isolation_level=None, check_same_thread=False)
    locker.execute("BEGIN IMMEDIATE")
    release = threading.Timer(8.0, lambda: locker.execute("ROLLBACK"))
    release.start()
    began = time.monotonic()
    answer = hand_over(client, "during")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert time.monotonic() - began < 7
    release.join()
    assert hand_over(client, "during").status_code == 200
    locker.close()
    whole(store, 2)
