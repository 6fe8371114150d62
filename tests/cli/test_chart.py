"""How texts are laid out on a terminal."""

from __future__ import annotations

import pytest

from stateflow.cli.chart import folded


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one two three", ["one two ", "three"]),
        ("abcdefghijkl m", ["abcdefgh", "ijkl m"]),
        ("ab abcdefghijkl", ["ab ", "abcdefgh", "ijkl"]),
        ("日本語日本語", ["日本語日", "本語"]),
        ("e\u0301" * 9, ["e\u0301" * 8, "e\u0301"]),
        ("", [""]),
    ],
)
def test_text_is_folded_at_spaces_and_else_where_a_line_is_full(
    text: str, lines: list[str]
) -> None:
    assert folded(text, 8) == lines


def test_a_word_of_a_megabyte_is_folded_in_one_pass() -> None:
    """It took days when each line looked through all that was left."""
    assert folded("x" * 1_000_000, 80) == ["x" * 80] * 12_500
