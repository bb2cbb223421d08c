"""What is acknowledged survives: a server killed in mid hand-over, a full, locked or read-only database (trials 11 and 23)."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, select

from bot.dialogue import Dialogue
from bot.handoff.tables import TicketRow
from bot.match import Matcher
from bot.policy import Policy
from bot.server import create_app
from bot.store import Store
from tests.conftest import ROOT, start_server
from tests.test_personal_data import synthetic


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


def test_a_real_server_writes_no_number_into_its_log_or_figures(artifacts: Path, tmp_path: Path) -> None:
    """Trial 19: in messages, in addresses, in what cannot be read; every line of the log is JSON (trial 20)."""
    log = tmp_path / "log"
    process, url = start_server(artifacts, tmp_path, log)
    try:
        with httpx.Client(base_url=url, timeout=10) as client:
            some = synthetic(300)
            for number, (digits, sentence) in enumerate(some):
                client.post("/api/ask", json={"text": sentence, "session": f"s{number % 50}"})
                if number % 3 == 0:
                    client.get("/api/lookup", params={"q": sentence})
                    client.get(f"/q/{digits}")
                    client.get(f"/nothing/{digits}", params={"phone": digits})
                    client.post("/api/ask", json={"text": sentence, digits: 1})
                    client.post("/api/ask", content=sentence.encode("gbk", "ignore"))
                    client.post("/wechat", params={"openid": digits}, content=sentence.encode())
                    client.post("/desk/api/session", json={"name": digits[:11], "password": digits})
            figures = client.get("/metrics").text
    finally:
        process.terminate()
        process.wait(timeout=20)
    written = log.read_text(encoding="utf-8")
    for digits, sentence in some:
        for text in (written, figures):
            assert digits not in text
            assert sentence not in text
    lines = [line for line in written.splitlines() if not line.startswith("暖心已就绪")]
    assert all(json.loads(line)["text"] for line in lines)


def is_alive(process: psutil.Process) -> bool:
    """Whether a process still runs: one that is dead and not yet cleared away does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_killed_process_of_the_server_is_replaced_and_no_request_is_lost(artifacts: Path, tmp_path: Path) -> None:
    process, url = start_server(artifacts, tmp_path, tmp_path / "log")
    try:
        parent = psutil.Process(process.pid)
        for _ in range(100):
            if len(parent.children()) == 2:
                break
            time.sleep(0.1)
        before = {child.pid for child in parent.children()}
        assert len(before) == 2
        killed = psutil.Process(min(before))
        os.kill(killed.pid, signal.SIGKILL)
        while is_alive(killed):  # the signal takes a moment, in which it may still accept what dies with it
            time.sleep(0.01)
        answers = [httpx.post(f"{url}/api/ask", json={"text": "老板不发工资咋整"}, timeout=20).json()["kind"] for _ in range(20)]
        assert answers == ["answer"] * 20
        for _ in range(100):
            if len({child.pid for child in parent.children()} - before) == 1:
                break
            time.sleep(0.1)
        assert len(parent.children()) == 2
    finally:
        process.terminate()
        assert process.wait(timeout=20) == 0
