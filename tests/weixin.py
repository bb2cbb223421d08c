"""What the WeChat tests share: an account, the node peers, a phone."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bot.weixin.account import Account, make_account

NODE = Path(__file__).resolve().parent / "node"
KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
OLD_KEY = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
APPID = "wx0123456789abcdef"
TOKEN = "token-of-the-tests"
ACCOUNT = make_account(APPID, TOKEN, KEY, OLD_KEY)
PLAIN = Account(APPID, TOKEN, (), "plain")


def ask_node(jobs: list[dict[str, Any]]) -> list[Any]:
    """Results of jobs by tests/node/peer.js; skips where node or its packages are missing."""
    if shutil.which("node") is None or not (NODE / "node_modules").is_dir():
        pytest.skip("node or tests/node/node_modules is missing (bash run.sh test installs it): independent clients cannot be asked")
    done = subprocess.run(["node", "peer.js"], cwd=NODE, input=json.dumps(jobs), capture_output=True, text=True, check=True, timeout=120)
    return list(json.loads(done.stdout))
