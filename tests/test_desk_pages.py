"""The desk in headless Chromium: the whole story, the keyboard, hostile text, accessibility (shows 1, 4, 5 and trial 18)."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from bot.encoder import SentenceEncoder
from bot.index import build
from knowledge.records import Citation, Entry
from tests.conftest import ROOT, start_server
from tests.human import PASSWORD
from tests.test_pages import open_page

ACCOUNTS = (
    ("lixia", "张晓兰", "agent", "370102"),
    ("boss", "李建国", "supervisor", "370000"),
    ("chief", "王主任", "admin", "370000"),
)


@pytest.fixture(scope="module")
def desk_server(own_artifacts: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of its own with three accounts, made as a union makes them: by the command."""
    folder = tmp_path_factory.mktemp("desk")
    environment = os.environ | {"NUANXIN_DATABASE": f"sqlite:///{folder}/server.db"}
    for name, shown, role, region in ACCOUNTS:
        command = [sys.executable, "-m", "bot.desk.manage", "add", name, "--shown", shown, "--role", role, "--region", region]
        subprocess.run(command, cwd=ROOT, env=environment, input=PASSWORD + "\n", text=True, check=True, capture_output=True)
    process, url = start_server(own_artifacts, folder)
    yield url
    process.terminate()
    process.wait(timeout=20)


def sign_in(browser: Browser, url: str, name: str, path: str = "/agent") -> Page:
    page = open_page(browser, f"{url}/desk/sign-in", 1366, 768)
    page.get_by_label("登录名").fill(name)
    page.get_by_label("密码").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/agent")
    if path != "/agent":
        page.goto(url + path)
    return page


def say(chat: Page, text: str) -> str:
    """The bot's next reply."""
    before = chat.locator(".turn.bot").count()
    chat.locator("#text").fill(text)
    chat.keyboard.press("Enter")
    expect(chat.locator(".turn.bot:not(.waiting)")).to_have_count(before + 1)
    return chat.locator(".turn.bot").last.inner_text()


def test_the_whole_story(browser: Browser, desk_server: str, tmp_path: Path) -> None:
    """A complaint in the chat, seen live, claimed, answered, rated, closed and counted."""
    agent = sign_in(browser, desk_server, "lixia")
    expect(agent.locator(".views button").first).to_contain_text("待受理")
    chat = open_page(browser, desk_server + "/", 390, 844)
    assert "什么事" in say(chat, "我要投诉")
    say(chat, "工地拖欠三个月工资")
    say(chat, "宏达建筑公司")
    assert "时候" in say(chat, "济南历下区")
    for answer in ("今年6月到现在", "每人两万", "5"):
        say(chat, answer)
    assert "138****8000" in say(chat, "13800138000")
    done = say(chat, "提交")
    number = done[done.index("NX") : done.index("NX") + 17]
    assert "济南市历下区" in done
    expect(agent.locator(".card")).to_contain_text(number, timeout=5000)  # live, nothing was clicked
    agent.locator("#list").focus()
    agent.keyboard.press("Enter")
    expect(agent.locator("#ticket")).to_contain_text("138****8000")
    expect(agent.locator("#ticket")).not_to_contain_text("13800138000")
    agent.keyboard.press("c")
    expect(agent.locator("#words")).to_be_focused()
    agent.keyboard.press("Control+k")
    agent.keyboard.type("拖欠工资 工地")
    expect(agent.locator("faq-lookup .row").first).to_be_visible()
    agent.keyboard.press("Enter")
    expect(agent.locator("#words")).not_to_have_value("")
    agent.keyboard.press("Control+Enter")
    expect(chat.locator(".turn.agent").first).to_contain_text("张晓兰", timeout=8000)
    chat.locator("#text").fill("好的，我这就去")
    chat.keyboard.press("Enter")
    expect(agent.locator(".line.worker").last).to_contain_text("好的，我这就去", timeout=5000)
    expect(chat.locator(".turn.waiting")).to_have_count(0)  # the bot stays silent
    agent.get_by_role("tab", name="信息").click()
    agent.get_by_role("button", name="显示完整信息").click()
    expect(agent.locator("#pane-facts")).to_contain_text("13800138000")
    agent.locator("#list").focus()
    agent.keyboard.press("e")
    expect(agent.locator("dialog")).to_be_visible()
    agent.keyboard.press("Control+Enter")
    expect(agent.locator("#ticket")).to_contain_text("回访")
    chat.get_by_role("button", name="基本满意").click(timeout=8000)
    expect(chat.locator(".turn.bot").last).to_contain_text("已结案")
    expect(agent.locator("#ticket h2")).to_contain_text("已结案", timeout=5000)
    agent.get_by_role("tab", name="经过").click()
    for step in ("工单生成", "受理", "答复工人", "查看个人信息", "办理完毕", "工人评价", "结案"):
        expect(agent.locator("#pane-history")).to_contain_text(step)
    boss = sign_in(browser, desk_server, "boss", "/desk/stats")
    expect(boss.locator("#tiles")).to_contain_text("山东省工单")
    expect(boss.locator("#panels")).to_contain_text("投诉登记")
    expect(boss.locator("#tiles .tile", has_text="满意率")).to_contain_text("100.0%")
    with boss.expect_download() as download:
        boss.get_by_role("link", name="导出 Excel").click()
    download.value.save_as(tmp_path / "f.xlsx")
    assert "xl/workbook.xml" in zipfile.ZipFile(BytesIO((tmp_path / "f.xlsx").read_bytes())).namelist()
    metrics = httpx.get(desk_server + "/metrics").text
    assert 'nuanxin_ratings{rating="基本满意"} 1.0' in metrics
    assert 'nuanxin_turns_24h{kind="human"} 1.0' in metrics
    assert 'nuanxin_conversations_24h{channel="web"}' in metrics
    assert "13800138000" not in metrics
    for page in (agent, chat, boss):
        assert page.problems == []  # type: ignore[attr-defined]
        page.context.close()


