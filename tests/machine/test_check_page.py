"""The page on what is found: each section has an example that gives its finding."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

import stateflow
from stateflow.agents.assistant import Assistant
from stateflow.agents.code import CodeRunner
from stateflow.machine.check.check import Finding, check
from stateflow.machine.check.code import CODES
from stateflow.machine.flow import Flow
from stateflow.machine.rule import rule

PAGE = (Path(__file__).parents[2] / "docs" / "check.md").read_text(encoding="utf-8")
SECTIONS = re.findall(
    r"^## (SF\d+) ([^(\n]+) \(([^)\n]+)\)$(?:(?!^## ).)*?```python\n(.*?)```\n(?:\n|$)",
    PAGE,
    re.DOTALL | re.MULTILINE,
)
WORDS = [
    "UNLIMITED",
    "Assistant",
    "Budget",
    "Final",
    "Flow",
    "Junction",
    "Nested",
    "Parallel",
    "State",
    "by_model",
    "data_is",
    "exit_code",
    "failed",
    "handoff",
    "itself",
    "matches",
    "says",
    "to",
    "visited",
]
"""What the examples import."""
BESIDE = {"SF107": ["SF102"]}
"""What an example cannot do without; its section says so."""


def names() -> dict[str, object]:
    return {
        **{name: getattr(stateflow, name) for name in WORDS},
        **{name: getattr(rule, name) for name in rule.__all__},
        "BaseModel": BaseModel,
        "coder": Assistant("coder", "scripted:Done."),
        "editor": Assistant("editor", "scripted:Done."),
        "runner": CodeRunner("runner"),
    }


def findings(example: str, *, notes: bool) -> list[Finding]:
    known = names()
    declared: tuple[object, ...] = ()
    if "flow = " not in example:
        flow = eval(example, known)  # noqa: S307 - our own page
    else:
        before = set(known)
        exec(example, known)  # noqa: S102 - our own page
        flow, declared = known["flow"], tuple(v for k, v in known.items() if k not in before)
    assert isinstance(flow, Flow)
    return list(check(flow, declared, notes=notes))


@pytest.mark.parametrize(
    ("code", "severity", "example"), [(code, how, text) for code, _, how, text in SECTIONS]
)
def test_each_example_of_the_page_gives_its_finding(code: str, severity: str, example: str) -> None:
    found = findings(example, notes=severity == "note")

    if severity == "note":
        assert code in [finding.code for finding in found]
    else:
        assert [finding.code for finding in found] == [code, *BESIDE.get(code, [])]
    assert all(
        finding.severity in severity.split(" or ") for finding in found if finding.code == code
    )


def test_the_page_has_every_code_in_order_and_by_its_name() -> None:
    headings = re.findall(r"^## (SF\d+) ([^(\n]+) \(", PAGE, re.MULTILINE)

    assert headings == [(code.code, code.title) for code in CODES.values()]
    assert [code for code, *_ in SECTIONS] == [code for code in CODES if code != "SF100"]


def test_the_mostly_given_severity_of_a_code_is_one_that_its_section_names() -> None:
    assert all(CODES[code].severity in how.split(" or ") for code, _, how, _ in SECTIONS)
