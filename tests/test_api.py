"""The HTTP contract, kept stable."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from bot.dialogue import Dialogue
from bot.match import Matcher
from bot.server import create_app
from bot.store import Store


@pytest.fixture
def client(dialogue: Dialogue, matcher: Matcher, store: Store) -> Iterator[TestClient]:
    with TestClient(create_app(dialogue, matcher, store), raise_server_exceptions=False) as opened:
        yield opened


def test_ask_answers_with_the_law(client: TestClient) -> None:
    body = client.post("/api/ask", json={"text": "老板不发工资咋整"}).json()
    assert {"kind", "text", "entry", "choices", "basis", "related", "ticket", "session", "index"} <= set(body)
    assert body["kind"] == "answer"
    assert (body["entry"]["id"], body["entry"]["question"]) == ("wage-1", "单位拖欠工资怎么办")
    assert body["basis"][0] == {
        "law": "劳动合同法",
        "article": "第三十条",
        "text": "单位要按时足额发工资。",
        "status": "in_force",
        "is_digest": False,
    }
    assert body["related"][0]["entry_id"] == "leave-1"
    assert body["ticket"] is None
    again = client.post("/api/ask", json={"text": "1", "session": body["session"]}).json()
    assert again["entry"]["id"] == "leave-1"
    assert again["session"] == body["session"]


def test_ask_asks_back_and_hands_over(client: TestClient) -> None:
    body = client.post("/api/ask", json={"text": "试用期几个月", "region": "山东省济南市"}).json()
    assert body["kind"] == "clarify"
    assert 1 <= len(body["choices"]) <= 3
    assert {"entry_id", "question", "score"} == set(body["choices"][0])
    chosen = client.post("/api/ask", json={"text": "第一个", "session": body["session"]}).json()
    assert chosen["entry"]["id"] == body["choices"][0]["entry_id"]
    human = client.post("/api/ask", json={"text": "转人工", "session": body["session"]}).json()
    assert human["kind"] == "handoff"
    assert human["ticket"]["state"] == "待受理"


def test_lookup(client: TestClient) -> None:
    body = client.get("/api/lookup", params={"q": "拖欠工资", "k": 2}).json()
    first = body["entries"][0]
    assert (first["entry_id"], first["question"]) == ("wage-1", "单位拖欠工资怎么办")
    assert {"matched", "score", "answer", "basis"} <= set(first)
    assert len(body["entries"]) == 2
    assert {"article_id", "law", "article", "text", "score"} <= set(body["articles"][0])
    assert body["took_ms"] > 0


def test_feedback(client: TestClient) -> None:
    good = {"session": "s", "entry_id": "wage-1", "useful": True}
    assert client.post("/api/feedback", json=good).json() == {"ok": True}
    assert client.post("/api/feedback", json=good | {"entry_id": "none"}).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"text": ""}, 422),
        ({"text": "  "}, 422),
        ({"text": 5}, 422),
        ({"text": "长" * 2001}, 422),
        ({"text": "好", "session": "../x"}, 422),
        ({"text": "好", "extra": 1}, 422),
    ],
)
def test_bad_input_is_said_plainly(client: TestClient, body: dict[str, object], status: int) -> None:
    response = client.post("/api/ask", json=body)
    assert response.status_code == status
    assert response.json()["detail"]


def test_other_bad_input(client: TestClient) -> None:
    assert client.post("/api/ask", content=b"{", headers={"content-type": "application/json"}).status_code == 422
    assert client.post("/api/ask", json={"text": "a" * 70_000}).status_code == 413
    assert client.get("/api/lookup").status_code == 422
    assert client.get("/api/lookup", params={"q": "工资", "k": 99}).status_code == 422


def test_state(client: TestClient) -> None:
    assert client.get("/healthz").text == "ok"
    assert client.get("/readyz").json()["ready"] is True
    client.post("/api/ask", json={"text": "欠薪"})
    assert 'nuanxin_replies_total{kind="answer"}' in client.get("/metrics").text


def test_a_broken_store_is_a_polite_503(client: TestClient, store: Store) -> None:
    with store.transaction() as session:
        session.connection().exec_driver_sql("DROP TABLE turn")
    response = client.post("/api/ask", json={"text": "欠薪"})
    assert response.status_code == 503
    assert response.headers["retry-after"] == "5"
    assert "12351" in response.json()["detail"]
    assert "sql" not in response.text.lower()


def test_pages_and_headers(client: TestClient) -> None:
    for page in ("/", "/lookup", "/embed"):
        response = client.get(page)
        assert response.status_code == 200
        assert "default-src 'self'" in response.headers["content-security-policy"]
        assert "http://" not in response.text.replace("http://www.w3.org", "")
