"""The protocol against its official vector, independent peers, forgeries and hostile XML."""

import base64
import contextlib
import random
import resource
import time
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wechatpy.crypto import PrpCrypto
from wechatpy.utils import check_signature

from bot.errors import SettingError
from bot.weixin.account import Account, make_account
from bot.weixin.codec import Refused, check_url, open_request, seal, seal_reply, sign
from bot.weixin.messages import read_message
from bot.weixin.split import LARGEST, split
from bot.weixin.xml import BadXml, clean, read_fields, write_fields
from tests.weixin import ACCOUNT, APPID, KEY, OLD_KEY, PLAIN, TOKEN, ask_node

NOW = 1_760_000_000.0
AES = base64.b64decode(KEY + "=")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=500)


def sealed_request(xml: bytes, key: bytes = AES, receiver: str = APPID, stamp: float = NOW) -> tuple[dict[str, str], bytes]:
    sealed, when = seal(xml, receiver, key), str(int(stamp))
    query = {"timestamp": when, "nonce": "n1", "encrypt_type": "aes", "msg_signature": sign(TOKEN, when, "n1", sealed)}
    return query | {"signature": sign(TOKEN, when, "n1")}, write_fields([("ToUserName", "gh_1"), ("Encrypt", sealed)])


def message(text: str = "你好") -> bytes:
    head = [("ToUserName", "gh_1"), ("FromUserName", "u1"), ("CreateTime", 1760000000), ("MsgType", "text")]
    return write_fields([*head, ("Content", text), ("MsgId", 42)])


def test_the_official_signature_vector() -> None:
    # developers.weixin.qq.com, 消息推送 / 加解密: token AAAAA, timestamp 1714037059, nonce 486452656
    assert sign("AAAAA", "1714037059", "486452656") == "899cf89e464efb63f54ddac96b0a0a235f53aa78"


def test_our_verdict_on_signatures_is_wechatpys_and_one_bit_spoils_them() -> None:
    rng = random.Random(7)
    for _ in range(10_000):
        token = "".join(rng.choices("abcXYZ0189_-", k=rng.randrange(33)))
        stamp, nonce = rng.randrange(10**10), str(rng.randrange(10**10))
        good = sign(token, str(stamp), nonce)
        check_signature(token, good, str(stamp), nonce)
        account = Account(APPID, token, (), "plain")
        query = {"timestamp": str(stamp), "nonce": nonce, "signature": good, "echostr": "e"}
        assert check_url(account, query, float(stamp)) == "e"
        place = rng.randrange(40)
        bad = good[:place] + chr(ord(good[place]) ^ 1 << rng.randrange(8)) + good[place + 1 :]
        with pytest.raises(Refused):
            check_url(account, query | {"signature": bad}, float(stamp))


def test_a_message_opens_with_either_key_and_the_reply_comes_back_under_the_same() -> None:
    for key in (AES, base64.b64decode(OLD_KEY + "=")):
        query, body = sealed_request(message("老板不发工资😀"), key)
        opened = open_request(ACCOUNT, query, body, NOW)
        assert read_message(opened.fields).text == "老板不发工资😀"
        reply = read_fields(seal_reply(ACCOUNT, b"<xml><a>1</a></xml>", opened, NOW))
        assert reply["MsgSignature"] == sign(TOKEN, reply["TimeStamp"], reply["Nonce"], reply["Encrypt"])
        assert PrpCrypto(key).decrypt(reply["Encrypt"], APPID) == "<xml><a>1</a></xml>"


@pytest.mark.parametrize(
    ("change", "body"),
    [
        ({"msg_signature": ""}, None),
        ({"encrypt_type": "raw"}, None),
        ({"encrypt_type": "raw"}, message()),
        ({}, message()),
        ({"timestamp": str(int(NOW) - 301)}, None),
        ({"timestamp": "soon"}, None),
        ({"nonce": "n2"}, None),
        ({}, b"{}"),
        ({}, b"no xml"),
    ],
)
def test_the_safe_mode_takes_nothing_less(change: dict[str, str], body: bytes | None) -> None:
    query, sealed = sealed_request(message())
    with pytest.raises(Refused):
        open_request(ACCOUNT, query | change, sealed if body is None else body, NOW)


