"""Forms at the terminal: asked field by field, and again where they do not fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from stateflow.cli.human import ask_all
from stateflow.conversation.effect import Question
from stateflow.value import Json
from tests.cli.made import HEAD, Call
from tests.cli.terminal import LATER, Sit, sittings, typed

FORM = (
    HEAD
    + """
from typing import Literal
from pydantic import BaseModel, Field, model_validator
from stateflow.agents.human import Human

class Order(BaseModel):
    count: int = Field(ge=1, le=10, description="how many")
    size: Literal["small", "large"] = "small"
    note: str = ""

    @model_validator(mode="after")
    def fits(self):
        if self.size == "large" and self.count > 2:
            raise ValueError("that is too much")
        return self

flow = Flow("order", State("order", Human("guest", "What shall it be?", form=Order), to(None)))
"""
)


@pytest.fixture
def sit(folder: Path) -> Iterator[Sit]:
    """Return a function that begins a command at a terminal."""
    (folder / "form.py").write_text(FORM, "utf-8")
    with sittings(folder) as begin:
        yield begin


def test_without_a_terminal_or_with_no_input_nobody_is_asked(sit: Sit, sf: Call) -> None:
    at = sit("run", "form.py", "--no-input")
    code, out = at.end()

    assert code == 4
    assert """--answer '{"count": INTEGER, "size": CHOICE, "note": TEXT}'""" in out
    assert "your turn" not in at.seen
    assert sf("run", "form.py").code == 4


def test_a_form_is_asked_field_by_field(sit: Sit) -> None:
    at = sit("run", "form.py")
    shown = at.until("\n> ")
    assert "Ctrl-D leaves it for later" in shown
    assert "count  a whole number, 1 to 10" in shown
    assert "how many" in shown
    for wrong, told in (("", "it needs a value"), ("11", "give a whole number, 1 to 10")):
        at.type(f"{wrong}\n")
        assert f"count: {told}" in at.until("\n> ")
    at.type("2\n")
    assert 'size  small / large\r\nEnter alone: "small"' in at.until("\n> ")
    at.type("l\n")
    assert 'note  a text\r\nEnter alone: ""' in at.until("\n> ")
    at.type("\n")
    code, _ = at.end()

    assert code == 0
    assert "size: large" in at.seen


def test_a_form_that_the_run_refuses_is_asked_again_with_what_was_filled_in(sit: Sit) -> None:
    at = sit("run", "form.py")
    for text in ("5", "large", "please"):
        at.until("\n> ")
        at.type(f"{text}\n")
    shown = at.until("\n> ")
    assert "the whole: Value error, that is too much" in shown
    assert "Enter alone: 5" in shown
    for text in ("2", "", ""):
        at.type(f"{text}\n")
        if text:
            at.until("\n> ")
    code, _ = at.end()

    assert code == 0
    assert "count: 2" in at.seen
    assert "note: please" in at.seen


@pytest.mark.parametrize(
    ("default", "lines", "answer"),
    [
        ('{"n": 5}', [""], ""),
        ('{"n": 5}', ["what?", "f", ""], '{"n": 5}'),
        ('{"n": 5}', ["f", "6"], '{"n": 6}'),
        ("", ["f", "6"], '{"n": 6}'),
        ("", [""], ""),
        ("", ["q"], None),
        ("", [None], None),
        ("", ["f", None], None),
        (None, ["q", "6"], '{"n": 6}'),
        ("no json", ["f", "", "6"], '{"n": 6}'),
        ("[]", ["f", "", "6"], '{"n": 6}'),
    ],
)
def test_a_form_with_a_default_need_not_be_filled_in(
    monkeypatch: pytest.MonkeyPatch,
    default: str | None,
    lines: Sequence[str | None],
    answer: str | None,
) -> None:
    schema: Json = {"properties": {"n": {"type": "integer"}}, "required": ["n"]}
    typed(monkeypatch, *lines)

    asked = Question("a#1.0", "?", form=schema, default=default)
    assert ask_all([asked], LATER) == ({} if answer is None else {"a#1.0": answer})


def test_a_field_that_may_be_left_out_can_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "")

    asked = Question("a#1.0", "?", form={"properties": {"n": {"type": "integer"}}})
    assert ask_all([asked], LATER) == {"a#1.0": "{}"}
    assert "Enter alone leaves it out" in capsys.readouterr().err
