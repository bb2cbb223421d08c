"""Wordings and articles as vectors and grams on disk, whole or absent; the only FAISS user.

An artifact folder holds the entries, the articles, both indexes and a manifest written last with the
sha256 of every file. Knows what is nearest; does not know what is good enough.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import faiss
import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from bot.documents import Contexts, Documents
from bot.encoder import Encoder, Vectors
from bot.errors import ArtifactBroken, ArtifactForeign, ArtifactMissing
from bot.lexical import LexicalIndex
from bot.reading import Reading, from_row, read, to_row
from bot.text import CLEANUP_VERSION
from knowledge.records import Article, Citation, Entry, Regulation

FORMAT = "4"
MANIFEST = "manifest.json"
CURRENT = "CURRENT"
CURE = "Build it again: python index_build.py (or: bash run.sh build)."
ENTRIES, ARTICLES = "entries.json", "articles.json"
WORDING_VECTORS, ARTICLE_VECTORS = "wordings.faiss", "articles.faiss"
WORDING_GRAMS, ARTICLE_GRAMS = "wordings.npz", "articles.npz"
WORDING_READINGS = "readings.jsonl"
ANSWER_VECTORS, DOCUMENT_GRAMS = "answers.faiss", "documents.npz"
CONTEXT_VECTORS = "contexts.npy"
FILES = (
    ENTRIES,
    ARTICLES,
    WORDING_VECTORS,
    ARTICLE_VECTORS,
    WORDING_GRAMS,
    ARTICLE_GRAMS,
    WORDING_READINGS,
    ANSWER_VECTORS,
    DOCUMENT_GRAMS,
    CONTEXT_VECTORS,
)
ANSWER_SEARCHED = 200
"""Characters of the answer that its vector speaks for, after the short answer."""

MOST_EXACT = 5000
"""Articles up to which every one is compared with the question."""

_STEP = 512
"""Texts encoded between two words on the progress."""

Progress = Callable[[str, int, int], None]
Scores = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an artifact is made of; `context` and its fingerprint are empty where it was built without a second encoder."""

    version: str
    format: str
    encoder: str
    encoder_fingerprint: str
    dimension: int
    cleanup: str
    built_at: str
    counts: dict[str, int]
    sources: dict[str, str]
    files: dict[str, str]
    context: str = ""
    context_fingerprint: str = ""
    seal: str = ""

    def sealed(self) -> Manifest:
        """The same with `seal` set to the sha256 of all other fields."""
        bare = replace(self, seal="")
        return replace(self, seal=hashlib.sha256(_as_json(asdict(bare))).hexdigest())


def use_one_thread() -> None:
    """Search and multiply on the asking thread alone, for the same reason as the encoder."""
    faiss.omp_set_num_threads(1)
    threadpool_limits(limits=1)


class Side:
    """One searchable list of texts, each owned by an entry or an article.

    Args:
        texts: the wordings or article texts.
        owners: for each text the place of its owner in the list of owners.
        readings: what was read off each text, where texts are compared one by one.
    """

    def __init__(
        self,
        texts: Sequence[str],
        owners: Sequence[int],
        vectors: faiss.Index,
        grams: LexicalIndex,
        readings: Sequence[Reading] = (),
    ) -> None:
        self.texts = tuple(texts)
        self.readings = tuple(readings)
        self.owners = np.asarray(owners, dtype=np.int64)
        self._vectors = vectors
        self._grams = grams

    def nearest(self, vector: Vectors, k: int) -> tuple[npt.NDArray[np.int64], Scores]:
        """The k texts of highest cosine: their places and cosines, best first."""
        if not self.texts:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
        scores, places = self._vectors.search(vector.reshape(1, -1), min(k, len(self.texts)))
        return places[0], scores[0]

    def vectors(self) -> Vectors:
        """The vectors of all texts, float32, shape (texts, dimension)."""
        return np.asarray(self._vectors.reconstruct_n(0, len(self.texts)), dtype=np.float32)

    def cosine(self, vector: Vectors, places: npt.NDArray[np.int64]) -> Scores:
        """Cosines of a vector with the texts at the given places."""
        return np.asarray(self._vectors.reconstruct_batch(places) @ vector.ravel(), dtype=np.float32)

    def lexical(self, text: str) -> Scores:
        """TF-IDF cosine of a text with every text."""
        return self._grams.score(text)

    def lexical_some(self, text: str, places: npt.NDArray[np.int64]) -> Scores:
        """The same with the texts at the given places."""
        return self._grams.score_some(text, places)