def test_flipped_ciphertexts_other_receivers_and_keys_are_refused() -> None:
    _, body = sealed_request(message())
    raw = bytearray(base64.b64decode(read_fields(body)["Encrypt"]))
    for place in range(0, len(raw), 7):
        changed = bytearray(raw)
        changed[place] ^= 1
        sealed = base64.b64encode(changed).decode()
        query = {"timestamp": str(int(NOW)), "nonce": "n", "encrypt_type": "aes", "msg_signature": sign(TOKEN, str(int(NOW)), "n", sealed)}
        try:
            opened = open_request(ACCOUNT, query, write_fields([("Encrypt", sealed)]), NOW)
        except Refused:
            continue
        # CBC alone does not notice a flip inside the text (the signature did, had it not been made anew here).
        assert opened.fields != read_fields(message()) or place < 16
    for request in (sealed_request(message(), receiver="wx-other"), sealed_request(message(), key=b"k" * 32)):
        with pytest.raises(Refused):
            open_request(ACCOUNT, *request, NOW)


def test_compatible_mode_reads_the_sealed_part_and_plain_mode_the_plain_one() -> None:
    compat = make_account(APPID, TOKEN, KEY, mode="compat")
    query, body = sealed_request(message("密"))
    assert open_request(compat, query, body, NOW).fields["Content"] == "密"
    plain = {name: query[name] for name in ("timestamp", "nonce", "signature")}
    assert open_request(compat, plain, message("明"), NOW).fields["Content"] == "明"
    assert open_request(PLAIN, plain, message("明"), NOW).key is None
    milliseconds = {"timestamp": str(int(NOW * 1000)), "nonce": "n", "signature": sign(TOKEN, str(int(NOW * 1000)), "n")}
    assert open_request(PLAIN, milliseconds, message(), NOW).fields["MsgId"] == "42"


def test_settings_that_cannot_work_are_named_without_their_value() -> None:
    for arguments, name in ((("", KEY), "TOKEN"), ((TOKEN, ""), "AES_KEY"), ((TOKEN, "short-secret"), "AES_KEY")):
        with pytest.raises(SettingError, match=name) as raised:
            make_account(APPID, *arguments)
        assert "short-secret" not in str(raised.value)
    assert TOKEN not in repr(ACCOUNT)


HOSTILE = {
    "billion laughs": b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><xml><a>&b;&b;&b;</a></xml>',
    "external entity": b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><xml><a>&f;</a></xml>',
    "external dtd": b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><xml><a>1</a></xml>',
    "deep": b"<xml>" + b"<a>" * 20_000 + b"</a>" * 20_000 + b"</xml>",
    "a megabyte": b"<xml><a>" + b"x" * 1_000_000 + b"</b></xml>",
    "gbk": '<?xml version="1.0" encoding="gbk"?><xml><Content>工资</Content></xml>'.encode("gbk"),
    "nul": b"<xml><a>\x00</a></xml>",
    "twice": b"<xml><a>1</a><a>2</a></xml>",
    "another root": b"<html><a>1</a></html>",
    "empty": b"",
    "cut": b"<xml><a>1</a>",
    "undefined entity": b"<xml><a>&nbsp;</a></xml>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_xml_is_refused_quickly_and_cheaply(name: str) -> None:
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(BadXml):
        read_fields(HOSTILE[name])
    assert time.process_time() - began < 0.2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * 1024


def test_a_byte_order_mark_a_declaration_and_nested_fields_are_read() -> None:
    body = '\ufeff<?xml version="1.0" encoding="UTF-8"?><xml><a>甲</a><Scan><b>1</b></Scan><c><![CDATA[<&>]]></c></xml>'.encode()
    assert read_fields(body) == {"a": "甲", "Scan": "", "c": "<&>"}


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode).map(lambda b: b"<xml>" + b + b"</xml>"))
@settings(max_examples=300, deadline=None)
def test_whatever_comes_is_read_or_refused(body: bytes) -> None:
    query = {"timestamp": str(int(NOW)), "nonce": "n", "signature": sign(TOKEN, str(int(NOW)), "n")}
    with contextlib.suppress(Refused):
        read_message(open_request(PLAIN, query, body, NOW).fields)


