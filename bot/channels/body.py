"""Bodies of pushes from outside: read up to a limit, refused alike."""

from __future__ import annotations

from fastapi import Request, Response

from bot.weixin.codec import LARGEST_BODY


async def read_capped(request: Request) -> bytes | None:
    """The body, or None as soon as it is larger than a push can be."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    return bytes(body)


def refuse() -> Response:
    """The same for every reason: whoever tries learns nothing from it."""
    return Response("refused", 403, media_type="text/plain")


def too_large() -> Response:
    """More than a push can be."""
    return Response("too large", 413, media_type="text/plain")
