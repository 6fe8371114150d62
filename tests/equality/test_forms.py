"""Kernel = drawing = table = JSON = Python = SCXML = XState: one flow, told in every form.

Each form is read back from its text by a reader that knows the form alone, and says the same
places, the same transitions in the same order, and the same guards as the table that executes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from stateflow import Flow, Guard, State, View
from stateflow.conversation.message import Fault, Message, Outcome, ToolCall
from stateflow.diagram.dot import to_dot
from stateflow.diagram.look import line, shortened
from stateflow.diagram.mermaid import to_mermaid
from stateflow.diagram.picture import picture
from stateflow.diagram.table import page, to_page, to_text
from stateflow.exchange.json_form import flow_from_json, to_json
from stateflow.exchange.python import to_python
from stateflow.exchange.scxml import to_scxml
from stateflow.exchange.xstate import flow_from_xstate, to_xstate
from stateflow.machine.guard_form import guard_of
from stateflow.machine.kernel import Decision, Event
from stateflow.machine.state import Final
from stateflow.machine.transition import Transition
from tests.support import told
from tests.support.random_flows import flows, random_flow
from tests.support.told import Arrow, level_of, squeezed
from tests.support.walking import dice

ROOT = Path(__file__).parents[2]


def table(flow: Flow) -> str:
    return json.dumps(flow.table())


FORMS: Mapping[str, Callable[[Flow], str]] = {
    "table": table,
    "fingerprint": Flow.fingerprint,
    "dot": to_dot,
    "mermaid": to_mermaid,
    "text": to_text,
    "page": to_page,
    "json": to_json,
    "python": to_python,
    "scxml": to_scxml,
    "xstate": to_xstate,
}
MANY = 30
"""Flows that are written in two processes."""


def ran(code: str) -> Flow:
    space: dict[str, object] = {"__name__": "written"}
    exec(compile(code, "written.py", "exec", dont_inherit=True), space)  # noqa: S102 - what is tested
    made = space["flow"]
    assert isinstance(made, Flow)
    return made


@settings(max_examples=60)
@given(flows())
def test_python_json_and_xstate_come_back_as_the_very_table(flow: Flow) -> None:
    for back in (
        ran(to_python(flow)),
        flow_from_json(to_json(flow)),
        flow_from_xstate(to_xstate(flow)),
    ):
        assert [level_of(one) for one in back.flows] == [level_of(one) for one in flow.flows]
        assert (back.table(), back.fingerprint()) == (flow.table(), flow.fingerprint())
        assert {name: write(back) for name, write in FORMS.items()} == written(flow)


def written(flow: Flow) -> dict[str, str]:
    return {name: write(flow) for name, write in FORMS.items()}


@settings(max_examples=60)
@given(flows())
def test_every_document_tells_the_places_transitions_order_and_guards(flow: Flow) -> None:
    levels = [clean(level_of(one)) for one in flow.flows]
    ends = [[[name, [end for _, end in rows]] for name, rows in one] for one in levels]

    laid_out = [known(one, levels) for one in told.scxml_levels(to_scxml(flow))]
    machines = [known(one, ends) for one in told.xstate_levels(to_xstate(flow))]

    assert [clean(one) for one in told.json_levels(to_json(flow))] == levels
    assert laid_out[0] == machines[0] == 0
    assert sorted({*laid_out}) == sorted({*machines}) == list(range(len(levels)))


def clean(value: object) -> Any:  # noqa: ANN401 - JSON
    return json.loads(json.dumps(value))


def known(read: object, levels: Sequence[object]) -> int:
    """Return which of *levels* was *read*, with an end that stands for done or without one."""
    level = clean(read)
    return levels.index(level if level in levels or level[-1] != ["done", []] else level[:-1])


class Drawn(NamedTuple):
    """What a drawing has to tell of a transition."""

    source: str
    order: str
    """Empty where there is one exit."""
    sign: str
    """``!`` where it takes faults or a used-up budget."""
    when: str
    action: str
    target: str | None

    @property
    def boxed(self) -> str:
        """Guard and action as Graphviz draws them; what takes only what was said in brackets."""
        plain = not self.sign and self.when not in {"", "else"}
        when = shortened(self.when)
        return shortened(f"{f'[{when}]' if plain else when}{self.acts(' / ')}".strip(), 96)

    def acts(self, sign: str) -> str:
        return f"{sign}{self.action}" if self.action else ""


def drawn(flow: Flow) -> list[Drawn]:
    found: list[Drawn] = []
    for place in flow.places.values():
        rows = place.transitions
        chosen = isinstance(place, State) and place.choose is not None
        for number, row in enumerate(rows, 1):
            order = str(number) if len(rows) > 1 else ""
            when = asked(row) or ("else" if order and not chosen else "")
            guard = row.when
            sign = "!" if guard is not None and (guard.faults or guard.exhausts) else ""
            action = "restart" if row.restart is not None else ""
            found.append(Drawn(place.name, order, sign, when, action, row.target))
    return found


def asked(row: Transition) -> str:
    """Return the words of a guard: as it is written, but short for the commonest."""
    if row.when is None:
        return ""
    name, form = line(row.when.name), row.when.form
    assert isinstance(form, Mapping)
    if "and" in form or "or" in form:
        name = name[1:-1]
    if form.get("guard") == "raised":
        args: Any = form.get("args", ())
        name = ", ".join(args) or "any fault"
    return f"on {name}" if row.when.faults and row.after is None else name


def fails(flow: Flow) -> list[str]:
    """Return where ``on_error`` is drawn."""
    states = [one.name for one in flow.states if one.name != flow.on_error]
    return states if flow.on_error is not None else []


@settings(max_examples=60)
@given(flows())
def test_the_picture_and_graphviz_draw_every_transition_with_order_and_guard(flow: Flow) -> None:
    for one in flow.flows:
        rows = [(row.source, row.order, row.when, row.action, row.target) for row in drawn(one)]
        expected = [
            *(
                Arrow(row.source, row.order, squeezed(row.boxed), row.target or "/done")
                for row in drawn(one)
            ),
            *(Arrow(name, "", "onerror", one.on_error or "") for name in fails(one)),
            Arrow("/start", "", "", one.initial),
        ]
        seen = picture(one, 0)

        assert [
            (arrow.source, str(arrow.order or ""), arrow.when, arrow.action, arrow.target)
            for name in one.places
            for arrow in seen.arrows
            if arrow.source == name and arrow.number is not None
        ] == [(*row[:-1], row[-1] or "/done") for row in rows]
        assert sorted(told.dot_arrows(to_dot(one, 0))) == sorted(expected)


@settings(max_examples=60)
@given(flows())
def test_mermaid_draws_every_transition_with_order_and_guard(flow: Flow) -> None:
    for one in flow.flows:
        keys, arrows = told.mermaid_arrows(to_mermaid(one, 0))
        key = dict(zip(by_phase(one), keys, strict=True))
        expected = [
            *(
                Arrow(
                    key[row.source],
                    row.order,
                    squeezed(f"{shortened(row.when)}{row.acts('/')}"),
                    "[*]" if row.target is None else key[row.target],
                )
                for row in drawn(one)
            ),
            *(Arrow(key[name], "", "onerror", key[one.on_error or ""]) for name in fails(one)),
            *(
                Arrow(key[name], "", "", "[*]")
                for name in one.places
                if isinstance(one.places[name], Final)
            ),
            Arrow("[*]", "", "", key[one.initial]),
        ]

        assert sorted(arrows) == sorted(expected)


def by_phase(flow: Flow) -> list[str]:
    """Return the names of the places in the order in which they are drawn: phases together."""
    phases = [place.phase or f"/{place.name}" for place in flow.places.values()]
    first = {name: phases.index(phase) for name, phase in zip(flow.places, phases, strict=True)}
    return sorted(flow.places, key=first.__getitem__)


@settings(max_examples=60)
@given(flows())
def test_the_table_has_every_transition_in_order_with_its_guard(flow: Flow) -> None:
    for one in flow.flows:
        whole = told.page_rows(page(picture(one, 0), picture(one, 0, branches=None)))
        rows = [row for row in whole if row[-1]]

        def end(name: str | None, flow: Flow = one) -> str:
            ends = name is None or isinstance(flow.places[name], Final)
            return f"◎ {name or 'done'}" if ends else name or ""

        expected = [
            (f"{row.order}{row.sign}", f"{row.when}{row.acts(' / ')}".strip(), end(row.target))
            for name in by_phase(one)
            for row in drawn(one)
            if row.source == name
        ]
        expected += [("!", "on error", end(one.on_error))] if one.on_error is not None else []
        assert [row[3:] for row in rows] == expected
        assert told.table_columns(to_text(one, 0)) == [
            squeezed("".join(cells)) for cells in zip(*whole, strict=True)
        ]


def views(chance: Random) -> list[View]:
    """Return turns of every kind."""
    words = ["DONE", "yes", 'a "b"', "it's", "score: 9", "xx", "naïve", "say DONE"]
    speakers = ["coder", "nobody", "", "write", "plan", "ask"]

    def message() -> Message:
        word = chance.choice(words)
        outcome = chance.choice([None, Outcome.passed(), Outcome.exited(chance.randint(0, 255))])
        calls = (ToolCall("1", word, "{}"),) if chance.random() < 0.3 else ()
        reply: Any = chance.choice([None, {"score": chance.randint(0, 9), "ok": True}])
        handoff, answer, end = (chance.choice([None, word]) for _ in range(3))
        return Message(word, chance.choice(speakers), outcome, calls, reply, handoff, answer, end)

    names = ["write", "run", "review", "approve", "plan"]
    fault = Fault(chance.choice(["RateLimited", "TimedOut", "Refused", "DeadlinePassed"]))
    return [
        View(
            last=message(),
            fault=chance.choice([None, fault]),
            data={"score": chance.randint(-2, 9), "te xt": chance.choice([True, 0, ""])},
            visits={name: chance.randint(0, 9) for name in names},
            turns=chance.randint(0, 9),
            exhausted=chance.choice(["", "turns"]),
        )
        for _ in range(12)
    ]


@settings(max_examples=60)
@given(flows(), st.integers(0, 2**32 - 1))
def test_the_kernel_takes_what_the_written_table_says(flow: Flow, seed: int) -> None:
    """The guards are read from the JSON document, and tried in the order that stands there."""
    for one, level in zip(flow.flows, told.json_levels(to_json(flow)), strict=True):
        names = [*one.places, None]
        for name, rows in level:
            guards = [None if form is None else guard_of(form) for form, _ in rows]
            for view in views(dice(seed)):
                for event in EVENTS:
                    decision = one.kernel.step(name, event, view)
                    assert decision.taken == first(guards, event, view)
                    if decision.taken is not None:
                        assert decision.target == names[rows[decision.taken][1]]
            for index, (_, end) in enumerate(rows):
                assert one.kernel.take(name, index, ()) == Decision((), index, names[end])


EVENTS: tuple[Event, ...] = ("said", "raised", "exhausted")


def first(guards: Sequence[Guard | None], event: Event, view: View) -> int | None:
    """Return the first guard that is offered the turn and holds."""
    for index, one in enumerate(guards):
        offered = event == "said" or (
            one is not None and (one.faults if event == "raised" else one.exhausts)
        )
        if offered and (one is None or one(view)):
            return index
    return None


def prints() -> str:
    """Return a print of every form of many flows."""
    found = {
        name: [sha256(write(random_flow(dice(seed))).encode()).hexdigest() for seed in range(MANY)]
        for name, write in FORMS.items()
    }
    return json.dumps(found)


def test_every_form_is_the_same_bytes_again_and_under_another_hash_seed() -> None:
    code = f"from {__name__} import prints; print(prints())"
    there = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "1"},
        capture_output=True,
        check=True,
        text=True,
    )
    here = prints()

    assert json.loads(there.stdout) == json.loads(here)
    assert prints() == here
