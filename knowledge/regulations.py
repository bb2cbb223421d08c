"""Regulation files (markdown, .docx, .txt in full; YAML digests) to regulations with their articles.

Knows the shape of Chinese statutes: 编/章/节 headings, articles 第X条 and 第X条之一, texts numbered 一、二、.
Knows nothing of the bank or the index.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import docx
import yaml

from knowledge.citations import article_number, canonical_title, parse_number
from knowledge.records import Article, Fault, Regulation, Status

SUFFIXES = (".md", ".txt", ".docx", ".yaml", ".yml")
_N = "[零〇一二三四五六七八九十百千]+"
_ARTICLE = re.compile(rf"^第({_N}|\d+)条(?:之({_N}|\d+))?(?:[\s　：:]+|$)(.*)$")
_HEADING = re.compile(rf"^(第(?:{_N}|\d+)(?:编|分编|章|节)|附则|附件|附表)(?=[\s　、：:一二三四五六七八九十\d]|$)")
_LEVELS = {"编": 1, "分编": 2, "章": 3, "节": 4}
_ITEM = re.compile(r"^([一二三四五六七八九十]+)、\s*(.*)$")
_ARABIC = re.compile(r"^(\d{1,3})\s*[．.、]\s*(\D.*)$")
_PLAIN_DIGITS = re.compile(r"^[⒈-⒛０-９]+")
"""One-character numerals such as ⒑ that some texts number their items with."""
_CASE = re.compile(r"^案例\s*(\d+|[一二三四五六七八九十]+)\s*[.．、：:]?\s*(.*)$")
_DATE = re.compile(r"(\d{4})\s*年(?:\s*(\d{1,2})\s*月(?:\s*(\d{1,2})\s*日)?)?")
_NAME_DATE = re.compile(r"[（(](\d{4}(?:-\d{2}(?:-\d{2})?)?)[)）]$")
_DOCUMENT_NUMBER = re.compile(
    r"[\u4e00-\u9fff]{1,8}[〔\[（(]\d{4}[〕\]）)]\d+号|(?:主席|国务院|部)?令\s*第?[\d零〇一二三四五六七八九十百]+号"
)
_INFO_END = "<!-- INFO END -->"
_STATUSES: tuple[Status, ...] = ("in_force", "revised", "repealed")


@dataclass(slots=True)
class _Open:
    """An article while its lines are still coming in."""

    number: str
    chapter: str
    lines: list[str] = field(default_factory=list)


def find_files(paths: Iterable[Path]) -> tuple[list[Path], list[Fault]]:
    """Regulation files under the given files and folders, INDEX and README left out, sorted."""
    files: list[Path] = []
    faults = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES)
            files.extend(p for p in inside if p.stem.upper() not in {"INDEX", "README"})
        elif path.is_file() and path.suffix.lower() in SUFFIXES:
            files.append(path)
        else:
            wanted = "a folder or a file ending in " + ", ".join(SUFFIXES)
            faults.append(Fault(str(path), "-", f"not found or not readable here; wanted {wanted}"))
    return files, faults


def read_regulations(paths: Iterable[Path]) -> tuple[list[Regulation], list[Fault]]:
    """All regulations under the paths, versions settled, and everything that could not be read.

    Files of one title and version (the books of a code) become one regulation; the newest version of
    a title stays in force, older ones are marked revised.
    """
    files, faults = find_files(paths)
    found: list[Regulation] = []
    for path in files:
        regulation, trouble = read_regulation(path)
        faults.extend(trouble)
        if regulation is not None:
            found.append(regulation)
    return settle_versions(merge_parts(found)), faults


def read_regulation(path: Path) -> tuple[Regulation | None, list[Fault]]:
    """One file; None with its faults where it cannot be used."""
    try:
        if path.suffix.lower() in {".yaml", ".yml"}:
            return _read_digest(path)
        lines = _docx_lines(path) if path.suffix.lower() == ".docx" else _text_lines(path)
    except Exception as error:  # any broken file is a fault of that file, whatever the reader raised
        return None, [Fault(path.name, "-", f"cannot be read: {type(error).__name__}: {error}")]
    return _parse_full_text(path, lines)


def _text_lines(path: Path) -> list[str]:
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("gb18030")
    return text.splitlines()


def _docx_lines(path: Path) -> list[str]:
    """Paragraphs of a Word file; its title and heading styles as markdown headings."""
    lines = []
    for paragraph in docx.Document(str(path)).paragraphs:
        style = (paragraph.style.name or "") if paragraph.style is not None else ""
        text = paragraph.text.strip()
        marked = text and not _ARTICLE.match(text) and (style == "Title" or style.startswith("Heading"))
        lines.append(f"# {text}" if marked and style == "Title" else f"## {text}" if marked else text)
    return lines


def _parse_full_text(path: Path, lines: Sequence[str]) -> tuple[Regulation | None, list[Fault]]:
    head, body = _split_head([line.strip().strip("　").strip() for line in lines])
    titles = [line.lstrip("#").strip() for line in head if line.startswith("#")]
    if not titles:
        titles = [line for line in head if line][:1]
    if not titles or not titles[0]:
        return None, [Fault(path.name, "line 1", "no title; wanted a first line '# title'")]
    title = canonical_title(_NAME_DATE.sub("", titles[0]))
    info = [line for line in head if line and not line.startswith("#")]
    dates = _read_dates(info)
    named = _NAME_DATE.search(path.stem)
    version = named[1] if named else max([dates.issued, *dates.revised])
    opened, faults = _collect_articles(body, path.name, context=tuple(titles[1:]))
    if not opened:
        return None, [*faults, Fault(path.name, "-", "no article and no text found after the title")]
    articles = []
    for item in opened:
        text = "\n".join(line for line in item.lines if line)
        if not text:
            faults.append(Fault(path.name, item.number, "an article without text"))
        articles.append(Article(title, version, item.number, item.chapter, text))
    number = next((match[0] for line in info if (match := _DOCUMENT_NUMBER.search(line))), "")
    regulation = Regulation(
        title=title,
        version=version,
        full_title=re.sub(r"\s", "", titles[0]),
        number=number,
        issued=dates.issued,
        revised=dates.revised,
        effective=dates.effective,
        articles=tuple(articles),
    )
    return (None if faults else regulation), faults


def _split_head(lines: list[str]) -> tuple[list[str], list[str]]:
    if _INFO_END in lines:
        at = lines.index(_INFO_END)
        return lines[:at], lines[at + 1 :]
    for at, line in enumerate(lines):
        bare = line.lstrip("#").strip()
        if at and (_ARTICLE.match(bare) or _HEADING.match(bare) or _ITEM.match(bare)):
            return lines[:at], lines[at:]
    return lines[:1], lines[1:]


@dataclass(frozen=True, slots=True)
class _Dates:
    issued: str = ""
    revised: tuple[str, ...] = ()
    effective: str = ""


def _read_dates(info: Sequence[str]) -> _Dates:
    """First date is the issue; dates on lines that speak of 修正/修订 are revisions; 施行 names the start."""
    issued, effective = "", ""
    revised: list[str] = []
    for line in info:
        for match in _DATE.finditer(line):
            date = "-".join(part.zfill(2) for part in match.groups() if part)
            if re.search(r"施行|实施|生效", line) and not re.search(r"通过|公布|发布", line):
                effective = effective or date
            elif re.search(r"修正|修订|修改", line) and issued:
                revised.append(date)
            else:
                issued = issued or date
            if not re.search(r"施行", line):
                break
    return _Dates(issued, tuple(revised), effective)


def _collect_articles(body: Sequence[str], file: str, context: tuple[str, ...]) -> tuple[list[_Open], list[Fault]]:
    """Articles of a text by its own numbering: 第X条, else continuous 1. 2. 3., else 一、二、, else cases, else whole."""
    body = [_PLAIN_DIGITS.sub(lambda match: unicodedata.normalize("NFKC", match[0]), line) for line in body]
    bare = [line.lstrip("#").strip() for line in body]
    if any(_ARTICLE.match(line) for line in bare):
        return _collect(body, file, context, _by_article)
    arabic = [int(match[1]) for line in bare if (match := _ARABIC.match(line))]
    items = [match[1] for line in bare if (match := _ITEM.match(line))]
    if len(arabic) > len(items) and arabic == list(range(1, len(arabic) + 1)):
        return _collect(body, file, context, _by_arabic)
    if sum(bool(_CASE.match(line)) for line in bare) >= 2:
        return _collect(body, file, context, _by_case)
    if items:
        return _collect(body, file, context, _by_item)
    text = [line for line in bare if line]
    return ([_Open("全文", " / ".join(context), text)] if text else []), []


def _by_article(line: str) -> tuple[str, str] | None:
    match = _ARTICLE.match(line)
    if match is None:
        return None
    number, after = parse_number(match[1]), parse_number(match[2]) if match[2] else None
    return (article_number(number, after), match[3]) if number else None


def _by_arabic(line: str) -> tuple[str, str] | None:
    match = _ARABIC.match(line)
    return (article_number(int(match[1])), match[2]) if match else None


def _by_case(line: str) -> tuple[str, str] | None:
    match = _CASE.match(line)
    number = parse_number(match[1]) if match else None
    return (f"案例{number}", match[2]) if match and number else None


def _by_item(line: str) -> tuple[str, str] | None:
    match = _ITEM.match(line)
    number = parse_number(match[1]) if match else None
    return (article_number(number, unit="项"), match[2]) if match and number else None


_Start = Callable[[str], tuple[str, str] | None]


def _collect(body: Sequence[str], file: str, context: tuple[str, ...], start: _Start) -> tuple[list[_Open], list[Fault]]:
    opened: list[_Open] = []
    faults: list[Fault] = []
    seen: dict[str, int] = {}
    above: dict[int, str] = {}
    for at, line in enumerate(body):
        bare = line.lstrip("#").strip()
        begun = start(bare)
        if begun is not None:
            number, text = begun
            if number in seen:
                faults.append(Fault(file, number, f"stands twice (text lines {seen[number]} and {at + 1})"))
            seen[number] = at + 1
            chapter = " / ".join([*context, *(above[level] for level in sorted(above))])
            opened.append(_Open(number, chapter, [text]))
        elif (line.startswith("#") and bare) or _is_heading(bare):
            level = _heading_level(line, bare)
            above = {key: value for key, value in above.items() if key < level} | {level: re.sub(r"[\s　]+", " ", bare)}
        elif start is _by_arabic and _ITEM.match(bare):
            above = {1: bare}
        elif opened:
            opened[-1].lines.append(bare)
    return opened, faults


def _is_heading(bare: str) -> bool:
    return bool(_HEADING.match(bare)) and len(bare) <= 40 and not bare.endswith(("。", "；", "：", "，"))


def _heading_level(line: str, bare: str) -> int:
    match = re.match(rf"^第(?:{_N}|\d+)(分编|编|章|节)", bare)
    if match:
        return _LEVELS[match[1]]
    return max(3, line.count("#", 0, 6)) if line.startswith("#") else 3


def _read_digest(path: Path) -> tuple[Regulation | None, list[Fault]]:
    """Our own digest: a YAML mapping as described in knowledge/data/README.md."""
    data = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CBaseLoader)  # noqa: S506 - builds text, lists and mappings only
    if not isinstance(data, dict) or not data.get("title"):
        return None, [Fault(path.name, "-", "wanted a mapping with at least 'title'")]
    faults = []
    status: Status = data.get("status") or "in_force"
    if status not in _STATUSES:
        faults.append(Fault(path.name, "status", f"is '{status}', wanted one of {', '.join(_STATUSES)}"))
        status = "in_force"
    title, version = canonical_title(data["title"]), data.get("version", "")
    articles = []
    given = data.get("articles") or {}
    if not isinstance(given, dict):
        return None, [*faults, Fault(path.name, "articles", "wanted a mapping from article number to digest")]
    for number, text in given.items():
        if not re.fullmatch(rf"第{_N}(?:条(?:之{_N})?|项)|案例\d+|全文", number):
            faults.append(Fault(path.name, number, "not an article number; wanted 第X条, 第X条之一 or 第X项"))
        elif not isinstance(text, str) or not text.strip():
            faults.append(Fault(path.name, number, "an article without digest"))
        else:
            articles.append(Article(title, version, number, digest=text.strip(), status=status))
    regulation = Regulation(
        title=title,
        version=version,
        full_title=data.get("full_title") or title,
        issuer=data.get("issuer", ""),
        number=data.get("number", ""),
        issued=data.get("issued", ""),
        revised=tuple(data.get("revised") or ()),
        effective=data.get("effective", ""),
        status=status,
        field=data.get("field", ""),
        scope=data.get("scope", ""),
        note=data.get("note", ""),
        articles=tuple(articles),
    )
    return (None if faults else regulation), faults


def merge_parts(regulations: Iterable[Regulation]) -> list[Regulation]:
    """Regulations of one title and version as one; full text and digest of an article meet in one article."""
    merged: dict[tuple[str, str], Regulation] = {}
    for new in regulations:
        key = (new.title, new.version)
        old = merged.get(key)
        if old is None:
            merged[key] = new
            continue
        articles = {article.number: article for article in old.articles}
        for article in new.articles:
            had = articles.get(article.number)
            articles[article.number] = (
                article
                if had is None
                else replace(
                    had,
                    text=had.text or article.text,
                    digest=had.digest or article.digest,
                    chapter=had.chapter or article.chapter,
                )
            )
        status = max(old.status, new.status, key=_STATUSES.index)
        merged[key] = replace(
            old,
            issuer=old.issuer or new.issuer,
            number=old.number or new.number,
            issued=old.issued or new.issued,
            revised=old.revised or new.revised,
            effective=old.effective or new.effective,
            field=old.field or new.field,
            scope=old.scope or new.scope,
            note=old.note or new.note,
            status=status,
            articles=tuple(articles.values()),
        )
    return list(merged.values())


def settle_versions(regulations: Iterable[Regulation]) -> list[Regulation]:
    """Newest version of each title first; the older ones marked revised; articles carry their status."""
    by_title: dict[str, list[Regulation]] = {}
    for regulation in regulations:
        by_title.setdefault(regulation.title, []).append(regulation)
    settled = []
    for versions in by_title.values():
        versions.sort(key=lambda regulation: regulation.version, reverse=True)
        for place, regulation in enumerate(versions):
            status: Status = "revised" if place and regulation.status == "in_force" else regulation.status
            articles = tuple(replace(article, status=status) for article in regulation.articles)
            settled.append(replace(regulation, status=status, articles=articles))
    return settled
