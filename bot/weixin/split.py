"""Long texts in parts that the platform takes: at most 2,048 bytes each, cut where a reader would pause."""

from __future__ import annotations

LARGEST = 2048
"""Bytes of UTF-8 in one text message (WeCom's page says so; official accounts were measured to do the same)."""
_BORDERS = ("\n\n", "\n", "。", "；", "！", "？", "，", "、", " ")


def split(text: str, largest: int = LARGEST) -> list[str]:
    """Parts of at most `largest` bytes (4 or more) whose joined text is the text; no code point is cut."""
    parts = []
    while len(text.encode("utf-8", "surrogatepass")) > largest:
        end = _most(text, largest)
        cut = next((at for border in _BORDERS if (at := text.rfind(border, end // 3, end)) >= 0 and (at := at + len(border))), end)
        parts.append(text[:cut])
        text = text[cut:]
    return [*parts, text] if text or not parts else parts


def _most(text: str, largest: int) -> int:
    """How many characters fit."""
    size = 0
    for place, character in enumerate(text):
        size += len(character.encode("utf-8", "surrogatepass"))
        if size > largest:
            return place
    return len(text)
