import ast

import pytest

from stateflow.testing.exploring.layout import WIDTH, laid_out, quoted

LONG = "a word and another, " * 12

EXPRESSIONS = {
    "a call": "run(" + ", ".join(f"name_{n}={n}" for n in range(20)) + ")",
    "a call without names": "run(" + ", ".join(f"'{n:09}'" for n in range(10)) + ")",
    "a list in a dict": repr({"who": [f"line {n}" for n in range(20)], "else": None}),
    "a tuple": repr(tuple(range(1_000_000, 1_000_020))),
    "a tuple of one": repr((LONG,)),
    "a long text": repr(LONG),
    "a long text without blanks": repr("x" * 500),
    "a hostile text": repr("\"'\\\n\t\x00→💡" * 30),
    "a text in a call": f"Message({LONG!r}, handoff='write')",
    "nothing to open": " + ".join(f"name_{n}" for n in range(20)),
}


@pytest.mark.parametrize("code", EXPRESSIONS.values(), ids=EXPRESSIONS.keys())
def test_what_is_laid_out_is_the_same_expression(code: str) -> None:
    text = "\n".join(laid_out(code, 0, "it = "))

    (statement,) = ast.parse(text).body
    assert isinstance(statement, ast.Assign)
    assert ast.dump(statement.value) == ast.dump(ast.parse(code, mode="eval").body)


@pytest.mark.parametrize("code", list(EXPRESSIONS.values())[:-1], ids=list(EXPRESSIONS)[:-1])
def test_no_line_is_wider_than_a_text_alone_may_be(code: str) -> None:
    lines = list(laid_out(code, 2, "it = ", ","))

    assert len(lines) > 1
    assert max(map(len, lines)) <= 100


def test_what_fits_stands_on_one_line() -> None:
    (line,) = laid_out("f((1,), {'a': [True]}, *rest)", 1, "x = ", ",")

    assert line == '    x = f((1,), {"a": [True]}, *rest),'


def test_a_text_that_is_just_too_long_stays_whole() -> None:
    text = "x" * (WIDTH + 2)

    assert list(laid_out(repr(text), 0)) == [f'"{text}"']


def test_a_text_that_fits_below_its_name_is_moved_there_whole() -> None:
    text = "x" * 94

    assert list(laid_out(repr(text), 0, "name = ")) == ["name = (", f'    "{text}"', ")"]


@pytest.mark.parametrize("text", ["", "it's", 'a "b"', "'\"", "''\"", "\\'", "\n", "\\"])
def test_what_is_quoted_is_the_same_text(text: str) -> None:
    assert ast.literal_eval(quoted(text)) == text
