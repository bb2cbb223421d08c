"""WeCom's callback at /wecom: checked, opened, and the reading begun; the platform is not kept waiting.

Says nothing itself: answers go through the outbox.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from fastapi import APIRouter, Request, Response

from bot.channels.body import read_capped, refuse, too_large
from bot.weixin.account import Account
from bot.weixin.codec import Refused, check_url, open_request
from bot.weixin.read_wecom import Reader

log = logging.getLogger("nuanxin.wecom")


def create_router(account: Account, reader: Reader, clock: Callable[[], float] = time.time) -> APIRouter:
    """The two routes of the callback."""
    router = APIRouter(prefix="/wecom", include_in_schema=False)
    pool = ThreadPoolExecutor(2, thread_name_prefix="wecom")

    def refused(reason: Refused) -> Response:
        log.warning("refused: %s", reason)
        return refuse()

    def read(open_kfid: str, token: str) -> None:
        try:
            reader.read(open_kfid, token)
        except Exception as error:  # the job reads again; the messages stay where they are
            log.error("reading failed: %s", type(error).__name__)

    @router.get("")
    def check(request: Request) -> Response:
        """The platform checks the address when it is entered on its page."""
        try:
            return Response(check_url(account, request.query_params, clock()), media_type="text/plain")
        except Refused as reason:
            return refused(reason)

    @router.post("")
    async def push(request: Request) -> Response:
        """Something happened at a customer-service account."""
        body = await read_capped(request)
        if body is None:
            return too_large()
        try:
            opened = open_request(account, request.query_params, body, clock())
        except Refused as reason:
            return refused(reason)
        if opened.fields.get("Event") == "kf_msg_or_event" and opened.fields.get("OpenKfId"):
            pool.submit(read, opened.fields["OpenKfId"], opened.fields.get("Token", ""))
        return Response("success", media_type="text/plain")

    return router
