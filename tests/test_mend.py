"""Homophone slips: mended by the bank's own pairs, everything else left as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypinyin import lazy_pinyin

from bot.mend import LONGEST, Mender

BANK = ["老板不发工资怎么办", "没签劳动合同怎么办", "社保怎么交", "经济补偿金怎么算", "加班费怎么算"]
MENDER = Mender(BANK)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("老板不发公资怎么办", "老板不发工资怎么办"),
        ("社宝怎么交", "社保怎么交"),
        ("经济补尝金怎么算", "经济补偿金怎么算"),
        ("加斑费怎么算", "加班费怎么算"),
        ("没千劳动合同怎么办", "没签劳动合同怎么办"),
    ],
)
def test_slips_are_mended(text: str, wanted: str) -> None:
    assert MENDER.mend(text) == wanted


@pytest.mark.parametrize("text", [*BANK, "", "工", "x", "abc 123", "今天天气怎么样", "老板不发奖金怎么办"])
def test_what_is_known_or_has_no_twin_stays(text: str) -> None:
    assert MENDER.mend(text) == text


def test_a_story_is_left_alone() -> None:
    assert MENDER.mend("公资" * LONGEST) == "公资" * LONGEST


@given(st.text(alphabet="老板不发公工资姿社宝保经济补偿尝,，a1", max_size=30))
def test_only_characters_of_the_same_sound_change(text: str) -> None:
    mended = MENDER.mend(text)
    assert len(mended) == len(text)
    assert lazy_pinyin(list(mended)) == lazy_pinyin(list(text))
