"""Both pages in headless Chromium, driven by the keyboard, with Chinese text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect


def open_page(browser: Browser, url: str, width: int, height: int) -> Page:
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.problems = problems  # type: ignore[attr-defined]
    page.goto(url)
    return page


@pytest.fixture
def chat(browser: Browser, server: str) -> Iterator[Page]:
    page = open_page(browser, server + "/", 390, 844)
    yield page
    assert page.problems == []  # type: ignore[attr-defined]
    page.context.close()


@pytest.fixture
def desk(browser: Browser, server: str) -> Iterator[Page]:
    page = open_page(browser, server + "/agent", 1366, 768)
    yield page
    assert page.problems == []  # type: ignore[attr-defined]
    page.context.close()


def say(page: Page, text: str) -> None:
    page.locator("#text").focus()
    page.keyboard.insert_text(text)
    page.keyboard.press("Enter")
    expect(page.locator(".waiting")).to_have_count(0)


def test_a_worker_asks_and_is_answered(chat: Page, tmp_path: Path) -> None:
    say(chat, "老板不发工资咋整")
    turn = chat.locator(".turn.answer").last
    expect(turn).to_contain_text("工资")
    turn.get_by_text("法律依据").click()
    expect(turn.locator(".law-text").first).to_be_visible()
    turn.get_by_role("button", name="有用").click()
    expect(turn.locator(".useful")).to_contain_text("谢谢")
    assert chat.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways on a phone"
    chat.screenshot(path=tmp_path / "chat.png")


def test_a_human_is_always_in_reach(chat: Page) -> None:
    chat.get_by_role("button", name="转人工", exact=True).click()
    expect(chat.locator(".turn.handoff .ticket")).to_contain_text("待受理")


def test_choices_are_buttons(chat: Page, server: str) -> None:
    for text in ("工伤", "社保", "加班", "合同", "工资", "公积金"):
        say(chat, text)
        if chat.locator(".turn.clarify").count():
            break
    turn = chat.locator(".turn.clarify").last
    first = turn.locator(".choices button").first
    question = first.inner_text().split(". ", 1)[1]
    first.press("Enter")
    expect(chat.locator(".turn.answer .asked").first).to_have_text(question)


def test_enter_while_composing_does_not_send(chat: Page) -> None:
    chat.locator("#text").focus()
    chat.keyboard.insert_text("欠薪")
    chat.evaluate(
        """() => document.getElementById('text').dispatchEvent(
            new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true, cancelable: true}))"""
    )
    expect(chat.locator(".mine")).to_have_count(0)
    chat.keyboard.press("Enter")
    expect(chat.locator(".mine")).to_have_count(1)
    expect(chat.locator(".waiting")).to_have_count(0)


@pytest.mark.parametrize("text", ["<img src=x onerror=window.__x=1>", "<script>window.__x=1</script>", "'\"><svg onload=window.__x=1>"])
def test_what_is_typed_is_shown_as_typed(chat: Page, text: str) -> None:
    say(chat, text)
    expect(chat.locator(".mine").last).to_have_text(text)
    assert chat.evaluate("window.__x === undefined")


def test_an_agent_looks_up_by_keyboard_alone(desk: Page, tmp_path: Path) -> None:
    assert desk.evaluate("document.activeElement.shadowRoot.activeElement.tagName") == "INPUT"
    desk.keyboard.insert_text("失业金 领取")
    expect(desk.locator(".row").first).to_be_visible()
    assert desk.locator("mark").count() > 0
    expect(desk.locator(".laws .law").first).to_be_visible()
    questions = desk.locator(".row b").all_inner_texts()
    desk.keyboard.press("ArrowDown")
    expect(desk.locator(".answer h2")).to_have_text(questions[1])
    desk.keyboard.press("Alt+3")
    expect(desk.locator(".answer h2")).to_have_text(questions[2])
    desk.keyboard.press("Enter")
    expect(desk.locator(".toast.on")).to_have_text("已复制")
    desk.screenshot(path=tmp_path / "agent.png")
    desk.keyboard.press("Escape")
    expect(desk.locator(".row")).to_have_count(0)


def test_results_wait_for_the_input_method(desk: Page) -> None:
    desk.evaluate(
        """() => { const input = document.activeElement.shadowRoot.activeElement;
            input.dispatchEvent(new CompositionEvent('compositionstart'));
            input.value = "gong'shang";
            input.dispatchEvent(new InputEvent('input', {isComposing: true})); }"""
    )
    desk.wait_for_timeout(300)
    expect(desk.locator(".row")).to_have_count(0)
    desk.evaluate(
        """() => { const input = document.activeElement.shadowRoot.activeElement;
            input.value = '失业金'; input.dispatchEvent(new CompositionEvent('compositionend')); }"""
    )
    expect(desk.locator(".row").first).to_be_visible()


def test_slash_comes_back_to_the_box(desk: Page) -> None:
    desk.evaluate("document.activeElement.blur()")
    desk.keyboard.press("/")
    assert desk.evaluate("document.activeElement.shadowRoot.activeElement.tagName") == "INPUT"


def test_embedded_it_keeps_to_itself(browser: Browser, server: str) -> None:
    page = open_page(browser, server + "/embed", 1024, 800)
    page.locator("faq-lookup input").focus()
    page.keyboard.insert_text("失业金")
    expect(page.locator("faq-lookup .row").first).to_be_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).fontFamily") == "serif"
    assert page.problems == []  # type: ignore[attr-defined]
    page.context.close()
