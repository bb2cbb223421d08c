"""Conversations of independent clients with a real server over the shipped bank: webot-cli in plain mode, our phone in safe mode."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bot.weixin.account import make_account
from bot.weixin.simulate import Phone
from tests.conftest import ROOT, free_port
from tests.weixin import APPID, KEY, NODE, TOKEN

SETTINGS = {"NUANXIN_WECHAT_APPID": APPID, "NUANXIN_WECHAT_TOKEN": TOKEN, "NUANXIN_WECHAT_AES_KEY": KEY}


@pytest.fixture(scope="module")
def environments(own_artifacts: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, str]]]:
    """For each mode the settings of a running server; both start at once."""
    running, found = [], {}
    for mode in ("plain", "safe"):
        port = str(free_port())
        folder = tmp_path_factory.mktemp(mode)
        found[mode] = (
            os.environ | SETTINGS | {"NUANXIN_WECHAT_MODE": mode, "NUANXIN_PORT": port, "NUANXIN_DATABASE": f"sqlite:///{folder}/a.db"}
        )
        command = [sys.executable, str(ROOT / "serve.py"), "--artifacts", str(own_artifacts)]
        running.append(subprocess.Popen(command, cwd=ROOT, env=found[mode]))
    for environment in found.values():
        for _ in range(240):
            try:
                if httpx.get(f"http://127.0.0.1:{environment['NUANXIN_PORT']}/readyz").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.25)
    yield found
    for process in running:
        process.terminate()
        process.wait(timeout=20)


def test_webot_holds_a_conversation(environments: dict[str, dict[str, str]]) -> None:
    if shutil.which("node") is None or not (NODE / "node_modules/webot-cli").is_dir():
        pytest.skip("node or webot-cli is missing (bash run.sh test installs it)")
    address = f"http://127.0.0.1:{environments['plain']['NUANXIN_PORT']}/wechat"

    def say(text: str, kind: str = "t") -> str:
        command = ["node", "node_modules/webot-cli/bin/webot", "send", kind, text, "--token", TOKEN, "--des", address, "--user", "webot-1"]
        time.sleep(1.05)  # webot numbers all messages the same: only the second in CreateTime tells them apart
        return subprocess.run(command, cwd=NODE, capture_output=True, text=True, check=True, timeout=60).stdout

    assert "暖心" in say("subscribe", "e")
    assert "依据" in (answer := say("老板不发工资咋整"))
    assert "回复1" in answer
    assert "依据" in say("1")
    assert "反馈已记下" in say("有用")
    assert "工单号" in say("转人工")


def test_the_simulator_holds_a_conversation(environments: dict[str, dict[str, str]]) -> None:
    lines = "/subscribe\n老板不发工资咋整\n1\n有用\n转人工\n/image\n"
    command = [sys.executable, "-m", "bot.weixin.simulate"]
    done = subprocess.run(command, cwd=ROOT, env=environments["safe"], input=lines, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.count("我：") == 6
    assert done.stdout.count("暖心：") == 6
    for wanted in ("我是暖心", "依据：《劳动", "反馈已记下", "工单号", "图片收到了"):
        assert wanted in done.stdout


def test_a_sum_is_played_to_the_end_over_the_wire(environments: dict[str, dict[str, str]]) -> None:
    """In safe mode, as a worker types it: what was said is not asked again, what is vague is confirmed, 转人工 stays open."""
    account = make_account(APPID, TOKEN, KEY)
    phone = Phone(f"http://127.0.0.1:{environments['safe']['NUANXIN_PORT']}/wechat", account)

    def say(text: str) -> str:
        answer = phone.say(text)
        assert answer is not None
        return answer

    assert "算一算" in say("工伤十级能赔多少钱，月工资4000元")
    first = say("算一算")
    assert "10级" in first
    assert "4,000元" in first
    assert "停工治疗" in first
    assert "可以吗" in say("大概3个月吧")
    assert "离开" in say("可以")
    assert "保险" in say("打算")
    assert "不知道" in say("交了")
    done = say("不知道")
    assert "28,000元" in done  # 工伤保险条例第三十七条: seven months for the tenth grade, 7 x 4,000
    assert "《工伤保险条例》第三十七条" in done
    assert "供您参考" in done
    assert "工单号" in say("转人工")


def test_the_server_refuses_half_filled_settings(own_artifacts: Path, tmp_path: Path) -> None:
    environment = os.environ | {
        "NUANXIN_WECHAT_APPID": APPID,
        "NUANXIN_WECHAT_TOKEN": TOKEN,
        "NUANXIN_DATABASE": f"sqlite:///{tmp_path}/a.db",
    }
    command = [sys.executable, str(ROOT / "serve.py"), "--artifacts", str(own_artifacts)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "NUANXIN_WECHAT_AES_KEY" in done.stderr
