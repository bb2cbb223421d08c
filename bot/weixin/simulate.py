"""Plays a WeChat user in the terminal against a running server, through the real signed and sealed HTTP path.

    bash run.sh wechat-sim                                   # talk; Ctrl+D ends
    printf '老板不发工资咋整\\n1\\n转人工\\n' | bash run.sh wechat-sim

Lines are messages. /subscribe, /click human (common, complain), /voice WORDS, /image and /user NAME do what they say.
Settings are the server's own: NUANXIN_WECHAT_APPID, _TOKEN, _AES_KEY, _MODE, NUANXIN_HOST, NUANXIN_PORT.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from xml.etree import ElementTree

import httpx

from bot.errors import SettingError
from bot.settings import read_settings
from bot.weixin.account import Account, make_account
from bot.weixin.codec import Opened, open_request, seal, sign
from bot.weixin.xml import Content, write_fields


class Phone:
    """A worker's WeChat: sends as the platform would, and reads what comes back.

    Args:
        url: of the callback, such as http://127.0.0.1:8000/wechat.
    """

    def __init__(self, url: str, account: Account, user: str = "", client: httpx.Client | None = None) -> None:
        self.user = user or f"sim-{os.urandom(6).hex()}"
        self._url = url
        self._account = account
        self._client = client or httpx.Client(timeout=10)
        self._number = itertools.count(time.time_ns() // 1000)

    def check_url(self) -> bool:
        """What the platform does when the address is entered on its page."""
        stamp, nonce = str(int(time.time())), os.urandom(5).hex()
        query = {"signature": sign(self._account.token, stamp, nonce), "timestamp": stamp, "nonce": nonce, "echostr": "echo-123"}
        return self._client.get(self._url, params=query).text == "echo-123"

    def message(self, kind: str, *fields: tuple[str, Content]) -> bytes:
        """The XML of a push."""
        head: list[tuple[str, Content]] = [("ToUserName", "gh_simulated"), ("FromUserName", self.user), ("CreateTime", int(time.time()))]
        body = [*head, ("MsgType", kind), *fields]
        if kind != "event":
            body.append(("MsgId", next(self._number)))
        return write_fields(body)

    def request(self, xml: bytes) -> tuple[dict[str, str], bytes]:
        """Query and body as the platform would send them."""
        stamp, nonce = str(int(time.time())), os.urandom(5).hex()
        query = {"signature": sign(self._account.token, stamp, nonce), "timestamp": stamp, "nonce": nonce, "openid": self.user}
        if self._account.mode == "plain":
            return query, xml
        sealed = seal(xml, self._account.receiver, self._account.keys[0])
        query |= {"encrypt_type": "aes", "msg_signature": sign(self._account.token, stamp, nonce, sealed)}
        return query, write_fields([("ToUserName", "gh_simulated"), ("Encrypt", sealed)])

    def post(self, xml: bytes) -> str | None:
        """Push and read: the reply's text, 〔转客服〕 for a transfer, None where nothing came.

        Raises:
            httpx.HTTPStatusError: the server refused.
        """
        query, body = self.request(xml)
        answer = self._client.post(self._url, params=query, content=body, headers={"Content-Type": "text/xml"}).raise_for_status()
        if not answer.content or answer.content == b"success":
            return None
        fields = self._open(answer.content)
        return "〔转客服〕" if fields["MsgType"] == "transfer_customer_service" else fields["Content"]

    def _open(self, body: bytes) -> dict[str, str]:
        if self._account.mode == "plain":
            opened = Opened({child.tag: child.text or "" for child in ElementTree.fromstring(body)}, None)  # noqa: S314 our own server
        else:
            outer = {child.tag: child.text or "" for child in ElementTree.fromstring(body)}  # noqa: S314
            query = {
                "timestamp": outer["TimeStamp"],
                "nonce": outer["Nonce"],
                "msg_signature": outer["MsgSignature"],
                "encrypt_type": "aes",
            }
            opened = open_request(self._account, query, body, time.time())
        fields = dict(opened.fields)
        if fields["ToUserName"] != self.user:
            raise ValueError(f"a reply for {fields['ToUserName']}, wanted {self.user}")
        return fields

    def say(self, text: str) -> str | None:
        """Send words; the reply."""
        return self.post(self.message("text", ("Content", text)))

    def do(self, line: str) -> str | None:
        """A line of the terminal: words, or one of the commands."""
        command, _, rest = line.partition(" ")
        match command:
            case "/subscribe":
                return self.post(self.message("event", ("Event", "subscribe"), ("EventKey", "")))
            case "/click":
                return self.post(self.message("event", ("Event", "CLICK"), ("EventKey", rest or "common")))
            case "/voice":
                return self.post(self.message("voice", ("MediaId", "m1"), ("Format", "amr"), ("Recognition", rest)))
            case "/image":
                return self.post(self.message("image", ("PicUrl", "http://127.0.0.1/x.jpg"), ("MediaId", "m2")))
            case "/user":
                self.user = rest or self.user
                return None
            case _:
                return self.say(line)


def play(phone: Phone, lines: Iterable[str]) -> Iterator[str]:
    """What a screen shows for lines typed."""
    for line in lines:
        if not line.strip():
            continue
        yield f"我：{line.strip()}"
        reply = phone.do(line.strip())
        yield f"暖心：{reply}\n" if reply else "（没有回复）\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url")
    parser.add_argument("--user", default="")
    chosen = parser.parse_args(arguments)
    try:
        settings = read_settings()
        account = make_account(settings.wechat_appid, settings.wechat_token, settings.wechat_aes_key, "", settings.wechat_mode)
    except SettingError as error:
        print(error, file=sys.stderr)
        return 1
    phone = Phone(chosen.url or f"http://{settings.host}:{settings.port}/wechat", account, chosen.user)
    try:
        for line in play(phone, sys.stdin):
            print(line, flush=True)
    except httpx.HTTPError as error:
        print(f"服务器没有应答：{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
