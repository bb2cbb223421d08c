"""Fitting and reading the policy: bounds by known answers, thresholds by hand-made cases."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import PolicyError
from bot.policy import read_policy
from bot.settings import Settings
from eval.fit import GRID, Looked, Scored, curve, fewest_answers, fit, fit_point, score_out_of_fold, upper_bound


@pytest.mark.parametrize(("wrong", "given_", "bound"), [(0, 59, 0.0495), (0, 29, 0.0982), (5, 100, 0.1023), (3, 3, 1.0)])
def test_clopper_pearson_by_the_tables(wrong: int, given_: int, bound: float) -> None:
    assert upper_bound(wrong, given_) == pytest.approx(bound, abs=2e-4)


def cases(right: int, wrong: int) -> list[Scored]:
    """Right ones with scores above all wrong ones."""
    good = [Scored(1 - 0.001 * n, True, True) for n in range(right)]
    return good + [Scored(0.4 - 0.001 * n, False, False) for n in range(wrong)]


def test_the_threshold_stops_before_the_first_failure() -> None:
    found = fit_point(cases(400, 50), 0.05)
    assert found is not None
    assert 0.35 < found.answer <= 0.601
    assert found.bound <= 0.05
    assert found.coverage == 1.0


def test_too_few_answers_promise_nothing() -> None:
    # Eight wrong of 285 or 286 lie about the bound of 5 %: BETAINV(0.95; 9; 277) = 0.05008, (0.95; 9; 278) = 0.04990.
    assert fewest_answers(0.05) == 286
    assert fit_point([Scored(0.97, True, True)] * 285, 0.05) is None
    found = fit_point([Scored(0.97, True, True)] * 286, 0.05)
    assert found is not None
    assert found.answer == GRID[-1]


def test_a_first_failure_ends_it() -> None:
    # From 0.70 on there are 286 answers and more, twelve of the first 301 wrong; however good all later ones are, it has failed.
    scored = [Scored(1 - n / 1000, n >= 12, True) for n in range(900)]
    assert curve(scored)[-1].bound < 0.05
    assert fit_point(scored, 0.05) is None


def test_what_was_made_to_be_mistaken_teaches_and_chooses_no_threshold() -> None:
    def looked(contrast: bool) -> Looked:
        features = np.asarray([[1.0], [0.0]], dtype=np.float32)
        right = np.asarray([not contrast, contrast])  # in what was made to be mistaken the second candidate is right
        return Looked(features, right, np.zeros(2, dtype=bool), True, True, contrast)

    natural, made = [looked(False)] * 20, [looked(True)] * 30
    plain, mixed = score_out_of_fold(natural), score_out_of_fold([*natural, *made])
    assert len(plain) == len(mixed) == 20
    assert all(case.right for case in mixed)  # half the weight: thirty of them count less than twenty
    assert max(case.score for case in mixed) < min(case.score for case in plain)


def test_nothing_can_be_fitted_to_nothing() -> None:
    with pytest.raises(ValueError, match="no threshold"):
        fit(cases(3, 3))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=80))
def test_a_fitted_bound_is_kept(rows: list[tuple[float, bool]]) -> None:
    scored = [Scored(score, right, True) for score, right in rows]
    for risk in (0.05, 0.2, 0.5):
        point = fit_point(scored, risk)
        if point is not None:
            given_ = [case for case in scored if case.score >= point.answer - 1e-4]
            assert len(given_) >= fewest_answers(risk)
            assert point.bound <= risk


def test_the_shipped_policy_trades_risk_for_coverage() -> None:
    path = Settings().policy
    points = json.loads(path.read_text(encoding="utf-8"))["points"]
    assert [point["risk"] for point in points] == sorted(point["risk"] for point in points)
    assert [point["answer"] for point in points] == sorted((point["answer"] for point in points), reverse=True)
    for point in points:
        assert read_policy(path, point["risk"], in_context=True).answer == point["answer"]
    assert read_policy(path, 1.0, in_context=True).answer == points[-1]["answer"]
    with pytest.raises(PolicyError, match="NUANXIN_RISK"):
        read_policy(path, 1e-6, in_context=True)


def test_doing_without_the_second_encoder_has_thresholds_of_its_own(tmp_path: Path) -> None:
    path = Settings().policy
    data = json.loads(path.read_text(encoding="utf-8"))
    for point in data["without_context"]["points"]:
        assert read_policy(path, point["risk"], in_context=False).answer == point["answer"]
    careful = read_policy(path, 1e-6, in_context=False)  # no threshold keeps that: only an entry's very words are answered
    assert (careful.answer, careful.risk) == (1.0, 0.0)
    data["made_of"]["context"] = ""
    (tmp_path / "policy.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(PolicyError, match=r"without a second encoder.*eval\.fit"):
        read_policy(tmp_path / "policy.json", 1.0, in_context=True)
    del data["without_context"]
    (tmp_path / "policy.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(PolicyError):
        read_policy(tmp_path / "policy.json", 1.0, in_context=False)


def test_a_broken_policy_is_refused(tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_text('{"points": []', encoding="utf-8")
    with pytest.raises(PolicyError, match=r"eval\.fit"):
        read_policy(tmp_path / "policy.json", 0.05, in_context=True)


def test_what_clashes_is_still_offered_as_a_choice() -> None:
    good = [Scored(0.99, True, True, 0.99)] * 200
    assert fit(good)["clarify"] == GRID[-1]  # no higher than what is answered
    clashing = [Scored(0.0, False, True, 0.3)] * 20
    assert fit([*good, *clashing])["clarify"] == 0.02
    strict = [*good, *[Scored(0.5, False, False)] * 60]
    assert fit(strict)["clarify"] == min(0.99, next(point["answer"] for point in fit(strict)["points"]))  # type: ignore[index, union-attr]
    assert fit([*strict, *clashing])["clarify"] == 0.3