class Index:
    """A loaded artifact."""

    def __init__(
        self,
        manifest: Manifest,
        entries: Sequence[Entry],
        articles: Sequence[Article],
        wordings: Side,
        passages: Side,
        documents: Documents,
        contexts: Contexts | None = None,
    ) -> None:
        self.documents = documents
        self.contexts = contexts
        self.manifest = manifest
        self.entries = tuple(entries)
        self.articles = tuple(articles)
        self.wordings = wordings
        self.passages = passages
        self._entry_by_id = {id_: entry for entry in self.entries for id_ in (*entry.formerly, entry.id)}
        self._article_by_citation: dict[tuple[str, str], Article] = {}
        for article in self.articles:  # newest version first, so the first one found is the one to show
            self._article_by_citation.setdefault((article.law, article.number), article)

    @property
    def version(self) -> str:
        return self.manifest.version

    def entry(self, id_: str) -> Entry | None:
        """The entry of that id, or the one that the entry of that id was merged into."""
        return self._entry_by_id.get(id_)

    def article(self, citation: Citation) -> Article | None:
        """The newest version of a cited article; 第X条 also finds 第X项 of a text numbered 一、二、."""
        number = citation.article
        return self._article_by_citation.get((citation.law, number)) or self._article_by_citation.get(
            (citation.law, number.replace("条", "项"))
        )

    @property
    def laws(self) -> frozenset[str]:
        """Titles of all regulations at hand."""
        return frozenset(law for law, _ in self._article_by_citation)


def article_text(article: Article) -> str:
    """What of an article is searched: law, headings and words."""
    return f"{article.law} {article.chapter} {article.text or article.digest}"


def document_text(entry: Entry) -> str:
    """All words of an entry that a question may share: its wordings and its short answer."""
    return "。".join((*entry.wordings, entry.short))


def answer_text(entry: Entry) -> str:
    """What of an answer is searched."""
    return entry.short + entry.answer[:ANSWER_SEARCHED]


def _wordings(entries: Sequence[Entry]) -> tuple[list[str], list[int]]:
    pairs = [(wording, place) for place, entry in enumerate(entries) for wording in entry.wordings]
    return [wording for wording, _ in pairs], [place for _, place in pairs]


def _passages(articles: Sequence[Article]) -> tuple[list[str], list[int]]:
    """Every article's text, and its digest as a second text where both are at hand."""
    texts, owners = [], []
    for place, article in enumerate(articles):
        texts.append(article_text(article))
        owners.append(place)
        if article.text and article.digest:
            texts.append(article.digest)
            owners.append(place)
    return texts, owners


def source_hash(paths: Sequence[Path]) -> dict[str, str]:
    """sha256 of every source file by name, for telling a stale index from a fresh one."""
    found: dict[str, str] = {}
    for path in paths:
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in files:
            name = f"{path.name}/{file.relative_to(path).as_posix()}" if path.is_dir() else path.name
            found[name] = _sha256(file)
    return found