def test_a_sum_is_worked_out_at_the_desk(browser: Browser, desk_server: str) -> None:
    agent = sign_in(browser, desk_server, "lixia")
    agent.get_by_role("tab", name="算一算").click()
    agent.get_by_label("算哪一项").select_option("overtime")
    agent.locator("#pane-sum select[name=kind]").select_option("restday")
    agent.locator("#pane-sum [name=hours]").fill("8")
    agent.locator("#pane-sum [name=wage]").fill("4350")
    agent.get_by_role("button", name="算", exact=True).click()
    expect(agent.locator(".sum-result")).to_contain_text("劳动法")
    expect(agent.locator(".sum-result")).to_contain_text("400")
    agent.context.close()


def test_a_phone_call_is_typed_without_the_mouse(browser: Browser, desk_server: str) -> None:
    agent = sign_in(browser, desk_server, "lixia")
    expect(agent.locator(".views button").first).to_be_visible()
    agent.keyboard.press("p")
    expect(agent.locator("dialog")).to_be_visible()
    agent.keyboard.type("电焊没有防护")
    for text in ("某机械厂", "历下区", "一直", "", "3", "13900001111"):
        agent.keyboard.press("Tab")
        agent.keyboard.type(text)
    agent.keyboard.press("Control+Enter")
    expect(agent.locator("#ticket")).to_contain_text("电焊没有防护")
    expect(agent.locator("#ticket")).to_contain_text("电话登记")
    expect(agent.locator("#ticket")).not_to_contain_text("13900001111")
    assert agent.problems == []  # type: ignore[attr-defined]
    agent.context.close()


PIECES = (
    "<script>window.__x=1</script>",
    "<img src=x onerror=window.__x=1>",
    "<svg onload=window.__x=1>",
    '"><script>window.__x=1</script>',
    "'-window.__x=1-'",
    "javascript:window.__x=1",
    "<a href=javascript:window.__x=1>点</a>",
    "<iframe srcdoc='<script>parent.__x=1</script>'>",
    "${window.__x=1}",
    "{{constructor.constructor('window.__x=1')()}}",
    "<details open ontoggle=window.__x=1>",
    "<body onload=window.__x=1>",
    "<math><mtext></mtext><mglyph><style><img src=x onerror=window.__x=1>",
    "<template><script>window.__x=1</script></template>",
    "<input autofocus onfocus=window.__x=1>",
)
PAYLOADS = tuple(frame.format(piece) for piece in PIECES for frame in ("{}", "老板{}不发工资", "</textarea>{}", "<!--{}-->"))


