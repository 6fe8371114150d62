"""Twenty changes to flows of the gallery, and which recorded runs notice.

``python -m tests.flows.planted_changes`` writes the log of it, ``docs/planted-changes.md``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from stateflow import Flow, ReplayDivergence, replay
from stateflow.engine.finding import find_flow
from stateflow.journal.event import Journal
from stateflow.testing.cassette.cassette import read_cassette

__all__ = ["CHANGES", "PAGE", "Change", "cassettes", "noticed", "page"]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "planted-changes.md"
_HEAD = """\
# Twenty changes, and the tests that notice

Each row is one change to a flow of the gallery. With it, all recorded runs of the gallery are
replayed, {count} of them: the tests named here fail, all others stay green, and the last column is
what the first of them says. `python -m tests.flows.planted_changes` writes this page, and a test
holds it against what comes out.

| | what | flow | before | after | tests that fail | the first says |
| --- | --- | --- | --- | --- | --- | --- |
"""
_MOST = 260
"""Longest sentence in the table [columns]."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change, and who should notice."""

    what: str
    flow: str
    before: str
    after: str
    fails: tuple[str, ...]
    """Cassettes whose replay fails; no other's does."""
    says: tuple[str, ...]
    """What the first of them has to say."""


CHANGES: tuple[Change, ...] = (
    Change(
        "prompt of an agent",
        "one_agent",
        "You work alone on the task of the user.",
        "You work alone, and fast.",
        ("one_agent", "one_agent_never_done", "one_agent_never_right"),
        ("worker", "You work alone on the task of the user.", "You work alone, and fast."),
    ),
    Change(
        "prompt of an agent",
        "incident",
        "Blame nobody.",
        "Say who did it.",
        ("incident", "incident_low_risk"),
        ("historian", "Blame nobody.", "Say who did it."),
    ),
    Change(
        "prompt of a state",
        "one_agent",
        "else say what is wrong.",
        "else REJECTED.",
        ("one_agent", "one_agent_never_right"),
        ("review", "else say what is wrong.", "else REJECTED."),
    ),
    Change(
        "guard",
        "feedback_loop",
        "MOST = 3",
        "MOST = 2",
        ("feedback_loop_three_reviews",),
        ("revise", "visited('review', at_least=2)"),
    ),
    Change(
        "guard",
        "escalation",
        "SURE = 8",
        "SURE = 9",
        ("escalation_basic_knows",),
        ("basic", "replied('confidence', at_least=9)"),
    ),
    Change(
        "guard, a function",
        "counting",
        "int(view.last.text) % 3 == 0",
        "int(view.last.text) % 4 == 0",
        ("counting",),
        ("engineer", "three_divides"),
    ),
    Change(
        "guard of a junction",
        "incident",
        'replied("severity", at_most=2)',
        'replied("severity", at_most=3)',
        ("incident_low_risk",),
        ("severity", "replied('severity', at_most=3)"),
    ),
    Change(
        "order of transitions",
        "triage",
        """\
        to("research", when=data_is("research")),
        to("write", when=data_is("writing")),
""",
        """\
        to("write", when=data_is("writing")),
        to("research", when=data_is("research")),
""",
        ("triage",),
        ("manage", "research", "write"),
    ),
    Change(
        "order of transitions",
        "guarded_change",
        """\
        to("approved", when=answered("approve")),
        to("given_up", when=answered("give up")),
""",
        """\
        to("given_up", when=answered("give up")),
        to("approved", when=answered("approve")),
""",
        ("guarded_change", "guarded_change_given_up", "guarded_change_mended"),
        ("approve", "answered('give up')", "answered('approve')"),
    ),
    Change(
        "target",
        "approval",
        'to(None, when=answered("TERMINATE")), to("explain")',
        'to(None, when=answered("TERMINATE")), to("plan")',
        ("approval_changed",),
        ("accept", "explain", "plan"),
    ),
    Change(
        "target",
        "optiguide",
        'to("ask", when=ended("failed"))',
        'to("write", when=ended("failed"))',
        ("optiguide_mended", "optiguide_never_runs"),
        ("run", "ask", "write"),
    ),
    Change(
        "target",
        "front_desk",
        'to("declined")),',
        'to("help")),',
        ("front_desk_declined",),
        ("refund", "declined", "help"),
    ),
    Change(
        "description of a tool",
        "stock_swarm",
        "Get the price of a stock, and how it moved.",
        "Get the price of a stock.",
        ("stock_swarm", "stock_swarm_financial_analyst_stays"),
        ("financial_analyst", "get_stock_data"),
    ),
    Change(
        "schema of a tool",
        "flight_refund",
        "def refund_flight(flight_id: str)",
        "def refund_flight(flight_id: int)",
        ("flight_refund", "flight_refund_asked_often"),
        ("flights_refunder", "refund_flight", "flight_id"),
    ),
    Change(
        "schema of a tool",
        "front_desk",
        "Field(ge=1, le=50)",
        "Field(ge=1, le=90)",
        ("front_desk", "front_desk_declined"),
        ("refund#1.0", "pay_back", "amount", "50 → 90"),
    ),
    Change(
        "name of a model",
        "slogan",
        'model=Model("llama:smollm2", Settings(temperature=0.0,',
        'model=Model("llama:qwen", Settings(temperature=0.0,',
        ("slogan",),
        ("write#1.0", "llama:smollm2", "llama:qwen"),
    ),
    Change(
        "setting of a model",
        "grade",
        "Settings(temperature=0.7, seed=1",
        "Settings(temperature=0.2, seed=1",
        ("grade", "grade_good", "grade_no_grade"),
        ("grade#1.0", "temperature", "0.7 → 0.2"),
    ),
    Change(
        "budget",
        "code_loop",
        "calls=12",
        "calls=2",
        ("code_loop", "code_loop_no_code"),
        ("fix#2.0", "budget calls=2", "2 were made before"),
    ),
    Change(
        "data",
        "triage",
        '"research": rest, "done": [*view.data.done, first]',
        '"research": rest, "done": [first, *view.data.done]',
        ("triage",),
        ("research", "data.done"),
    ),
    Change(
        "data",
        "chess_match",
        '"over": taken.won',
        '"over": False',
        ("chess_match", "chess_match_white_wins"),
        ("board", "data.over", "true → false"),
    ),
)