def build(
    entries: Sequence[Entry],
    regulations: Sequence[Regulation],
    encoder: Encoder,
    out: Path,
    sources: dict[str, str],
    progress: Progress = lambda what, done, total: None,
    context: Encoder | None = None,
) -> Path:
    """Write a new artifact under `out` and point CURRENT at it; returns its folder.

    Everything is written into a temporary folder beside it, flushed, and renamed at the end: a build
    that dies leaves no artifact, and the one before goes on being current.
    """
    articles = [article for regulation in regulations for article in regulation.articles]
    out.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".building-", dir=out))
    try:
        _write_json(folder / ENTRIES, [asdict(entry) for entry in entries])
        _write_json(folder / ARTICLES, [asdict(article) for article in articles])
        wordings, _ = _wordings(entries)
        passages, _ = _passages(articles)
        for name, texts, vector_file, gram_file, exact in (
            ("问法", wordings, WORDING_VECTORS, WORDING_GRAMS, True),
            ("条文", passages, ARTICLE_VECTORS, ARTICLE_GRAMS, False),
        ):
            faiss.write_index(_vector_index(name, texts, encoder, progress, exact), str(folder / vector_file))
            LexicalIndex.build(texts).save(folder / gram_file)
        answers = faiss.IndexFlatIP(encoder.dimension)
        answers.add(_answer_vectors(entries, encoder))
        faiss.write_index(answers, str(folder / ANSWER_VECTORS))
        LexicalIndex.build([document_text(entry) for entry in entries]).save(folder / DOCUMENT_GRAMS)
        np.save(folder / CONTEXT_VECTORS, _context_vectors(wordings, context, progress))
        _write(folder / WORDING_READINGS, b"".join(_as_json(to_row(read(wording))) + b"\n" for wording in wordings))
        files = {name: _sha256(folder / name) for name in FILES}
        counts = {
            "entries": len(entries),
            "wordings": len(wordings),
            "regulations": len(regulations),
            "articles": len(articles),
        }
        made_with = [encoder.fingerprint, context.fingerprint if context else "", CLEANUP_VERSION, FORMAT]
        version = hashlib.sha256(_as_json([files, *made_with])).hexdigest()[:12]
        manifest = Manifest(
            version=version,
            format=FORMAT,
            encoder=encoder.name,
            encoder_fingerprint=encoder.fingerprint,
            dimension=encoder.dimension,
            cleanup=CLEANUP_VERSION,
            built_at=datetime.now(UTC).isoformat(timespec="seconds"),
            counts=counts,
            sources=sources,
            files=files,
            context=context.name if context else "",
            context_fingerprint=context.fingerprint if context else "",
        )
        _write_json(folder / MANIFEST, asdict(manifest.sealed()))
        folder.chmod(0o755)
        target = out / version
        if target.exists():
            shutil.rmtree(target)
        folder.rename(target)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    _point(out, version)
    return target


def _context_vectors(texts: Sequence[str], context: Encoder | None, progress: Progress) -> npt.NDArray[np.float16]:
    """The second encoder's vectors in half precision; none where there is no such encoder."""
    if context is None:
        return np.zeros((0, 0), dtype=np.float16)
    vectors = np.zeros((len(texts), context.dimension), dtype=np.float16)
    for at in range(0, len(texts), _STEP):
        vectors[at : at + _STEP] = context.encode(texts[at : at + _STEP])
        progress("问法的上下文", min(at + _STEP, len(texts)), len(texts))
    return vectors


def _answer_vectors(entries: Sequence[Entry], encoder: Encoder) -> Vectors:
    """Vectors of the answers; zero where an entry has none."""
    vectors = np.zeros((len(entries), encoder.dimension), dtype=np.float32)
    written = [place for place, entry in enumerate(entries) if answer_text(entry)]
    if written:
        vectors[written] = encoder.encode([answer_text(entries[place]) for place in written])
    return vectors


def _vector_index(name: str, texts: Sequence[str], encoder: Encoder, progress: Progress, exact: bool) -> faiss.Index:
    """A flat index, or above MOST_EXACT texts a graph (Malkov and Yashunin, arXiv 1603.09320) where near enough is enough."""
    index: faiss.Index
    if exact or len(texts) <= MOST_EXACT:
        index = faiss.IndexFlatIP(encoder.dimension)
    else:
        graph = index = faiss.IndexHNSWFlat(encoder.dimension, 24, faiss.METRIC_INNER_PRODUCT)
        graph.hnsw.efConstruction = 80
        graph.hnsw.efSearch = 160
    for at in range(0, len(texts), _STEP):
        index.add(encoder.encode(texts[at : at + _STEP]))
        progress(name, min(at + _STEP, len(texts)), len(texts))
    return index


def _point(out: Path, version: str) -> None:
    pointer = out / f".{CURRENT}-{os.getpid()}"
    pointer.write_text(version + "\n", encoding="utf-8")
    with pointer.open("rb") as file:
        os.fsync(file.fileno())
    pointer.replace(out / CURRENT)


