"""The gallery is clean, and twelve faults that are planted in copies of it are each found."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from stateflow import Flow
from stateflow.machine.check.check import Finding, check

FLOWS = Path(__file__).parents[2] / "flows"
GALLERY = sorted(path.stem for path in FLOWS.glob("*.py") if path.stem != "__init__")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder whose modules can use those of the gallery, and are forgotten afterwards."""
    monkeypatch.setattr(sys, "path", [str(FLOWS), *sys.path])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def made(path: Path) -> ModuleType:
    """Return the module that the file is."""
    module = ModuleType(f"planted_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # pydantic looks there for names in annotations
    exec(compile(path.read_text("utf-8"), path, "exec"), vars(module))  # noqa: S102 - our own flows
    return module


def checked(path: Path) -> list[Finding]:
    module = made(path)
    flow: object = module.flow
    assert isinstance(flow, Flow)
    return list(check(flow, tuple(vars(module).values())))


@pytest.mark.parametrize("name", GALLERY)
def test_the_gallery_is_clean(name: str, folder: Path) -> None:
    assert folder.is_dir()

    assert [str(finding) for finding in checked(FLOWS / f"{name}.py")] == []


PLANTED = [
    pytest.param(
        "writer_critic",
        'Flow(name, State("read", agent, to(None)), budget',
        'Flow(name, State("read", agent, to("read")), budget',
        [("SF102", "user/read")],
        id="a-nested-chat-without-an-end",
    ),
    pytest.param(
        "approval",
        'to("write", when=answered("Approve")), to("plan")',
        'to("plan"), to("write", when=answered("Approve"))',
        [("SF104", "approve")],
        id="the-bare-one-first",
    ),
    pytest.param(
        "slogan",
        'to("gave_up", when=exhausted),\n        to("repair"),',
        'to("gave_up", when=exhausted),',
        [("SF103", "check"), ("SF101", "repair")],
        id="else-forgotten",
    ),
    pytest.param(
        "approval",
        "budget=Budget(turns=40)",
        'budget=Budget(turns=float("inf"))',
        [("SF105", "plan")],
        id="no-cap",
    ),
    pytest.param(
        "grade",
        'replied("score", at_least=8)',
        'replied("scores", at_least=8)',
        [("SF119", "grade")],
        id="a-field-misspelt",
    ),
    pytest.param(
        "front_desk",
        'handed_to("refund")',
        'handed_to("refnud")',
        [("SF119", "desk")],
        id="a-handoff-misspelt",
    ),
    pytest.param(
        "grade",
        'replied("score", at_least=8)',
        'replied("score", at_least=80)',
        [("SF110", "grade")],
        id="more-than-the-most",
    ),
    pytest.param(
        "research",
        'to("write", when=failed)',
        'to("write", when=says("exitcode: 1"))',
        [("SF113", "run")],
        id="an-outcome-read-as-text",
    ),
    pytest.param(
        "optiguide",
        'State("explain", writer, to(None))',
        'State("explain", writer, to(None), prompt="Key: sk-" + "proj-Zq81mNb4Xc7Lr2Tw9Kd5")',
        [("SF121", "commander/explain")],
        id="a-key-in-a-prompt",
    ),
    pytest.param(
        "code_loop",
        'State("write", coder, to("examine"))',
        'State("write", coder, to(None, when=says("DONE", by=coder)), to("examine"))',
        [("SF120", "write")],
        id="a-way-around-the-check",
    ),
    pytest.param(
        "feedback_loop",
        'State("revise", reviser,',
        'State("revise", drafter,',
        [("SF116", "reviser")],
        id="somebody-left-out",
    ),
    pytest.param(
        "writer_critic",
        "tools=[check_harmful_content],",
        "tools=[],",
        [("SF117", "check_harmful_content")],
        id="a-tool-left-out",
    ),
]


def test_there_are_twelve() -> None:
    assert len(PLANTED) == 12


@pytest.mark.parametrize(("name", "right", "wrong", "expected"), PLANTED)
def test_a_planted_fault_is_found_with_its_code_at_its_place(
    name: str, right: str, wrong: str, expected: list[tuple[str, str]], folder: Path
) -> None:
    text = (FLOWS / f"{name}.py").read_text("utf-8")
    assert text.count(right) == 1
    head = "from __future__ import annotations\n"
    planted = text.replace(right, wrong).replace(head, f"{head}from stateflow import says\n", 1)
    path = folder / f"{name}.py"
    path.write_text(planted, "utf-8")

    found = checked(path)

    assert [one for one in expected if one not in [(f.code, f.place) for f in found]] == []
    assert all(one.origin is not None for one in found)