def test_sixty_hostile_texts_are_shown_and_never_run(browser: Browser, desk_server: str) -> None:
    """As a worker's words, as what intake gathers, as an agent's words and notes, in the statistics and the export."""
    assert len(PAYLOADS) == 60
    boss = sign_in(browser, desk_server, "boss")
    violations: list[str] = []
    boss.on("dialog", lambda dialog: violations.append(dialog.message))
    result = boss.evaluate(
        """async (payloads) => {
          const token = (await (await fetch('/desk/api/me')).json()).csrf;
          const kind = {'Content-Type': 'application/json'};
          const post = (url, body, more = {}) => fetch(url, {method: 'POST', headers: {...kind, ...more}, body: JSON.stringify(body)});
          const numbers = [];
          for (const [at, text] of payloads.entries()) {
            await post('/api/ask', {text, session: `x${at}`, region: text.slice(0, 60)});
            const body = {matter: text, employer: text, place: '历下区', period: text, amount: text, contact: text, take: true};
            const made = await (await post('/desk/api/tickets', body, {'X-CSRF-Token': token})).json();
            await post(`/desk/api/tickets/${made.number}/note`, {text}, {'X-CSRF-Token': token});
            numbers.push(made.number);
          }
          return numbers;
        }""",
        list(PAYLOADS),
    )
    assert len(result) == 60
    boss.reload()
    boss.keyboard.press("6")
    expect(boss.locator(".card").first).to_be_visible()
    for number, payload in zip(result[::6], PAYLOADS[::6], strict=True):
        boss.locator("#search").fill(number)
        boss.locator(".card", has_text=number).click()
        expect(boss.locator(".line.worker").first).to_contain_text(payload)
        expect(boss.locator(".line.note").first).to_contain_text(payload)
        boss.get_by_role("tab", name="信息").click()
        expect(boss.locator("#pane-facts")).to_contain_text(payload)
        assert boss.evaluate("window.__x") is None
    stats = sign_in(browser, desk_server, "boss", "/desk/stats")
    expect(stats.locator("#panels")).to_contain_text("<")
    assert stats.evaluate("window.__x") is None
    chat = open_page(browser, desk_server + "/", 390, 844)
    for payload in PAYLOADS[::10]:
        say(chat, payload)
        assert payload in chat.locator(".turn.mine").last.inner_text()
    assert chat.evaluate("window.__x") is None
    assert violations == []
    for page in (boss, stats, chat):
        assert [line for line in page.problems if "Content Security Policy" in line or "__x" in line] == []  # type: ignore[attr-defined]
        page.context.close()


def test_a_bank_of_hostile_texts_is_shown_and_never_run(
    browser: Browser, encoder: SentenceEncoder, context: SentenceEncoder, tmp_path: Path
) -> None:
    """An imported bank may hold anything: in the chat, the lookup, the embedded lookup and an answer's own page."""
    entries = [
        Entry(
            f"x-{n}",
            f"{payload} 第{n}题",
            topic=payload,
            short=payload,
            answer=f"{payload} 答{n}",
            next=(payload,),
            basis=(Citation(payload, "第一条"),),
        )
        for n, payload in enumerate(PAYLOADS)
    ]
    build(entries, [], encoder, tmp_path / "index", {"payloads": "-"}, context=context)
    process, url = start_server(tmp_path / "index", tmp_path)
    try:
        for number in range(0, 60, 7):
            page = open_page(browser, f"{url}/q/x-{number}", 1366, 768)
            expect(page.locator("main")).to_contain_text(PAYLOADS[number])
            page.goto(url + "/lookup")
            page.keyboard.type(f"{PAYLOADS[number]} 第{number}题")
            expect(page.locator("faq-lookup .answer")).to_contain_text(f"答{number}")
            page.goto(url + "/embed")
            page.goto(url + "/")
            assert "__x" in say(page, f"{PAYLOADS[number]} 第{number}题")
            assert page.evaluate("window.__x") is None
            assert [line for line in page.problems if "Content Security Policy" in line] == []  # type: ignore[attr-defined]
            page.context.close()
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("", "/"),
        ("", "/lookup"),
        ("", "/desk/sign-in"),
        ("", "/embed"),
        ("", "/q/wage-001"),
        ("boss", "/agent"),
        ("boss", "/desk/stats"),
        ("chief", "/desk/accounts"),
    ],
)
def test_no_page_has_a_serious_accessibility_finding(browser: Browser, desk_server: str, name: str, path: str) -> None:
    page = sign_in(browser, desk_server, name, path) if name else open_page(browser, desk_server + path, 1366, 768)
    page.wait_for_timeout(800)
    if path == "/agent":
        page.keyboard.press("6")
        page.wait_for_timeout(300)
        page.keyboard.press("Enter")
        page.wait_for_timeout(500)
    if path == "/":
        say(page, "老板不发工资咋整")
    found = Axe().run(page).response["violations"]
    serious = [(one["id"], [node["html"][:120] for node in one["nodes"]][:3]) for one in found if one["impact"] in ("serious", "critical")]
    assert serious == []
    page.context.close()
