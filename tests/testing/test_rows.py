"""Outlines: runs as plain rows, whose repr can be pasted into a test."""

from __future__ import annotations

import ast

from stateflow import Flow, Nested, Scripted, State, failed, run_sync, says, to
from stateflow.testing.rows import outline


def flow() -> Flow:
    """Return a flow in which somebody raises, and somebody is quoted."""
    writer = Scripted("writer", ['It\'s "it".\n→ 2', ValueError("oops")])
    write = State("write", writer, to("review", when=failed), to("write"))
    return Flow("slogan", write, State("review", Scripted("critic", ["good"]), to(None)))


def test_what_was_said_is_told_in_order() -> None:
    assert outline(run_sync(flow(), "Sell tea.")) == [
        ("", "user", "Sell tea."),
        ("write", "writer", 'It\'s "it".\n→ 2'),
        ("write", "writer", "!ValueError"),
        ("review", "critic", "good"),
    ]


def test_its_repr_is_python_that_means_the_same() -> None:
    rows = outline(run_sync(flow(), "Sell tea."))

    assert ast.literal_eval(repr(rows)) == rows


def test_what_could_not_be_taken_is_told_too() -> None:
    critic = Scripted("critic", ["bad"])
    stuck = Flow("slogan", State("review", critic, to(None, when=says("good"))))

    result = run_sync(stuck)

    assert outline(result) == [("review", "critic", "bad")]
    assert [row[2] for row in outline(result)] == [one.text for one in result.messages]


def test_a_nested_run_is_looked_into() -> None:
    result = run_sync(Flow("outer", Nested("ask", flow(), to(None))), "Sell tea.")

    assert outline(result) == [("", "user", "Sell tea."), ("ask", "slogan", "good")]
    assert outline(result, at="ask#1.0")[1][:2] == ("write", "writer")
