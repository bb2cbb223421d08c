"""What we ask of the platforms: tokens, messages to workers, menus, WeCom's reading and sending.

One thin client over httpx for both platforms: their answers are JSON with an errcode, and their faults
fall into four kinds that a caller can act on. Knows no database.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

WECHAT_API = "https://api.weixin.qq.com"
WECOM_API = "https://qyapi.weixin.qq.com"
TOKEN_FAULTS = (40001, 40014, 42001)
QUOTA_FAULTS = (45015, 45047, 95001, 95002)
"""Outside the window, or its messages are used up: only a word of the worker opens it again."""
BUSY_FAULTS = (-1, 45009, 45011, 6000)
"""The platform is busy or counts too many calls: later."""
DUPLICATE_FAULTS = (95033,)
"""WeCom knows this msgid already: the message is there."""
TIMEOUT = httpx.Timeout(5.0, connect=3.0)
EARLY = 300.0
"""Seconds before its end at which a token is asked for anew: both hold for five minutes at the change."""


class PlatformError(Exception):
    """The platform did not do it; `code` is its errcode, 0 where there was no answer."""

    def __init__(self, code: int, what: str) -> None:
        self.code = code
        super().__init__(f"{what}: errcode {code}")


class Busy(PlatformError):
    """It did not happen; later it may."""


class Unsure(PlatformError):
    """No answer came: it may have happened."""


class QuotaUsed(PlatformError):
    """The worker must write first."""


class Rejected(PlatformError):
    """It will never be taken."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and when we stop using it, by the client's clock."""

    value: str
    until: float


class Platform:
    """One platform with one account's right to call it; one per process, used by all threads.

    Args:
        fetch: asks for a token: given the HTTP client, the token and its seconds.
        base: the platform's address, or a stand-in's.
        clock: seconds, for the tokens' age.
    """

    def __init__(self, base: str, fetch: Callable[[httpx.Client], tuple[str, float]], clock: Callable[[], float] = time.monotonic) -> None:
        self._http = httpx.Client(base_url=base, timeout=TIMEOUT)
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._token: Token | None = None
        self.refreshes = 0

    def close(self) -> None:
        """Give back the connections."""
        self._http.close()

    def call(self, path: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        """POST a body (GET without one) with the token; the answer where errcode is 0.

        A token that ran out is asked for once anew, by whichever thread comes first, and the call is repeated.

        Raises:
            Busy, Unsure, QuotaUsed, Rejected: see there.
        """
        token = self._current(stale=None)
        answer = self._send(path, body, token)
        if answer.get("errcode", 0) in TOKEN_FAULTS:
            answer = self._send(path, body, self._current(stale=token))
        return _checked(answer, path)

    def _current(self, stale: str | None) -> str:
        with self._lock:
            known = self._token
            if known is None or known.value == stale or self._clock() >= known.until:
                try:
                    value, seconds = self._fetch(self._http)
                except httpx.HTTPError as error:
                    raise Busy(0, f"token ({type(error).__name__})") from error
                self.refreshes += 1
                self._token = known = Token(value, self._clock() + max(seconds - EARLY, seconds / 2))
            return known.value

    def _send(self, path: str, body: Mapping[str, object] | None, token: str) -> dict[str, Any]:
        parameters = {"access_token": token}
        try:
            sent = self._http.get(path, params=parameters) if body is None else self._http.post(path, params=parameters, json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Busy(0, f"{path} ({type(error).__name__})") from error
        except httpx.HTTPError as error:
            raise Unsure(0, f"{path} ({type(error).__name__})") from error
        if sent.status_code >= 500:
            raise Unsure(0, f"{path} (status {sent.status_code})")
        try:
            return dict(sent.json())
        except ValueError as error:
            raise Unsure(0, f"{path} (no JSON)") from error


def _checked(answer: dict[str, Any], what: str) -> dict[str, Any]:
    code = int(answer.get("errcode", 0))
    if code == 0:
        return answer
    if code in DUPLICATE_FAULTS:
        return answer
    kind = QuotaUsed if code in QUOTA_FAULTS else Busy if code in BUSY_FAULTS or code in TOKEN_FAULTS else Rejected
    raise kind(code, what)


def wechat_platform(appid: str, secret: str, base: str = WECHAT_API, clock: Callable[[], float] = time.monotonic) -> Platform:
    """The official account's side. stable_token gives every worker the same token and does not end the others' (unlike /token)."""

    def fetch(http: httpx.Client) -> tuple[str, float]:
        body = {"grant_type": "client_credential", "appid": appid, "secret": secret, "force_refresh": False}
        answer = _checked(http.post("/cgi-bin/stable_token", json=body).json(), "stable_token")
        return str(answer["access_token"]), float(answer["expires_in"])

    return Platform(base, fetch, clock)


def wecom_platform(corpid: str, secret: str, base: str = WECOM_API, clock: Callable[[], float] = time.monotonic) -> Platform:
    """WeCom's side."""

    def fetch(http: httpx.Client) -> tuple[str, float]:
        answer = _checked(http.get("/cgi-bin/gettoken", params={"corpid": corpid, "corpsecret": secret}).json(), "gettoken")
        return str(answer["access_token"]), float(answer["expires_in"])

    return Platform(base, fetch, clock)


def send_text(platform: Platform, user: str, text: str) -> None:
    """A customer-service message of an official account."""
    platform.call("/cgi-bin/message/custom/send", {"touser": user, "msgtype": "text", "text": {"content": text}})


def show_typing(platform: Platform, user: str) -> None:
    """对方正在输入 for some seconds."""
    platform.call("/cgi-bin/message/custom/typing", {"touser": user, "command": "Typing"})


def create_menu(platform: Platform, buttons: list[dict[str, str]]) -> None:
    """Replace the account's menu."""
    platform.call("/cgi-bin/menu/create", {"button": buttons})


def send_kf_text(platform: Platform, user: str, open_kfid: str, text: str, message_id: str) -> None:
    """A message of WeCom's customer service; the same message_id twice is one message."""
    body = {"touser": user, "open_kfid": open_kfid, "msgid": message_id, "msgtype": "text", "text": {"content": text}}
    platform.call("/cgi-bin/kf/send_msg", body)


def send_kf_welcome(platform: Platform, code: str, text: str, message_id: str) -> None:
    """The greeting after a worker opens the chat; the code holds for 20 seconds."""
    platform.call("/cgi-bin/kf/send_msg_on_event", {"code": code, "msgid": message_id, "msgtype": "text", "text": {"content": text}})


def read_kf(platform: Platform, open_kfid: str, cursor: str, token: str) -> dict[str, Any]:
    """One page of messages after a cursor; the callback's token allows more calls."""
    body = {"cursor": cursor, "open_kfid": open_kfid, "limit": 1000} | ({"token": token} if token else {})
    return platform.call("/cgi-bin/kf/sync_msg", body)


def pass_to_pool(platform: Platform, user: str, open_kfid: str) -> None:
    """Service state 2: the conversation waits in the pool of WeCom's own agents."""
    body = {"open_kfid": open_kfid, "external_userid": user, "service_state": 2}
    platform.call("/cgi-bin/kf/service_state/trans", body)
