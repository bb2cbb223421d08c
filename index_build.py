"""Build the index: knowledge in, artifacts/<version>/ out, or nothing at all.

python index_build.py --bank PATH --regulations PATH --out artifacts [--encoder PATH_OR_NAME] [--context PATH_OR_NAME]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bot.encoder import SentenceEncoder, load_context
from bot.errors import ArtifactError, BadSource, NuanxinError
from bot.index import build, load, read_manifest, source_hash
from bot.settings import read_settings
from knowledge.bank import read_bank
from knowledge.regulations import read_regulations

ROOT = Path(__file__).resolve().parent
OWN_BANK = ROOT / "knowledge" / "data" / "bank"
OWN_REGULATIONS = ROOT / "knowledge" / "data" / "regulations"


class Bars:
    """One progress bar for each list being encoded; silent without a terminal."""

    def __init__(self) -> None:
        self._bars: dict[str, Any] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        bar = self._bars.get(what)
        if bar is None:
            bar = self._bars[what] = tqdm(total=total, desc=what, unit="条", disable=not sys.stderr.isatty())
        bar.update(done - bar.n)
        if done >= total:
            bar.close()


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Command line to values."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bank", type=Path, nargs="+", action="extend", help="bank files or folders (default: our own)")
    parser.add_argument("--regulations", type=Path, nargs="+", action="extend", help="regulation files or folders (default: our digests)")
    parser.add_argument("--out", type=Path, default=ROOT / "artifacts")
    parser.add_argument("--encoder", default=read_settings().encoder, help="a sentence-transformers folder or hub name")
    parser.add_argument("--context", default=read_settings().context, help="the second encoder likewise; empty for none")
    parser.add_argument("--if-stale", action="store_true", help="do nothing when the current index is made of the same sources")
    return parser.parse_args(arguments)


def run(chosen: argparse.Namespace) -> int:
    """Read, check, build; 0 when an index stands, 1 with every bad row named otherwise."""
    bank = chosen.bank or [OWN_BANK]
    regulations = chosen.regulations or ([OWN_REGULATIONS] if not chosen.bank else [])
    encoder, context = SentenceEncoder(chosen.encoder), load_context(chosen.context)
    if chosen.if_stale and _is_fresh(chosen.out, [*bank, *regulations], encoder, context):
        return 0
    began = time.monotonic()
    entries, faults = read_bank(bank)
    laws, more = read_regulations(regulations)
    if faults or more:
        raise BadSource([*faults, *more])
    folder = build(entries, laws, encoder, chosen.out, source_hash([*bank, *regulations]), Bars(), context)
    counts = read_manifest(folder)[1].counts
    names = " and ".join(model.name for model in (encoder, context) if model)
    print(
        f"{folder}: {counts['entries']} entries, {counts['wordings']} wordings, {counts['regulations']} regulations, "
        f"{counts['articles']} articles, encoder {names}, {time.monotonic() - began:.1f} s"
    )
    return 0


def _is_fresh(out: Path, sources: list[Path], encoder: SentenceEncoder, context: SentenceEncoder | None) -> bool:
    try:
        index = load(out, encoder, context)
    except ArtifactError:
        return False
    return index.manifest.sources == source_hash(sources)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line entry."""
    try:
        return run(parse(arguments))
    except NuanxinError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
