"""The policy file: from which score on to answer, for each share of wrong answers one is ready to accept.

Made by `eval.fit`, read at the start. Knows nothing of entries or texts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from bot.errors import PolicyError

BUNDLED_POLICY = Path(__file__).resolve().parent / "models" / "policy.json"


@dataclass(frozen=True, slots=True)
class Policy:
    """When to answer, when to ask back, when to hand over; scores are probabilities, 0..1.

    Attributes:
        answer: at least this score answers by itself.
        clarify: at least this score makes a choice to offer.
        outside: below it nothing of the bank is near, and the hand-over says so.
        risk: the share of wrong answers that `answer` was fitted for.
        version: of the file.
    """

    answer: float
    clarify: float
    outside: float
    risk: float = 0.0
    version: str = ""


VERY_WORDS = 1.0
"""The score of an entry's very words, which no other text reaches."""


@dataclass(frozen=True, slots=True)
class PolicyPoint:
    """One fitted threshold, and what came of it on the labelled questions.

    Attributes:
        risk: upper bound asked for: the share of wrong ones among the answers given.
        answer: the threshold.
        coverage: share of the questions with a right entry that were answered.
        wrong: share of wrong ones among the answers given.
        bound: upper confidence bound of `wrong`.
    """

    risk: float
    answer: float
    coverage: float
    wrong: float
    bound: float


def read_policy(path: Path, risk: float, in_context: bool) -> Policy:
    """The policy for an accepted risk: the most lenient fitted point whose risk is not above it.

    Without a second encoder, where no threshold keeps the risk, only an entry's very words are answered and all else is asked
    back: a server that has lost its second encoder should still serve.

    Args:
        in_context: whether the scores will be made with a second encoder; thresholds fitted with one promise nothing without it.

    Raises:
        PolicyError: the file cannot be read, no threshold keeps so low a risk with a second encoder, or none was fitted for such scores.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if not in_context:
            data |= data["without_context"]
        elif not data["made_of"]["context"]:
            raise PolicyError(f"The policy {path.name} was fitted without a second encoder. Fit it again: python -m eval.fit")
        points = [PolicyPoint(**point) for point in data["points"]]
        fitting = [point for point in points if point.risk <= risk + 1e-9]
        if not fitting and not in_context:
            return Policy(VERY_WORDS, float(data["clarify"]), float(data["outside"]), 0.0, str(data["version"]))
        if not fitting:
            offered = ", ".join(f"{point.risk:g}" for point in points)
            raise PolicyError(
                f"NUANXIN_RISK={risk:g}: the policy {path.name} was fitted for {offered}. Choose one of these, or fit: python -m eval.fit"
            )
        point = max(fitting, key=lambda point: point.risk)
        return Policy(point.answer, float(data["clarify"]), float(data["outside"]), point.risk, str(data["version"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PolicyError(f"The policy {path} cannot be read ({type(error).__name__}: {error}). Fit one: python -m eval.fit") from error
