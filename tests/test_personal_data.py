"""Personal data: found in any dress, not seen where there is none, sealed at rest, kept out of logs (trials 19 and 20)."""

import io
import json
import logging
import random
import re
import sqlite3
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from bot.desk.erase import ERASED, Retention, erase
from bot.dialogue import Dialogue
from bot.errors import StoreError
from bot.logs import JsonLines
from bot.match import Matcher
from bot.personal_data import find, hide, is_bank_card, is_identity, mask
from bot.policy import Policy
from bot.store import Conversation, OutboxRow, Store, Turn
from bot.values import Message
from knowledge.bank import read_bank
from tests.conftest import ROOT
from tests.human import World

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def identity(rng: random.Random) -> str:
    born = f"{rng.randrange(1950, 2008)}{rng.randrange(1, 13):02d}{rng.randrange(1, 29):02d}"
    body = f"37{rng.randrange(10000):04d}{born}{rng.randrange(1000):03d}"
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, WEIGHTS, strict=True)) % 11]


def card(rng: random.Random) -> str:
    body = f"62{rng.randrange(10**14):014d}" + "".join(str(rng.randrange(10)) for _ in range(rng.choice((0, 2))))
    for check in range(10):
        if is_bank_card(f"{body}{check}"):
            return f"{body}{check}"
    raise AssertionError


def phone(rng: random.Random) -> str:
    return f"1{rng.choice('3456789')}{rng.randrange(10**9):09d}"


def dress(digits: str, rng: random.Random) -> str:
    """As people write it: in groups, full width, with dashes."""
    kind = rng.randrange(4)
    if kind == 1:
        cut = (3, 7) if len(digits) == 11 else (6, 14)
        digits = f"{digits[: cut[0]]} {digits[cut[0] : cut[1]]} {digits[cut[1] :]}"
    elif kind == 2:
        digits = digits.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    elif kind == 3:
        digits = f"{digits[:3]}-{digits[3:7]}-{digits[7:]}"
    return digits


def synthetic(count: int = 1000) -> list[tuple[str, str]]:
    """(digits, sentence) pairs; the same every time."""
    rng = random.Random(20261126)
    frames = ("我的电话是{}，请回电", "身份证{}", "工资打到{}这张卡", "联系人小王{}", "{}")
    made = []
    for number in range(count):
        digits = (phone, identity, card)[number % 3](rng)
        made.append((digits, rng.choice(frames).format(dress(digits, rng))))
    return made


def test_a_thousand_synthetic_numbers_are_all_masked() -> None:
    for digits, sentence in synthetic():
        masked = mask(sentence)
        flat = re.sub(r"\D", "", masked.translate(str.maketrans("０１２３４５６７８９", "0123456789")))
        assert "*" in masked, sentence
        assert len(flat) <= len(digits) - 4, sentence


def test_known_forms() -> None:
    assert mask("13800138000") == "138****8000"
    assert mask("+86 138 0013 8000") == "+138****8000"
    assert mask("一三八零零一三八零零零") == "138****8000"
    assert mask("0531-88888888") == "0531-****8888"
    assert mask("邮箱zhang.san@example.com") == "邮箱z***@example.com"
    assert is_identity("11010519491231002X")  # the example of GB 11643-1999
    assert not is_identity("110105194912310021")
    assert hide("bank", "6222020200112233445") == "6222***********3445"
    assert mask("13800001111 13900002222") == "138****1111 139****2222"


NOTHING = (
    "鲁人社发〔2021〕12号|国办发明电〔2025〕7号|拖欠工资13500000000元|2021年3月5日入职|工资5500.50元|12351"
    "|劳动合同法第47条|GB/T 2260|工号20210305"
    "|2020年5月到2021年6月|370102|100000000元|第12345678901234567号|鲁政办字(2022)138号|工资卡上少了12000块"
    "|2026-11-26 10:30:00|NX20261126-000001"
    "|一共1234567平方米|0.05%|三千五百二十元"
)


@pytest.mark.parametrize("sentence", NOTHING.split("|"))
def test_document_numbers_sums_and_dates_are_left_alone(sentence: str) -> None:
    assert mask(sentence) == sentence


def test_less_than_one_in_a_hundred_of_our_own_texts_is_masked_wrongly() -> None:
    texts = [text for entry in read_bank([ROOT / "knowledge/data/bank"])[0] for text in (*entry.wordings, entry.answer)]
    wrong = [text for text in texts if mask(text) != text]
    assert len(wrong) / len(texts) < 0.01, wrong[:5]


@given(st.text(max_size=120))
def test_masking_is_calm_and_done_once(sentence: str) -> None:
    assert mask(mask(sentence)) == mask(sentence)
    assert all(0 <= found.start < found.end <= len(sentence) for found in find(sentence))


