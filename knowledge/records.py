"""The values the bot may say: entries, articles, regulations, terminals; frozen, and no reading.

Knows nothing of files, encoders or the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["consult", "complaint"]
Priority = Literal["normal", "high", "urgent"]
Status = Literal["in_force", "revised", "repealed"]
Level = Literal["province", "city", "county"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in one place of a source file.

    Attributes:
        file: the file's name as given.
        row: where in it: a row number, an entry id, an article number.
        reason: what is wrong, and what was expected.
    """

    file: str
    row: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, {self.row}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Citation:
    """A law and an article of it: 劳动合同法 · 第四十七条 · 第一款.

    Attributes:
        law: canonical title (no 《》, no 中华人民共和国).
        article: 第…条, 第…条之… or 第…项 (texts numbered 一、二、).
        detail: paragraph or item within the article, or empty.
    """

    law: str
    article: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.law}{self.article}{self.detail}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A question, its wordings, and the approved answer.

    Attributes:
        similar: other wordings that ask the same.
        contrasted: wordings, too, that borrow the words of a neighbour and differ in the fact that decides.
        unlike: wordings that look alike and mean something else.
        short: at most 150 characters, answers first.
        ask: for complaints, what must be learnt from the caller (field names).
        formerly: ids of entries that were merged into this one; links and tickets that name them find it.
        figures: numbers of the answer that stand in no cited article, each with the reason: "十一个月：由……推出".
    """

    id: str
    question: str
    topic: str = ""
    kind: Kind = "consult"
    similar: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    contrasted: tuple[str, ...] = ()
    short: str = ""
    answer: str = ""
    basis: tuple[Citation, ...] = ()
    next: tuple[str, ...] = ()
    region: str = "全国"
    as_of: str = ""
    valid_from: str = ""
    valid_to: str = ""
    related: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    category: str = ""
    priority: Priority = "normal"
    ask: tuple[str, ...] = ()
    unit: str = ""
    figures: tuple[str, ...] = ()
    formerly: tuple[str, ...] = ()

    @property
    def wordings(self) -> tuple[str, ...]:
        """All that ask this question: the question first, then similar wordings, then contrasted ones."""
        return (self.question, *self.similar, *self.contrasted)


@dataclass(frozen=True, slots=True)
class Article:
    """One article of one version of a regulation.

    Attributes:
        law: canonical title of the regulation.
        version: date of the version, YYYY-MM-DD, or a shorter form, or empty.
        number: 第…条 or 第…项.
        chapter: the headings above it, outermost first, joined by " / ".
        text: the article's words, paragraphs separated by line breaks.
        digest: the same in our own words, where we wrote it.
    """

    law: str
    version: str
    number: str
    chapter: str = ""
    text: str = ""
    digest: str = ""
    status: Status = "in_force"

    @property
    def id(self) -> str:
        """Law, version and number: unique in an index."""
        return f"{self.law}@{self.version}#{self.number}"


@dataclass(frozen=True, slots=True)
class Regulation:
    """One version of a law, regulation, interpretation or rule, with its articles."""

    title: str
    version: str
    full_title: str = ""
    issuer: str = ""
    number: str = ""
    issued: str = ""
    revised: tuple[str, ...] = ()
    effective: str = ""
    status: Status = "in_force"
    field: str = ""
    scope: str = ""
    note: str = ""
    articles: tuple[Article, ...] = ()


@dataclass(frozen=True, slots=True)
class Terminal:
    """A service terminal: the office of the province, a city or a county that takes what is handed over.

    Attributes:
        code: GB/T 2260, six digits.
        parent: code of the level above; empty for the province.
        names: what people call the place, the official name first.
        weak: names that are everyday words too and count only after the city's name.
        phone: filled in by whoever runs the hotline, as are `hours` and `duty`; never by us.
    """

    code: str
    name: str
    level: Level
    parent: str = ""
    names: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    phone: str = ""
    hours: str = ""
    duty: str = ""
