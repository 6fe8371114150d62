"""Expressions are laid out as the formatter would."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stateflow.exchange.code import Call, Chain, Expr, Items, Name, Not, Pairs, Str, laid, literal
from tests.support.random_flows import HOSTILE, TEXTS


@given(st.text())
def test_a_text_is_what_it_was(text: str) -> None:
    assert eval(literal(text)) == text  # noqa: S307 - what is tested is that it is a literal


@given(st.text(), st.integers(0, 60))
def test_a_text_over_several_lines_is_what_it_was(text: str, indent: int) -> None:
    written = laid(Str(text * 3), " " * indent)

    assert eval(f"({written})") == text * 3  # noqa: S307 - what is tested is that it is a literal


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ('say "hi"', "'say \"hi\"'"),
        ("it's", '"it\'s"'),
        ("'\"", '"\'\\""'),
        ("a\nb\\", '"a\\nb\\\\"'),
        ("\x00\x85\u2028\U000e0001", '"\\x00\\x85\\u2028\\U000e0001"'),
        ("\u202e東京", '"\\u202e東京"'),
    ],
)
def test_a_literal_needs_few_escapes_and_hides_nothing(text: str, written: str) -> None:
    assert literal(text) == written


@st.composite
def _exprs(draw: st.DrawFn, depth: int = 3) -> Expr:
    """Draw an expression."""
    kind = draw(st.sampled_from("nscltpgg")) if depth else draw(st.sampled_from("ns"))
    if kind == "n":
        return Name(draw(st.sampled_from(("None", "y" * 60))))
    if kind == "s":
        return Str(
            draw(st.sampled_from((*TEXTS, *HOSTILE)) | st.text(st.characters(codec="utf-8")))
        )
    if kind == "g":
        return Call("to", (("", Name("None")), ("when", draw(_guards(depth)))))
    some: list[Expr] = [draw(_exprs(depth - 1)) for _ in range(draw(st.integers(0, 3)))]
    if kind == "c":
        keys = draw(st.booleans())
        return Call("State", tuple((f"k{n}" if keys else "", one) for n, one in enumerate(some)))
    if kind == "p":
        return Pairs(tuple((Str(f"k{n}"), one) for n, one in enumerate(some)))
    return Items(tuple(some), "[]" if kind == "l" else "()")


@st.composite
def _guards(draw: st.DrawFn, depth: int) -> Expr:
    """Draw a guard."""
    kind = draw(st.sampled_from("nsac~")) if depth else "n"
    if kind == "n":
        return Name(draw(st.sampled_from(("failed", "x" * 30))))
    if kind == "s":
        return Call("says", (("", draw(_exprs(depth - 1))),))
    if kind == "~":
        return Not(draw(_guards(depth - 1)))
    parts: list[Expr] = [draw(_guards(depth - 1)) for _ in range(draw(st.integers(2, 3)))]
    return Chain("&" if kind == "a" else "|", tuple(parts))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_exprs(), min_size=1, max_size=10))
def test_the_formatter_changes_nothing(parts: list[Expr]) -> None:
    code = "".join(f"{laid(Call('f', (('', one),)), '', 'x = ')}\n" for one in parts)

    ran = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length=100", "--diff", "-"],
        input=code.encode(),
        capture_output=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout.decode() + ran.stderr.decode()
