"""Hand-overs while the server is killed: how many were promised, how many tickets there are, whether the database is whole.

python -m eval.handoff [--artifacts DIR] [--count 1000] [--kills 100]

The index is loaded once; each server is forked from it, killed with SIGKILL at a random moment, and forked anew. Clients
send a message with an id of its own until it is answered, as a page or a platform does.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import httpx
import uvicorn
from sqlalchemy import select

from bot.dialogue import Dialogue
from bot.handoff.tables import TicketRow
from bot.match import Matcher
from bot.policy import Policy
from bot.server import create_app
from bot.settings import read_settings
from bot.store import Store, Turn
from serve import wire

CLIENTS = 8
PATIENCE = 120.0


def _serve(matcher: Matcher, policy: Policy, url: str, listening: socket.socket) -> int:
    """A server in a forked process; its number."""
    pid = os.fork()
    if pid:
        return pid
    try:
        store = Store(url)
        config = uvicorn.Config(create_app(Dialogue(matcher, policy, store), matcher, store), log_level="critical")
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        os._exit(0)


class _Client(threading.Thread):
    """Hands over one conversation after the other, each until it is acknowledged."""

    def __init__(self, url: str, numbers: Sequence[int]) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._numbers = numbers
        self.acknowledged: dict[str, str] = {}
        self.tries = 0

    def run(self) -> None:
        for number in self._numbers:
            until = time.monotonic() + PATIENCE
            while time.monotonic() < until:
                self.tries += 1
                try:
                    body = {"text": "转人工", "session": f"s{number}", "message_id": f"m{number}"}
                    answer = httpx.post(f"{self._url}/api/ask", json=body, timeout=3)
                    if answer.status_code == 200:
                        self.acknowledged[f"s{number}"] = answer.json()["ticket"]["number"]
                        break
                except httpx.HTTPError:
                    time.sleep(0.01)


def run(matcher: Matcher, policy: Policy, folder: str, count: int, kills: int, seed: int = 11) -> dict[str, object]:
    """Kill and count."""
    url = f"sqlite:///{folder}/handoff.db"
    Store(url).close()
    listening = socket.create_server(("127.0.0.1", 0), backlog=256)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    clients = [_Client(address, range(first, count, CLIENTS)) for first in range(CLIENTS)]
    rng = random.Random(seed)  # noqa: S311
    child = _serve(matcher, policy, url, listening)
    for client in clients:
        client.start()
    killed = 0
    while any(client.is_alive() for client in clients):
        # Spread over the whole run: most kills come while something is under way.
        done = sum(len(client.acknowledged) for client in clients)
        if killed < kills and done >= killed * count // kills:
            time.sleep(rng.uniform(0, 0.03))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            killed += 1
            child = _serve(matcher, policy, url, listening)
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    listening.close()
    acknowledged = {session: number for client in clients for session, number in client.acknowledged.items()}
    store = Store(url)
    with store.reading() as session:
        tickets = Counter(session.scalars(select(TicketRow.conversation_id)))
        numbers = set(session.scalars(select(TicketRow.number)))
        turns = Counter(session.scalars(select(Turn.conversation_id)))
        whole = session.connection().exec_driver_sql("PRAGMA integrity_check").scalar_one()
    store.close()
    return {
        "handed_over": count,
        "kills": killed,
        "tries": sum(client.tries for client in clients),
        "acknowledged": len(acknowledged),
        "lost": sum(number not in numbers for number in acknowledged.values()),
        "double_tickets": sum(found > 1 for found in tickets.values()),
        "double_turns": sum(found > 1 for found in turns.values()),
        "integrity": whole,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line entry: one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--artifacts", type=Path, default=Path("artifacts"))
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=100)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        settings = read_settings().model_copy(update={"artifacts": chosen.artifacts, "database": f"sqlite:///{folder}/unused.db"})
        dialogue, matcher, store = wire(settings)
        store.close()
        print(json.dumps(run(matcher, dialogue.policy, folder, chosen.count, chosen.kills)))


if __name__ == "__main__":
    main()
