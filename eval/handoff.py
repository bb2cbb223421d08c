"""Hand-overs while the server is killed: how many were promised, how many tickets there are, whether the database is whole.

python -m eval.handoff [--artifacts DIR] [--count 1000] [--kills 100]

The index is loaded once; each server is forked from it, killed with SIGKILL at a random moment, and forked anew. Clients
send a message with an id of its own until it is answered, as a page or a platform does.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import signal
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
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
    """Hands over one conversation after the other, each until it is acknowledged; tells each acknowledgement."""

    def __init__(self, url: str, numbers: Sequence[int], tell: Callable[[str, str], None]) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._numbers = numbers
        self._tell = tell
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
                        self._tell(f"s{number}", answer.json()["ticket"]["number"])
                        break
                except httpx.HTTPError:
                    time.sleep(0.01)


def _ask(url: str, count: int, told: Connection) -> None:
    """All clients, in a process of their own: sends each acknowledgement, at the end the number of tries."""
    sending = threading.Lock()

    def tell(session: str, number: str) -> None:
        with sending:
            told.send((session, number))

    clients = [_Client(url, range(first, count, CLIENTS), tell) for first in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    told.send(sum(client.tries for client in clients))


def run(matcher: Matcher, policy: Policy, folder: str, count: int, kills: int, seed: int = 11) -> dict[str, object]:
    """Kill and count."""
    url = f"sqlite:///{folder}/handoff.db"
    Store(url).close()
    listening = socket.create_server(("127.0.0.1", 0), backlog=256)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    rng = random.Random(seed)  # noqa: S311
    # The clients have threads. This process has none: what is forked while another thread holds a lock keeps it locked for ever.
    anew = multiprocessing.get_context("spawn")
    heard, told = anew.Pipe(duplex=False)
    clients = anew.Process(target=_ask, args=(address, count, told))
    clients.start()
    told.close()
    child = _serve(matcher, policy, url, listening)
    acknowledged: dict[str, str] = {}
    tries = killed = 0
    while not tries:
        while heard.poll(0.002):
            found = heard.recv()
            if isinstance(found, int):
                tries = found
                break
            acknowledged[found[0]] = found[1]
        # Spread over the whole run: most kills come while something is under way.
        if killed < kills and len(acknowledged) >= killed * count // kills:
            time.sleep(rng.uniform(0, 0.03))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            killed += 1
            child = _serve(matcher, policy, url, listening)
    clients.join()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    listening.close()
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
        "tries": tries,
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
