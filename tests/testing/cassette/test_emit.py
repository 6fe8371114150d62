"""Whatever is written as YAML is read as it was, by us and by anybody."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from stateflow.testing.cassette.emit import Block, emit
from stateflow.testing.cassette.parse import parse

HARD = [
    *("---", "- a", "a: b", "#x", " x", "x ", "\tx", "x\t", "x\n", "x\n\n", "\n", "\n\n", " \n"),
    *("a\n \nb", "a\r\nb", "\r", "\x00", "\u2028", "a\u2028b", "\x85", "\ufeff", "😀", "yes"),
    *("1_000", "12:30:00", "2020-01-01", "1", "1.0", "1e5", "~", "null", "", "true", "=", "<<"),
    *("!x", "&a", "*a", "%a", "@a", "`a", "'", '"', "a'b", "? a", ": a", "{", "}", "[", "a,b"),
    *("...", "--- x", "\n---\n", "a\n---\nb", "a\n...\n", "a\n\tb\n", "x" * 200, "a:", "\na"),
    *("a\n  b\n\n\n", "\x7f", "\xa0", "\ufffe", "\uffff", "a\xa0b", "a\\b", "'a\"b\\'", "0x1f"),
]
TEXTS = st.one_of(
    st.sampled_from(HARD),
    st.text(),
    st.text(alphabet=" \n\tab:#-'\"{}[],&*!|>%@`?~\r\u2028😀\x00"),
    st.lists(st.sampled_from(HARD), max_size=4).map("\n".join),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(TEXTS, inner)),
    max_leaves=8,
)


def written(value: dict[str, Any]) -> str:
    """Return the YAML of *value*."""
    return "".join(f"{line}\n" for line in emit(value))


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4))
def test_every_value_comes_back_with_either_line_end(value: dict[str, Any]) -> None:
    text = written(value)

    assert parse(text, "x") == value
    assert parse(text.replace("\n", "\r\n"), "x") == value


@pytest.mark.parametrize("text", HARD)
def test_a_hard_text_comes_back_in_every_place_and_by_any_reader(text: str) -> None:
    value = {"top": text, "list": [text, {"a": text}], "flow": {"a": [text], text[:90]: 1}}

    for one in (value, Block({**value, "blocks": [Block({"a": text, "b": text})]})):
        assert parse(written(one), "x") == one
        assert yaml.safe_load(written(one)) == one


def test_texts_of_many_lines_are_blocks() -> None:
    assert written({"text": "a: b\n  c\n\nd"}) == "text: |-\n  a: b\n    c\n\n  d\n"


def test_a_small_mapping_is_one_line_and_a_large_one_is_not() -> None:
    small, large = {"a": 1, "b": ["x", None]}, {f"key{n}": n for n in range(20)}

    assert written({"s": small}) == "s: {a: 1, b: [x, ~]}\n"
    assert written({"s": large}).count("\n") == 21
