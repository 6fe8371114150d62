"""Names, canonical JSON, prints, plain text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stateflow.errors import DefinitionError
from stateflow.value import canonical_json, check_name, digest, plain

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda part: st.lists(part) | st.dictionaries(st.text(), part),
    max_leaves=8,
)


@pytest.mark.parametrize("name", ["write", "Write it", "schön", "草", "a" * 120, "#1.0"])
def test_a_word_can_be_a_name(name: str) -> None:
    """It comes back as it was."""
    assert check_name(name, "state") == name


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("*", id="star"),
        pytest.param("=", id="equals"),
        pytest.param(None, id="none"),
        pytest.param(3, id="number"),
        pytest.param("a/b", id="slash"),
        pytest.param(" a", id="space-before"),
        pytest.param("a ", id="space-after"),
        pytest.param("a\nb", id="line-break"),
        pytest.param("\0done", id="control"),
        pytest.param("a" * 121, id="too-long"),
        pytest.param("\ud800", id="half-a-pair"),
    ],
)
def test_what_means_something_else_is_no_name(name: object) -> None:
    """The sentence says what it was to name."""
    with pytest.raises(DefinitionError, match="cannot name a state"):
        check_name(name, "state")


def test_a_refused_name_is_told_with_its_article() -> None:
    """Sentences are read by people."""
    with pytest.raises(DefinitionError, match=r"'\*' cannot name an agent; use a word such as"):
        check_name("*", "agent")


@given(JSON)
def test_canonical_json_is_json(value: object) -> None:
    """What is written is read again."""
    assert json.loads(canonical_json(value)) == value  # type: ignore[arg-type]  # hypothesis types no recursion


def test_canonical_json_knows_one_text_only() -> None:
    """Sorted keys, no spaces, unicode as it is."""
    assert canonical_json({"b": [1.0, "ä"], "a": None}) == '{"a":null,"b":[1.0,"ä"]}'
    assert canonical_json({"a": 1, "b": 2}) == canonical_json({"b": 2, "a": 1})


def test_a_digest_is_short_and_steady() -> None:
    """The same in every process and release; half a surrogate pair does no harm."""
    assert digest({"a": 1}) == "015abd7f5cc57a2d"
    assert digest({"a": 1}) != digest({"a": True})
    assert len(digest("\ud800")) == 16


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain", "plain", id="plain"),
        pytest.param("two\n\tlines", "two\n\tlines", id="lines-and-tabs-stay"),
        pytest.param("a\x1b[31mred", "a[31mred", id="escape"),
        pytest.param("a\r\x00\x07\x7f\x9bb", "ab", id="control"),
        pytest.param("a\ud800b", "ab", id="half-a-pair"),
        pytest.param("草 👍🏽 é", "草 👍🏽 é", id="unicode"),
    ],
)
def test_plain_text_can_be_shown(text: str, shown: str) -> None:
    """Control characters go, everything else stays."""
    assert plain(text) == shown


@given(st.text(st.characters()))
def test_plain_text_can_be_stored(text: str) -> None:
    """And making it plain again changes nothing."""
    plain(text).encode()
    assert plain(plain(text)) == plain(text)