def test_nothing_personal_stands_open_in_the_database_or_the_logs(
    matcher: Matcher, policy: Policy, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(f"sqlite:///{tmp_path}/p.db")
    dialogue = Dialogue(matcher, policy, store)
    caplog.set_level(logging.DEBUG)
    some = synthetic(60)
    for number, (_, sentence) in enumerate(some):
        dialogue.reply(Message(f"{sentence}，老板不发工资", f"s{number}", id=f"m{number}"))
        dialogue.note(Message(sentence, f"s{number}"), "收到")
        dialogue.keep_feedback(f"s{number}", "wage-1", True, sentence)
    world = World(store)
    world.ticket("s0", "complaint", some[0][1], details={"事情": some[1][1], "联系方式": some[0][0], "单位": "某公司"})
    with store.transaction() as session:
        session.add(
            OutboxRow(
                delivery_id="d", conversation_id="s0", channel="web", kind="agent", author="", text=some[3][1], actions="[]",
                created_at=world.at, next_at=world.at, state="waiting", attempts=0, error="",
            )
        )  # fmt: skip
    with store.reading() as session:
        assert next(turn.sealed or turn.text for turn in session.query(Turn).order_by(Turn.id)) == f"{some[0][1]}，老板不发工资"
    store.close()
    raw = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith("p.db") and not path.name.endswith(".key"))
    shown = raw.decode("utf-8", "ignore").translate(str.maketrans("０１２３４５６７８９", "0123456789"))
    for digits, sentence in some:
        for form in (digits, sentence):
            assert form not in shown
            assert form not in caplog.text
    assert (tmp_path / "p.db.key").stat().st_mode & 0o077 == 0


def test_a_store_opened_with_another_key_says_so_and_an_old_key_still_reads(tmp_path: Path) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    first = Store(f"sqlite:///{tmp_path}/k.db", old)
    World(first).ticket("s", "complaint", "欠薪", details={"联系方式": "13800138000"})
    first.close()
    wrong = Store(f"sqlite:///{tmp_path}/k.db", new)
    with pytest.raises(StoreError, match="NUANXIN_DATA_KEY"):
        World(wrong).row("NX20261126-000001")
    wrong.close()
    both = Store(f"sqlite:///{tmp_path}/k.db", f"{new},{old}")
    assert "13800138000" in World(both).row("NX20261126-000001").details
    both.close()
    with pytest.raises(StoreError, match="Fernet"):
        Store(f"sqlite:///{tmp_path}/k.db", "short")


def test_every_event_is_one_line_of_json_whatever_it_holds() -> None:
    out = io.StringIO()
    logger = logging.Logger("test")
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonLines())
    logger.addHandler(handler)
    bad = [
        '\r\n{"level": "FAKE"}',
        "\x1b[31mred",
        "a\u2028b\u2029c",
        "\x00\x07",
        "\x85next",
        "13800138000",
        "１３８００１３８０００",
        '"quoted"',
        "正常",
    ]
    for words in bad:
        logger.warning("said %s", words)
    try:
        raise ValueError("身份证11010519491231002X")
    except ValueError:
        logger.exception("fault")
    lines = out.getvalue().splitlines()
    assert len(lines) == out.getvalue().count("\n") == len(bad) + 1
    events = [json.loads(line) for line in lines]
    assert {event["level"] for event in events} == {"WARNING", "ERROR"}
    assert events[-1]["error"] == "ValueError"
    assert not any(sign in out.getvalue() for sign in ("13800138000", "１３８", "11010519491231002X", "\x1b", "\u2028", "\x85"))


def test_erasing_leaves_counts_and_takes_words(any_store: Store, matcher: Matcher, policy: Policy) -> None:
    world = World(any_store)
    dialogue = Dialogue(matcher, policy, any_store, now=world.now)
    dialogue.reply(Message("老板不发工资咋整", "old"))
    dialogue.reply(Message("我是王小明，13800138000，老板不发工资", "old"))
    dialogue.reply(Message("病假工资怎么发", "new"))
    number = world.ticket("old", "complaint", "王小明欠薪", details={"单位": "王家饭店", "联系方式": "13800138000"})
    with any_store.transaction() as session:
        erase(session, ["old"])
    row = world.row(number)
    assert (row.summary, row.details, row.employer, row.state) == (ERASED, "", "", "待受理")
    with any_store.reading() as session:
        turns = session.query(Turn).order_by(Turn.id).all()
        assert [turn.text == ERASED for turn in turns] == [True, True, False]
        assert turns[0].entry_id == "wage-1"
        everything = " ".join(
            str(value)
            for table in ("turn", "ticket", "outbox", "conversation")
            for value in session.execute(text(f"SELECT * FROM {table}")).all()
        )
    assert "王" not in everything


def test_retention_forgets_old_conversations_but_not_those_with_an_open_ticket(any_store: Store, matcher: Matcher, policy: Policy) -> None:
    world = World(any_store)
    dialogue = Dialogue(matcher, policy, any_store, now=world.now)
    for name in ("a", "b"):
        dialogue.reply(Message("老板不发工资咋整", name))
    world.ticket("b")
    world.wait(days=100)
    dialogue.reply(Message("老板不发工资咋整", "c"))
    retention = Retention(any_store, 90, world.now)
    assert retention.run() == 1
    assert retention.run() == 0
    with any_store.reading() as session:
        assert {turn.conversation_id: turn.text == ERASED for turn in session.query(Turn)} == {"a": True, "b": False, "c": False}
        assert session.query(Conversation).count() == 3


def test_the_key_file_is_not_in_the_database(tmp_path: Path) -> None:
    Store(f"sqlite:///{tmp_path}/x.db").close()
    key = (tmp_path / "x.db.key").read_text().strip()
    with sqlite3.connect(tmp_path / "x.db") as connection:
        dump = "\n".join(connection.iterdump())
    assert key not in dump