@given(
    TEXT
    | st.lists(st.sampled_from(["]]>", "]]", ">", "<![CDATA[", "</Content><MsgType>", "&", "\x08", "\ufffe", "工资", "😀"])).map("".join)
)
@settings(max_examples=300, deadline=None)
def test_no_text_breaks_out_of_a_reply(text: str) -> None:
    body = write_fields([("ToUserName", "u"), ("FromUserName", "a"), ("CreateTime", 1), ("MsgType", "text"), ("Content", text)])
    children = list(ElementTree.fromstring(body))
    assert [child.tag for child in children] == ["ToUserName", "FromUserName", "CreateTime", "MsgType", "Content"]
    wanted = clean(text).replace("\r\n", "\n").replace("\r", "\n")  # XML reads every line end as \n (section 2.11)
    assert (children[4].text or "") == wanted
    assert read_fields(body)["Content"] == wanted


@given(st.text(max_size=3000) | st.text("工资。，\n😀a", min_size=600, max_size=20_000), st.integers(4, LARGEST))
@settings(max_examples=100, deadline=None)
def test_parts_are_small_whole_and_lose_nothing(text: str, largest: int) -> None:
    parts = split(text, largest)
    assert "".join(parts) == text
    assert all(len(part.encode("utf-8", "surrogatepass")) <= largest for part in parts)
    assert all(parts[:-1])


def test_parts_end_where_a_reader_pauses() -> None:
    text = "单位拖欠工资的，可以向劳动监察投诉。" * 60
    assert all(part.endswith("。") for part in split(text))
    assert [len(part.encode()) for part in split("工会😀" * 400)] == [2046, 1954] or "".join(split("工会😀" * 400)) == "工会😀" * 400


def test_node_peers_understand_every_message() -> None:
    texts = [("老板不发工资😀 ]]> <&>" + chr(0x4E00 + n) * (n * 2 % 2000)) for n in range(1000)]
    ours = [{"do": "decrypt", "key": KEY, "text": seal(text.encode(), APPID, AES)} for text in texts]
    theirs = [{"do": "encrypt", "key": KEY, "text": text, "id": APPID} for text in texts]
    assert ask_node(ours) == [{"message": text, "id": APPID} for text in texts]
    pair = PrpCrypto(AES)
    for text, sealed in zip(texts, ask_node(theirs), strict=True):
        wrapped = write_fields([("Content", text)])
        assert pair.decrypt(sealed, APPID) == text
        assert pair.decrypt(seal(text.encode(), APPID, AES), APPID) == text
        query, body = sealed_request(wrapped)
        assert open_request(ACCOUNT, query, body, NOW).fields["Content"] == text
    by_wechatpy = pair.encrypt(message(texts[7]).decode(), APPID).decode()
    query = {"timestamp": str(int(NOW)), "nonce": "n", "msg_signature": sign(TOKEN, str(int(NOW)), "n", by_wechatpy)}
    assert open_request(ACCOUNT, query, write_fields([("Encrypt", by_wechatpy)]), NOW).fields["Content"] == texts[7]
    parts = [[TOKEN, str(n), f"nonce{n}", texts[n]] for n in range(100)]
    assert ask_node([{"do": "sign", "parts": part} for part in parts]) == [sign(*part) for part in parts]


def test_xml2js_reads_our_replies() -> None:
    texts = ["]]>", "a]]>b<MsgType>x</MsgType>", "工资&<b>", "😀\x08"]
    found = ask_node([{"do": "xml", "text": write_fields([("MsgType", "text"), ("Content", text)]).decode()} for text in texts])
    assert found == [{"MsgType": "text", "Content": clean(text)} for text in texts]
