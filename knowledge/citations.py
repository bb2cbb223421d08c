"""Law titles and article numbers in one spelling, found in any text.

Knows the shape of a citation, not whether the article exists.
"""

from __future__ import annotations

import re
import unicodedata

import cn2an

from knowledge.law_names import full_name
from knowledge.records import Citation

_DIGITS = "零〇一二两三四五六七八九十百千"
_NUMBER = rf"[{_DIGITS}\d]+"
_ARTICLE = re.compile(rf"第?\s*({_NUMBER})\s*(条|项)(?:\s*之\s*({_NUMBER}))?")
_DETAIL = re.compile(rf"(?:\s*第?\s*[（(]?{_NUMBER}[）)]?\s*[款项目])+")
_MARKS = re.compile(r"[\s《》<>〈〉「」“”\"]")


def canonical_title(title: str) -> str:
    """A law's title in one spelling: no 《》 or spaces, no 中华人民共和国, full-width round brackets."""
    title = _MARKS.sub("", title).replace("(", "（").replace(")", "）")
    return title.replace("中华人民共和国", "")


def chinese_number(number: int) -> str:
    """47 as 四十七, in the spelling of statutes (110 is 一百一十, 15 is 十五)."""
    return str(cn2an.an2cn(number))


def parse_number(text: str) -> int | None:
    """47 from 47, ４７ or 四十七; None where it is no number."""
    text = unicodedata.normalize("NFKC", text)
    try:
        return int(text) if text.isdigit() else int(cn2an.cn2an(text, "smart"))
    except ValueError:
        return None


def article_number(number: int, after: int | None = None, unit: str = "条") -> str:
    """第四十七条; with `after`, 第二百七十六条之一."""
    suffix = f"之{chinese_number(after)}" if after else ""
    return f"第{chinese_number(number)}{unit}{suffix}"


def parse_citation(text: str) -> Citation | None:
    """The citation that the text is: a title, or a short name of the table, followed by an article number.

    Returns:
        None where there is no title or no readable number.
    """
    clean = canonical_title(unicodedata.normalize("NFC", text.strip()))
    match = _ARTICLE.search(clean)
    if match is None or match.start() == 0:
        return None
    number = _read_article(match)
    if number is None:
        return None
    rest = clean[match.end() :]
    detail = _DETAIL.match(rest)
    if rest and (detail is None or detail.end() != len(rest)):
        return None
    return Citation(full_name(clean[: match.start()]), number, rest)


def find_numbers(text: str) -> list[tuple[int, str]]:
    """Article numbers mentioned in free text, each with the place where the mention begins.

    Both 第四十七条 and 47条 count; 第…项 does not, for it is nearly always an item within an article.
    """
    found = []
    for match in _ARTICLE.finditer(unicodedata.normalize("NFKC", text)):
        number = _read_article(match)
        if number is not None and match[2] == "条":
            found.append((match.start(), number))
    return found


def _read_article(match: re.Match[str]) -> str | None:
    number = parse_number(match[1])
    after = parse_number(match[3]) if match[3] else None
    if not number or (match[3] and not after):
        return None
    return article_number(number, after, match[2])
