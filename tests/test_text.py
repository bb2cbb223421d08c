"""One clean-up: known answers, and what must hold for any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.static_model import hash_features
from bot.text import cut, dictionary_words, grams, normalise, share, squeeze, strip_fillers


def test_many_spellings_one_form() -> None:
    assert normalise("資方拖欠薪資，怎麼辦？") == "资方拖欠薪资,怎么办?"
    assert normalise("ＡＢＣ　１２３") == "abc 123"
    assert normalise("工 资\u200b不\n发") == "工资不发"


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


@given(st.text())
def test_words_leave_out_no_letter(text: str) -> None:
    clean = normalise(text)
    assert "".join(squeeze(word) for word in cut(clean)) == squeeze(clean)


def test_grams_are_characters_and_pairs() -> None:
    assert list(grams("欠工资")) == ["欠", "工", "资", "欠工", "工资"]


@given(st.text(max_size=60), st.integers(1, 200_000))
def test_features_stay_within_the_table(text: str, rows: int) -> None:
    features = hash_features(text, rows)
    assert features
    assert all(0 <= feature < rows for feature in features)


def test_feature_rows_are_fixed() -> None:
    # A changed hash would break every shipped weight.
    from zlib import crc32

    assert hash_features("欠", 131_072) == [crc32("欠".encode()) % 131_072]


@pytest.mark.parametrize(
    "text",
    [
        "在吗？我想咨询个事，没签合同怎么办，谢谢啦",
        "您好，请问一下，没签合同怎么办？麻烦您了",
        "哎，没签合同怎么办呀",
        "喂喂，打听个事儿：没签合同怎么办，辛苦各位了",
        "没签合同怎么办，拜托大家",
    ],
)
def test_courtesy_at_the_ends_is_no_part_of_the_question(text: str) -> None:
    assert strip_fillers(normalise(text)) == "没签合同怎么办"


@pytest.mark.parametrize("text", ["谢谢", "在吗", "问个问题", "老板让我谢谢他", "加班麻烦吗"])
def test_what_is_all_courtesy_or_means_something_stays(text: str) -> None:
    assert strip_fillers(normalise(text)) in (normalise(text), "老板让我谢谢他")


@given(st.text(alphabet="劳动合同工资社保退休abc1。，不", max_size=20), st.integers(1, 4))
def test_dictionary_words_are_all_there_are(text: str, longest: int) -> None:
    """Against every substring tried: stopping at what begins no word loses none."""
    spans = [text[start:end] for start in range(len(text)) for end in range(start + 1, min(len(text), start + longest) + 1)]
    assert sorted(dictionary_words(text, longest)) == sorted(span for span in spans if len(span) == 1 or share(span) > 0)
