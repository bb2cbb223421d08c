"""Phones, identity cards, bank cards and the like in a text: found, and masked as a hotline shows them.

Looks at how the digits stand, not at who somebody is: names without a number are not found. Knows no store and no log.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

Kind = Literal["phone", "landline", "identity", "bank", "email"]

_GAP = r"[ \t\-‐-―－.·]{0,2}"
_DIGITS = re.compile(rf"\d(?:{_GAP}[\dXx])+")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}")
_LANDLINE = re.compile(r"(?<!\d)(0\d{2,3})[ \-－]{1,2}(\d{7,8})(?!\d)")
_NUMBER_BEFORE = re.compile(r"(?:[〔\[（(【]\d{4}[〕\]）)】]|第|字|号码为?No\.?)\s*$")
_AMOUNT_AFTER = re.compile(r"\s*(?:元|块|万|亿|％|%|号令|号文)")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_CHINESE = str.maketrans("零〇一二三四五六七八九幺", "001234567891")
_SPOKEN = re.compile(r"[零〇一二三四五六七八九幺][零〇一二三四五六七八九幺 ]{9,22}[零〇一二三四五六七八九幺]")


@dataclass(frozen=True, slots=True)
class Found:
    """Personal data at text[start:end]; `digits` without gaps."""

    kind: Kind
    start: int
    end: int
    digits: str


def is_identity(digits: str) -> bool:
    """Eighteen characters with a date of birth and the check of GB 11643-1999."""
    if not re.fullmatch(r"[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dX]", digits):
        return False
    return _CHECKS[sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=False)) % 11] == digits[17]


def is_bank_card(digits: str) -> bool:
    """Sixteen to nineteen digits, beginning as China UnionPay's, Visa's or Mastercard's, with the check of ISO/IEC 7812-1 (Luhn)."""
    if not re.fullmatch(r"(?:62|4|5[1-5]|60|9)\d{14,17}", digits) or not 16 <= len(digits) <= 19:
        return False
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def find(text: str) -> list[Found]:
    """Everything personal in a text, in order, none overlapping; full-width and spoken digits, spaces and dashes between them too."""
    flat = "".join(_narrow(char) for char in text)  # the same length, so that places stay
    found = [Found("email", match.start(), match.end(), match[0]) for match in _EMAIL.finditer(flat)]
    found += [Found("landline", match.start(), match.end(), f"{match[1]}-{match[2]}") for match in _LANDLINE.finditer(flat)]
    for match in _DIGITS.finditer(flat):
        found += _numbers(flat, match)
    for match in _SPOKEN.finditer(flat):
        digits = match[0].replace(" ", "").translate(_CHINESE)
        if re.fullmatch(r"1[3-9]\d{9}", digits):
            found.append(Found("phone", match.start(), match.end(), digits))
    kept: list[Found] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept


def _numbers(flat: str, run: re.Match[str]) -> list[Found]:
    """What one run of digits is: all of it, or what stands before or after the first long gap."""
    found: list[Found] = []
    places = [at for at in range(run.start(), run.end()) if flat[at].isdigit() or flat[at] in "Xx"]
    digits = "".join(flat[at] for at in places).upper()
    kind = _kind(digits)
    if kind is not None:
        if not _NUMBER_BEFORE.search(flat[: run.start()]) and not _AMOUNT_AFTER.match(flat[run.end() :]):
            found.append(Found(kind, run.start(), run.end(), digits))
        return found
    # Several numbers side by side ("13800001111 13900002222"): cut where something stands between the digits.
    pieces: list[list[int]] = [[]]
    for at in places:
        if pieces[-1] and at != pieces[-1][-1] + 1:
            pieces.append([])
        pieces[-1].append(at)
    start = 0
    while start < len(pieces):
        for stop in range(len(pieces), start, -1):
            if stop - start == len(pieces):
                continue
            part = [at for piece in pieces[start:stop] for at in piece]
            digits = "".join(flat[at] for at in part).upper()
            kind = _kind(digits)
            if kind is not None:
                found.append(Found(kind, part[0], part[-1] + 1, digits))
                start = stop - 1
                break
        start += 1
    return found


def _kind(digits: str) -> Kind | None:
    bare = digits[2:] if len(digits) == 13 and digits.startswith("86") else digits
    if re.fullmatch(r"1[3-9]\d{9}", bare):
        return "phone"
    if is_identity(digits):
        return "identity"
    if re.fullmatch(r"[1-9]\d{5}\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}", digits) and len(digits) == 15:
        return "identity"  # the cards of before 1999
    return "bank" if is_bank_card(digits) else None


def _narrow(char: str) -> str:
    flat = unicodedata.normalize("NFKC", char)
    return flat if len(flat) == 1 else char


def hide(kind: Kind, digits: str) -> str:
    """One number as a hotline shows it: 138****8000."""
    if kind == "email":
        name, _, host = digits.partition("@")
        return f"{name[:1]}***@{host}"
    if kind == "phone":
        bare = digits[-11:]
        return f"{bare[:3]}****{bare[-4:]}"
    if kind == "landline":
        return f"{digits.partition('-')[0]}-****{digits[-4:]}"
    return (
        f"{digits[:4]}{'*' * (len(digits) - 8)}{digits[-4:]}" if kind == "bank" else f"{digits[:3]}{'*' * (len(digits) - 5)}{digits[-2:]}"
    )


def mask(text: str) -> str:
    """The text with everything personal hidden; a text without any is returned as it is."""
    if not _MAY_HOLD.search(text):
        return text
    parts, at = [], 0
    for found in find(text):
        parts += [text[at : found.start], hide(found.kind, found.digits)]
        at = found.end
    return "".join([*parts, text[at:]]) if parts else text


_MAY_HOLD = re.compile(r"@|\d(?:[^\w]{0,2}\d){6}|[零〇一二三四五六七八九幺]{5}")
