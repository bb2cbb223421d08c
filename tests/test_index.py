"""An artifact is whole or refused."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bot.encoder import SentenceEncoder, Vectors
from bot.errors import ArtifactBroken, ArtifactError, ArtifactForeign, ArtifactMissing
from bot.index import CURRENT, FILES, MANIFEST, Index, build, load, read_manifest
from knowledge.records import Citation, Entry
from tests.conftest import ENTRIES, LAW


class TwoGrams:
    """An encoder of ten lines: hashed character pairs."""

    name = "two-grams"
    fingerprint = "0" * 64
    dimension = 64

    def encode(self, texts: list[str]) -> Vectors:
        rows = np.zeros((len(texts), 64), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for a, b in zip(text, text[1:] + "。", strict=True):
                row[(ord(a) * 31 + ord(b)) % 64] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_what_was_built_comes_back(index: Index) -> None:
    assert index.entries == ENTRIES
    assert index.articles == LAW.articles
    assert index.manifest.counts == {"entries": 8, "wordings": 12, "regulations": 1, "articles": 2}
    assert index.article(Citation("劳动合同法", "第四十七条")) == LAW.articles[1]
    assert index.article(Citation("劳动合同法", "第九十九条")) is None


def test_every_flipped_byte_is_refused(artifacts: Path, encoder: SentenceEncoder, context: SentenceEncoder, tmp_path: Path) -> None:
    out = tmp_path / "copy"
    shutil.copytree(artifacts, out)
    folder, _ = read_manifest(out)
    random = np.random.default_rng(7)
    for name in FILES:
        path = folder / name
        whole = path.read_bytes()
        for place in {0, len(whole) - 1, *random.integers(0, len(whole), 10).tolist()}:
            broken = bytearray(whole)
            broken[place] ^= 1
            path.write_bytes(broken)
            with pytest.raises(ArtifactBroken, match=r"was changed.*index_build"):
                load(out, encoder, context)
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ArtifactBroken):
            load(out, encoder, context)
        path.unlink()
        with pytest.raises(ArtifactBroken, match="missing"):
            load(out, encoder, context)
        path.write_bytes(whole)
    assert load(out, encoder, context).entries == ENTRIES


def test_a_changed_manifest_is_refused(artifacts: Path, encoder: SentenceEncoder, context: SentenceEncoder, tmp_path: Path) -> None:
    out = tmp_path / "copy"
    shutil.copytree(artifacts, out)
    folder, _ = read_manifest(out)
    path = folder / MANIFEST
    manifest = json.loads(path.read_text(encoding="utf-8"))
    whole = path.read_bytes()
    for key, value in (("files", manifest["files"] | {FILES[0]: "0" * 64}), ("counts", {}), ("built_at", ""), ("extra", 1)):
        path.write_text(json.dumps(manifest | {key: value}, ensure_ascii=False, sort_keys=True), encoding="utf-8")
        with pytest.raises(ArtifactBroken, match="was changed"):
            load(out, encoder, context)
    path.write_bytes(whole)
    pointer = out / CURRENT
    for file in (path, pointer):
        kept = file.read_bytes()
        for place in range(0, len(kept), max(1, len(kept) // 40)):
            broken = bytearray(kept)
            broken[place] ^= 1
            file.write_bytes(broken)
            with pytest.raises(ArtifactError):
                load(out, encoder, context)
        file.write_bytes(kept)
    assert path.read_bytes() == whole
    path.write_text("{", encoding="utf-8")
    with pytest.raises(ArtifactBroken):
        load(out, encoder, context)
    path.unlink()
    with pytest.raises(ArtifactBroken, match="did not finish"):
        load(out, encoder, context)


def test_nothing_there(encoder: SentenceEncoder, tmp_path: Path) -> None:
    with pytest.raises(ArtifactMissing, match=r"run\.sh build"):
        load(tmp_path, encoder)


def test_another_encoder_is_refused_with_both_names(artifacts: Path) -> None:
    with pytest.raises(ArtifactForeign, match=r"static-zh-v3.*two-grams"):
        load(artifacts, TwoGrams())


def test_a_build_that_dies_leaves_the_old_index(encoder: SentenceEncoder, tmp_path: Path) -> None:
    build(ENTRIES[:2], [], encoder, tmp_path, {})
    before = (tmp_path / CURRENT).read_text()

    class Dying(TwoGrams):
        def encode(self, texts: list[str]) -> Vectors:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(ENTRIES, [LAW], Dying(), tmp_path, {})
    assert (tmp_path / CURRENT).read_text() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([CURRENT, before.strip()])
    assert load(tmp_path, encoder).entries == ENTRIES[:2]


def test_same_input_same_version(encoder: SentenceEncoder, context: SentenceEncoder, tmp_path: Path, artifacts: Path) -> None:
    assert build(ENTRIES, [LAW], encoder, tmp_path, {}, context=context).name == read_manifest(artifacts)[1].version


def test_contrasted_wordings_leave_the_centre_alone(encoder: SentenceEncoder, context: SentenceEncoder, tmp_path: Path) -> None:
    """They are found by their words and do not move the middle of their entry, for either encoder."""
    plain = Entry("wage-1", "单位拖欠工资怎么办", similar=("老板不发工资咋整",))
    borrowed = replace(plain, contrasted=("年休假工资老板一直没给",))
    asked = "年休假工资没给"
    centres = []
    for name, entry in (("plain", plain), ("borrowed", borrowed), ("similar", replace(plain, similar=borrowed.wordings[1:]))):
        build([entry], [], encoder, tmp_path / name, {}, context=context)
        index = load(tmp_path / name, encoder, context)
        assert index.contexts is not None
        centres.append((index.documents.centre(encoder.encode([asked]))[0], index.contexts.centre(context.encode([asked]))[0]))
        assert tuple(index.wordings.texts) == entry.wordings
    assert centres[0] == pytest.approx(centres[1], abs=1e-6)
    assert all(moved > left for moved, left in zip(centres[2], centres[0], strict=True))
