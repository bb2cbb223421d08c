"""Time /api/ask in a server of its own: 1,000 mixed questions, one client; prints one JSON object.

python -m eval.bench [--artifacts DIR] [--questions FILE.jsonl]
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path

import psutil

from eval.metrics import latency_figures
from knowledge.bank import read_bank

ROOT = Path(__file__).resolve().parent.parent
OUTSIDE = ("今天天气怎么样", "转人工", "给我讲个笑话", "1", "离婚财产怎么分", "asdf", "苹果手机多少钱")


def mixed_questions(path: Path | None, count: int) -> list[str]:
    """Questions of a JSONL file (`query` or `question`), or the bank's own wordings; some outside ones among them."""
    if path is not None:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        texts = [str(row.get("query") or row.get("question")) for row in rows]
    else:
        texts = [wording for entry in read_bank([ROOT / "knowledge/data/bank"])[0] for wording in entry.wordings]
    step = max(1, len(texts) // count)
    texts = [*texts[::step], *OUTSIDE]
    return [texts[n * 7919 % len(texts)] for n in range(count)]  # a fixed mix: 7919 is prime


def run(artifacts: Path, questions: list[str]) -> dict[str, object]:
    """Start a server, ask everything once, and measure from outside."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"NUANXIN_DATABASE": f"sqlite:///{folder}/bench.db"}
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "serve.py"), "--artifacts", str(artifacts), "--port", str(port)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
        )
        try:
            wait_until_ready(f"http://127.0.0.1:{port}/readyz", process)
            ready = time.perf_counter() - began
            times = _ask_all(port, questions)
            memory = memory_of_tree(process.pid) / 2**20
        finally:
            process.terminate()
            process.wait(timeout=20)
    return {
        "questions": len(questions),
        "ask_ms": latency_figures(times),
        "ready_s": round(ready, 2),
        "resident_mb": round(memory),
    }


def memory_of_tree(pid: int) -> int:
    """Bytes resident of a process and all its children; what they share is counted once (PSS, where the system tells it)."""
    parent = psutil.Process(pid)
    return sum(getattr(full := one.memory_full_info(), "pss", full.rss) for one in (parent, *parent.children(recursive=True)))


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Until an address answers 200.

    Raises:
        RuntimeError: the process stopped, or a minute went by.
    """
    for _ in range(1200):
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, ConnectionError):
            if process.poll() is not None:
                raise RuntimeError("the server stopped instead of starting") from None
            time.sleep(0.05)
    raise RuntimeError("the server was not ready within a minute")


def _ask_all(port: int, questions: list[str]) -> list[float]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    times = []
    for text in ["预热", *questions]:
        body = json.dumps({"text": text}).encode()
        began = time.perf_counter()
        connection.request("POST", "/api/ask", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        times.append((time.perf_counter() - began) * 1000)
        if response.status != 200:
            raise RuntimeError(f"status {response.status}")
    return times[1:]


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--artifacts", type=Path, default=ROOT / "artifacts")
    parser.add_argument("--questions", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    chosen = parser.parse_args(arguments)
    print(json.dumps(run(chosen.artifacts, mixed_questions(chosen.questions, chosen.count))))


if __name__ == "__main__":
    main()
