"""Parts of longer messages: what is read by itself, and how its candidates join those of the whole."""

from hypothesis import given
from hypothesis import strategies as st

from bot.encoder import SentenceEncoder
from bot.index import Index
from bot.match import Matcher
from bot.parts import ASKED_COUNTS, HALF_COUNTS, LONG_SENTENCE, MOST_SENTENCES, TOLD_COUNTS, Part, halves, join, sentences
from bot.rank import load_ranker
from bot.settings import Settings
from bot.values import Candidate, Parts
from knowledge.records import Entry

ENTRIES = {name: Entry(name, f"{name}怎么办") for name in "abcde"}


def _found(**scores: float) -> tuple[Candidate, ...]:
    """Candidates as a matcher gives them, best first."""
    ranked = sorted(scores.items(), key=lambda row: (-row[1], row[0]))
    return tuple(Candidate(ENTRIES[name], score, Parts(ENTRIES[name].question, 0, 0, 0, 0)) for name, score in ranked)


def test_what_asks_is_read_before_what_tells() -> None:
    assert sentences("老板不发工资咋整") == []
    assert sentences("我在工地干活。他不发工资怎么办?谢谢你们大家") == [
        Part("他不发工资怎么办", ASKED_COUNTS),
        Part("我在工地干活", TOLD_COUNTS, told=True),
        Part("谢谢你们大家", TOLD_COUNTS, told=True),
    ]
    assert len(sentences("这样能赔多少。" * 9)) == MOST_SENTENCES
    assert [part.told for part in sentences("我干了三年活。" * 5 + "这样能赔多少。")] == [False, True, True, True]


def test_a_long_sentence_is_read_by_halves_between_clauses() -> None:
    told = "我去年三月进的厂，干了八个月没签合同，上个月老板说不要我了，我能要什么补偿，去哪里要"
    assert halves(told) == [
        Part("我去年三月进的厂，干了八个月没签合同，上个月老板说不要我了", HALF_COUNTS),
        Part("我能要什么补偿，去哪里要", HALF_COUNTS),
    ]
    assert halves("老板不发工资，我该咋办，找谁") == []
    assert halves("老板三个月不发工资" * 6) == []  # no place to divide it


@given(st.lists(st.text(alphabet="老板不发工资我", min_size=1, max_size=30), min_size=3, max_size=12))
def test_halves_hold_every_clause_once_and_are_even(clauses: list[str]) -> None:
    told = "，".join(clauses)
    found = [half.text for half in halves(told)]
    if len(told) < LONG_SENTENCE:
        assert found == []
    else:
        assert 1 <= len(found) <= 2
        whole = "，".join(found).split("，")
        assert whole in (clauses, clauses[: len(whole)], clauses[-len(whole) :])  # a half of a word or two is left out
        if len(found) == 2:
            assert whole == clauses


def test_the_whole_counts_fully_only_for_what_a_sentence_puts_first() -> None:
    parts = [(Part("x", 0.75), _found(b=0.8, c=0.7)), (Part("y", 0.6, told=True), _found(c=0.9))]
    joined = join(_found(a=0.9, b=0.7, d=0.2), parts, most=3, whole_counts=0.6)
    assert [(candidate.entry.id, candidate.score) for candidate in joined] == [("b", 0.7), ("a", 0.54), ("c", 0.54)]
    assert [candidate.entry.id for candidate in join(_found(a=0.9, b=0.7), parts, most=2)] == ["a", "b"]


scores = st.dictionaries(st.sampled_from("abcde"), st.floats(0, 1), max_size=5)


@given(scores, st.lists(st.tuples(st.floats(0.1, 1), scores), max_size=3), st.integers(1, 5), st.floats(0.1, 1))
def test_joined_candidates_are_ranked_and_never_surer_than_found(
    whole: dict[str, float], parts: list[tuple[float, dict[str, float]]], most: int, counts: float
) -> None:
    joined = join(_found(**whole), [(Part("x", weight), _found(**found)) for weight, found in parts], most, counts)
    given_ = [whole, *(found for _, found in parts)]
    assert len(joined) == min(most, len(set().union(*given_)))
    assert [(-c.score, c.entry.id) for c in joined] == sorted((-c.score, c.entry.id) for c in joined)
    for candidate in joined:
        assert candidate.score <= max(found.get(candidate.entry.id, 0) for found in given_) + 1e-6


def test_a_question_without_a_question_word_is_found_in_a_story(matcher: Matcher, index: Index, encoder: SentenceEncoder) -> None:
    """What tells is read where the second encoder says that it is about work, and nowhere else."""
    question = "家里人都劝我算了，可我咽不下这口气。老板拖欠工资。一直没跟人红过脸，家里上有老下有小。"
    assert all(part.told for part in sentences(question))
    found = matcher.match(question).entries[0]
    assert found.entry.id == "wage-1"
    assert found.score < 0.9
    without = Matcher(index, encoder, load_ranker(Settings().ranker)).match(question).entries[0]
    assert without.score < found.score or without.entry.id != "wage-1"