def cassettes() -> Mapping[str, Journal]:
    """Return the gallery's recorded runs by name."""
    folder = ROOT / "tests" / "cassettes"
    return {path.stem: read_cassette(path) for path in sorted(folder.glob("*.yaml"))}


def noticed(change: Change, runs: Mapping[str, Journal]) -> dict[str, str]:
    """Return which of *runs* do not replay with *change*, and what is said of each."""
    module = _changed(change)
    found: dict[str, str] = {}
    for name, journal in runs.items():
        source = journal.started.source or ""
        place, _, attr = source.partition(":")
        mine = place == f"flows.{change.flow}"
        flow: object = getattr(module, attr or "flow") if mine else find_flow(source).flow
        assert isinstance(flow, Flow)
        try:
            replay(flow, journal)
        except ReplayDivergence as error:
            found[name] = str(error)
    return found


def _changed(change: Change) -> ModuleType:
    """Return the module of the flow with *change*."""
    path = ROOT / "flows" / f"{change.flow}.py"
    text = path.read_text("utf-8")
    if text.count(change.before) != 1:
        raise ValueError(f"{change.before!r} stands {text.count(change.before)} times in {path}")
    module = ModuleType(f"changed_{change.flow}")
    sys.modules[module.__name__] = module  # pydantic looks there for names in annotations
    try:
        exec(compile(text.replace(change.before, change.after), path, "exec"), vars(module))  # noqa: S102 - our own flows
    finally:
        del sys.modules[module.__name__]
    return module


def page(found: Sequence[Mapping[str, str]], count: int) -> str:
    """Return the log as a page.

    Args:
        found: what is noticed of each change.
        count: how many recorded runs there are.
    """
    return _HEAD.format(count=count) + "".join(_rows(found))


def _rows(noticings: Sequence[Mapping[str, str]]) -> Iterator[str]:
    for number, (change, found) in enumerate(zip(CHANGES, noticings, strict=True), 1):
        says = next(iter(found.values()), "")
        cells = [
            *(str(number), change.what, f"[{change.flow}](../flows/{change.flow}.py)"),
            *(_code(change.before), _code(change.after)),
            *(", ".join(f"`{name}`" for name in found), _code(_first(says))),
        ]
        yield f"| {' | '.join(cells)} |\n"


def _first(says: str) -> str:
    """Return *says* on one line, cut where it is long."""
    line = " ".join(says.split())
    return line if len(line) <= _MOST else f"{line[: _MOST - 1]}…"


def _code(text: str) -> str:
    """Return *text* as code in a cell."""
    return f"`` {' '.join(text.split())} ``".replace("|", "\\|")


if __name__ == "__main__":
    recorded = cassettes()
    PAGE.write_text(page([noticed(one, recorded) for one in CHANGES], len(recorded)), "utf-8")