def read_manifest(artifacts: Path) -> tuple[Path, Manifest]:
    """The current artifact's folder and manifest.

    Raises:
        ArtifactMissing: there is no index here.
        ArtifactBroken: the pointer or the manifest cannot be read.
    """
    folder = artifacts
    if not (artifacts / MANIFEST).is_file():
        pointer = artifacts / CURRENT
        if not pointer.is_file():
            raise ArtifactMissing(f"No index in {artifacts}: neither {CURRENT} nor {MANIFEST} is there. {CURE}")
        folder = artifacts / pointer.read_text(encoding="utf-8", errors="replace").removesuffix("\n")
    path = folder / MANIFEST
    if not path.is_file():
        raise ArtifactBroken(f"{folder} has no {MANIFEST}: the build did not finish, or files were removed. {CURE}")
    raw = path.read_bytes()
    try:
        manifest = Manifest(**json.loads(raw))
    except (ValueError, TypeError) as error:
        raise ArtifactBroken(f"{path} was changed: it cannot be read ({error}). {CURE}") from error
    if raw != _as_json(asdict(manifest.sealed())):
        raise ArtifactBroken(f"{path} was changed after the build. {CURE}")
    return folder, manifest


def load(artifacts: Path, encoder: Encoder, context: Encoder | None = None) -> Index:
    """The current artifact, every hash checked before anything is parsed.

    Raises:
        ArtifactMissing, ArtifactBroken, ArtifactForeign: it may not be served; the message says the cure.
    """
    folder, manifest = read_manifest(artifacts)
    if manifest.format != FORMAT:
        raise ArtifactForeign(f"{folder} has format {manifest.format}, this version reads {FORMAT}. {CURE}")
    if manifest.encoder_fingerprint != encoder.fingerprint:
        raise ArtifactForeign(
            f"{folder} was built with encoder {manifest.encoder} ({manifest.encoder_fingerprint[:12]}), "
            f"but the encoder in use is {encoder.name} ({encoder.fingerprint[:12]}). {CURE}"
        )
    if manifest.context_fingerprint != (context.fingerprint if context else ""):
        raise ArtifactForeign(
            f"{folder} was built with {manifest.context or 'no'} second encoder, "
            f"but the one in use is {context.name if context else 'none'}. {CURE}"
        )
    if manifest.cleanup != CLEANUP_VERSION:
        raise ArtifactForeign(f"{folder} was built with clean-up {manifest.cleanup}, this version cleans up by {CLEANUP_VERSION}. {CURE}")
    if set(manifest.files) != set(FILES):
        raise ArtifactBroken(f"{folder}/{MANIFEST} lists {sorted(manifest.files)}, wanted {sorted(FILES)}. {CURE}")
    for name, wanted in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise ArtifactBroken(f"{path} is missing. {CURE}")
        found = _sha256(path)
        if found != wanted:
            raise ArtifactBroken(f"{path} was changed: sha256 {found[:12]}…, the manifest says {wanted[:12]}…. {CURE}")
    entries = [_entry(row) for row in json.loads((folder / ENTRIES).read_text(encoding="utf-8"))]
    articles = [Article(**row) for row in json.loads((folder / ARTICLES).read_text(encoding="utf-8"))]
    texts, owners = _wordings(entries)
    passages, passage_owners = _passages(articles)
    with (folder / WORDING_READINGS).open(encoding="utf-8") as rows:  # row by row: all at once they would stay in memory
        readings = [from_row(json.loads(row)) for row in rows]
    wordings = Side(texts, owners, faiss.read_index(str(folder / WORDING_VECTORS)), LexicalIndex.load(folder / WORDING_GRAMS), readings)
    # What borrows a neighbour's words is left out of its entry's centre (held-out questions R@1 0.883 with it, 0.889 without).
    central = np.asarray([number <= len(entry.similar) for entry in entries for number in range(len(entry.wordings))], dtype=bool)
    answers = faiss.read_index(str(folder / ANSWER_VECTORS)).reconstruct_n(0, len(entries))
    return Index(
        manifest,
        entries,
        articles,
        wordings,
        Side(passages, passage_owners, faiss.read_index(str(folder / ARTICLE_VECTORS)), LexicalIndex.load(folder / ARTICLE_GRAMS)),
        Documents(wordings.vectors(), wordings.owners, central, answers, LexicalIndex.load(folder / DOCUMENT_GRAMS)),
        Contexts(np.load(folder / CONTEXT_VECTORS), wordings.owners, central, len(entries)) if context else None,
    )


def _entry(row: dict[str, object]) -> Entry:
    values: dict[str, object] = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    values["basis"] = tuple(Citation(**citation) for citation in row["basis"])  # type: ignore[attr-defined]
    return Entry(**values)  # type: ignore[arg-type]


def _as_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True).encode()


def _write_json(path: Path, value: object) -> None:
    _write(path, _as_json(value))


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
