"""Written tests: each file is Python, laid out, and green, whatever is said in it."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import stateflow
from stateflow import (
    Assistant,
    Budget,
    CodeRunner,
    Final,
    Flow,
    FunctionAgent,
    Human,
    RateLimited,
    State,
    answered,
    by_model,
    called,
    data_is,
    exhausted,
    failed,
    handed_to,
    raised,
    replied,
    says,
    succeeded,
    to,
)
from stateflow.engine.finding import Found
from stateflow.testing import paths
from stateflow.testing.exploring.layout import WIDTH
from stateflow.testing.exploring.paths import Missed, Paths
from stateflow.testing.exploring.written import Source, text_of

MODEL = "openai:gpt-5"
writer = Assistant("writer", MODEL)
HOSTILE = 'it\'s """ a \\ b\n→ 💡'


class _Form(BaseModel):
    score: int


class _Data(BaseModel):
    kind: str = "plain"


def _fails(view: stateflow.View) -> str:
    raise RateLimited(view.last.text)


def one(name: str, *rows: Any, agent: Any = writer, **given: Any) -> Flow:  # noqa: ANN401
    return Flow("one", State(name, agent, *rows, to(None)), **given)


FLOWS = {
    "plain": one("judge", to("judge", when=says("MORE"))),
    "hostile words": one("judge", to("judge", when=says(HOSTILE))),
    "hostile names": one(HOSTILE.replace("\n", " "), to(None, when=says("x"))),
    "long words": one("judge", to("judge", when=says("word and word " * 20))),
    "long names": one("j" * 90, to(None, when=says("x"))),
    "names in other letters": one("судья", to("судья", when=says("да"))),
    "a form": one("ask", to(None, when=replied("score", at_least=3)), agent=Human("b", form=_Form)),
    "options": one("ask", to("ask", when=answered("no")), agent=Human("b", options=["yes", "no"])),
    "code": Flow(
        "code",
        State("write", writer, to("run")),
        State("run", CodeRunner("runner"), to(None, when=succeeded), to("write")),
    ),
    "tools": one(
        "look",
        to(None, when=called("look")),
        to(None, when=failed),
        agent=Assistant("looker", MODEL, tools=[stateflow.handoff("look")]),
    ),
    "handoffs": one("write", to("write", when=handed_to("write"))),
    "an error": one("write", to("write", when=raised("RateLimited"))),
    "an end": Flow("end", State("write", writer, to("bad")), Final("bad", ok=False)),
    "data": one("write", to("write", when=data_is("kind", "odd")), data=_Data),
    "a budget": one(
        "write", to("write", when=says("MORE")), to(None, when=exhausted), budget=Budget(turns=50)
    ),
    "picks": Flow(
        "picks",
        State("start", writer, to("a"), to(None), choose=by_model(MODEL)),
        State("a", Assistant("other", MODEL), to("start")),
    ),
}


def defined_in(flow: Flow, text: str, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the tests that *text* defines, which find *flow*."""
    found = Found(flow, "Tea.")

    def find(_: str) -> Found:
        return found

    monkeypatch.setattr(stateflow.testing, "find_flow", find, raising=False)
    names: dict[str, Any] = {}
    exec(compile(text, "test_it.py", "exec", dont_inherit=True), names)  # noqa: S102 - was written
    return [value for name, value in names.items() if name.startswith("test_")]


@pytest.mark.parametrize("task", [None, HOSTILE], ids=["its task", "a task"])
@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS.keys())
def test_what_is_written_is_green(
    flow: Flow, task: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = paths(flow, task=task or "Tea.")

    tests = defined_in(flow, text_of(found, Source('find_flow("it")', "it"), task), monkeypatch)

    assert len(tests) == len(found.conversations) > 0
    for test in tests:
        assert not inspect.signature(test).parameters
        test()


def test_what_is_written_is_formatted_and_imports_what_it_uses(tmp_path: Path) -> None:
    for number, flow in enumerate(FLOWS.values()):
        text = text_of(paths(flow), Source('find_flow("it")', "it"), "Tea.")
        (tmp_path / f"test_{number}.py").write_text(text, encoding="utf-8")

    rules = ["--select", "F,I", "--isolated", str(tmp_path)]
    for command in (["check", *rules], ["format", "--isolated", "--check", str(tmp_path)]):
        ran = subprocess.run(
            [sys.executable, "-m", "ruff", *command], check=False, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stdout


def test_two_conversations_that_begin_the_same_have_two_names() -> None:
    flow = FLOWS["data"]
    found = paths(flow)
    twice = Paths(flow, found.conversations[:1] * 3, (), 1)

    tree = ast.parse(text_of(twice, Source("FOUND", "it")))

    names = [one.name for one in tree.body if isinstance(one, ast.FunctionDef)]
    assert names[1:] == [f"{names[0]}_2", f"{names[0]}_3"]


def test_what_was_never_taken_is_told_in_the_docstring() -> None:
    why = "nobody says it, " * 12 + HOSTILE
    found = Paths(FLOWS["plain"], (), (Missed("a → b", why, proved=False),), 0)

    text = text_of(found, Source('find_flow(Path("a"))', "it"))

    told = ast.get_docstring(ast.parse(text)) or ""
    assert "They take 0 of 1 transitions" in told
    assert "Never taken: a → b: nobody says it," in told
    assert "from pathlib import Path" in text
    assert max(map(len, text.splitlines())) <= WIDTH


def test_a_run_that_fails_is_held_to_its_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    flow = Flow(
        "fails", State("fail", FunctionAgent("fail", _fails), to("next")), State("next", writer)
    )
    gone = Flow("fails", State("write", writer, to("fail")), *flow.states[:1], flow.states[1])
    found = paths(gone, real=["fail"])

    text = text_of(found, Source('find_flow("it")', "it"), "Tea.")

    assert 'assert result.stop.fault.name == "RateLimited"' in text
    for test in defined_in(gone, text, monkeypatch):
        test()
