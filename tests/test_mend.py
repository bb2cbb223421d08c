"""Homophone slips: mended by the bank's own pairs, everything else left as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypinyin import Style, pinyin

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


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("派谴公司说没活", "派遣公司说没活"),  # both characters stand in other pairs of the bank
        ("我没签和同真的吗", "我没签合同真的吗"),
        ("不交工伤保线能查吗", "不交工伤保险能查吗"),
    ],
)
def test_what_is_no_word_is_mended_to_one(text: str, wanted: str) -> None:
    said = ["派遣公司怎么赔", "被派去谴责谁", "没签合同怎么办", "我和同事吵架", "工伤保险怎么交", "保安在流水线上"] * 3
    assert Mender(said).mend(text) == wanted


def test_a_negation_is_never_mended_to() -> None:
    """补 is not heard as 不, however often the bank has that, where the bank knows its pairs."""
    mender = Mender(["单位不能不交保险"] * 99 + ["单位补贴怎么发", "怎么补能量"])
    assert mender.mend("单位补能交") == "单位补能交"
    assert mender.mend("单位不能交") == "单位不能交"


@given(st.text(alphabet="老板不发公工资姿社宝保经济补偿尝,，a1", max_size=30))
def test_only_characters_of_the_same_sound_change(text: str) -> None:
    mended = MENDER.mend(text)
    assert len(mended) == len(text)
    for said, meant in zip(text, mended, strict=True):
        assert said == meant or set(pinyin(said, Style.NORMAL, heteronym=True)[0]) & set(pinyin(meant, Style.NORMAL, heteronym=True)[0])
