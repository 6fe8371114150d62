"""Which answers fit: options, with a reason or without, and forms."""

from __future__ import annotations

import json

import pytest

from stateflow.agents.human import fitting, read_form
from tests.agents.forms import Grade, Loose, Order, Partly

BOTH = ("yes", "no")


@pytest.mark.parametrize(
    ("answer", "options", "kept"),
    [
        (" Yes ", BOTH, "yes"),
        ("y", BOTH, "yes"),
        ("yes.", BOTH, "yes"),
        ("NO, too much", BOTH, "no, too much"),
        ("yes, but less", BOTH, "yes, but less"),
        ("nobody", BOTH, None),
        ("why?", BOTH, None),
        ("yes|no", BOTH, None),
        ("no/yes", BOTH, None),
        ("  ", BOTH, None),
        (".", BOTH, None),
        ("a", ("accept", "abort"), None),
        ("a", ("A", "a"), "a"),
        ("yes", ("yes", "yes to all"), "yes"),
        ("yes to all, now", ("yes", "Yes to all"), "Yes to all, now"),
        ("result: 7", (*BOTH, "result"), "result: 7"),
        (" anything\n", (), " anything\n"),
        (" ", (), None),
    ],
)
def test_an_answer_is_an_option_its_beginning_or_an_option_with_a_reason(
    answer: str, options: tuple[str, ...], kept: str | None
) -> None:
    assert fitting(answer, options) == kept


def test_an_answer_of_ten_million_characters_is_an_answer() -> None:
    long = "no, " + "x" * 10_000_000

    assert fitting(long, BOTH) == long
    assert fitting("x" * 10_000_000, BOTH) is None
    assert fitting("x" * 10_000_000, ()) == "x" * 10_000_000


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        ("", "the whole: Invalid JSON"),
        ("eight", "the whole: Invalid JSON"),
        ("[1]", "the whole: Input should be an object"),
        ('"text"', "the whole: Input should be an object"),
        ("null", "the whole: Input should be an object"),
        ("{}", "items: Field required"),
        ('{"items": "a"}', "items: Input should be a valid array"),
        ('{"items": [1]}', "items.0: Input should be a valid string"),
        ('{"items": [], "part": {"size": NaN}}', "part: NaN and Infinity are no numbers"),
        ('{"items": [], "part": {"size": 1e999}}', "part: NaN and Infinity are no numbers"),
        ('{"items": [], "how": "FAST"}', "how: Input should be 'fast' or 'slow'"),
        ('{"items": [], "colour": "red"}', "colour: Extra inputs are not permitted"),
        ('{"items": [], "part": {"s": 1}}', "part.s: Extra inputs are not permitted"),
        ('{"items": ["\\ud800"]}', "the whole: Invalid JSON"),
        ('{"items": [], "more": ' + "[" * 5000 + "]" * 5000 + "}", "the whole: Invalid JSON"),
        ('{"items": [], "part": {"size": ' + "9" * 9000 + "}}", "the whole: Invalid JSON"),
        ('{"items": ["' + "x" * 10_000_000 + '"]}', "it is 10000015 characters long"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_does_not_fit_a_form_is_told_with_the_field(answer: str, wrong: str) -> None:
    value, told = read_form(Order, answer)

    assert value is None
    assert told.startswith(wrong)
    assert "\n" not in told


def test_a_complaint_is_short_and_cannot_move_a_cursor() -> None:
    many = {f"\x1b[2J\n{number}" + "x" * 5000: 1 for number in range(50)}
    told = read_form(Grade, json.dumps({**many, "score": 1}))[1]

    assert "\x1b" not in told
    assert "\n" not in told
    assert len(told) < 2000


def test_a_model_may_say_itself_what_becomes_of_other_fields() -> None:
    assert read_form(Loose, '{"a": 2, "b": 3}') == ({"a": 2}, "")
    assert read_form(Partly, '{"part": {"b": 3}}') == ({"part": {"b": 3}}, "")


def test_a_form_takes_what_pydantic_reads_as_the_kind() -> None:
    assert read_form(Grade, ' {"score": "8", "why": "für"} ') == ({"score": 8, "why": "für"}, "")
