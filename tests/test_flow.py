"""One question end to end: the shipped bank, a real server, HTTP."""

import re

import httpx

from bot import wording
from knowledge import checks


def ask(server: str, text: str, **more: str) -> dict[str, object]:
    return dict(httpx.post(f"{server}/api/ask", json={"text": text, **more}).raise_for_status().json())


def test_unpaid_wages_with_the_exact_article(server: str) -> None:
    reply = ask(server, "老板不发工资咋整")
    assert reply["kind"] == "answer"
    assert str(reply["entry"]["id"]).startswith("wage-")  # type: ignore[index]
    basis = {f"{b['law']}{b['article']}": b for b in reply["basis"]}  # type: ignore[attr-defined]
    assert basis
    assert all(article["text"] for article in basis.values())
    assert any(name.startswith(("劳动合同法第三十条", "劳动法第五十条", "劳动合同法第八十五条")) for name in basis)


def test_the_weather_is_not_answered(server: str) -> None:
    for text in ("今天天气怎么样", "苹果手机多少钱", "帮我写首诗"):
        assert ask(server, text)["kind"] != "answer"


def test_every_question_that_we_suggest_is_answered(server: str) -> None:
    """What the welcome, the menu and the chat's buttons offer: a worker who takes it is not asked back."""
    script = httpx.get(f"{server}/static/chat.js").text
    buttons = re.findall(r'"([^"]+)"', script[script.index("for (const text of [") : script.index("]) quick.append")])
    lines = [line[1:].strip() for text in (wording.WELCOME, wording.COMMON) for line in text.splitlines() if line.startswith("·")]
    assert len(buttons) == 5
    assert len(lines) == 9
    assert [text for text in {*buttons, *lines} if ask(server, text)["kind"] != "answer"] == []


def test_every_answer_is_in_the_bank(server: str) -> None:
    lookup = httpx.get(f"{server}/api/lookup", params={"q": "工资", "k": 30}).json()
    for entry in lookup["entries"]:
        reply = ask(server, entry["question"])
        assert reply["kind"] in {"answer", "clarify"}
        if reply["kind"] == "answer" and reply["entry"]["id"] == entry["entry_id"]:  # type: ignore[index]
            assert reply["text"] == entry["answer"]


def test_the_bank_passes_its_checks() -> None:
    assert checks.run() == 0
