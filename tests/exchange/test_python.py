"""A flow as Python: what is run is the same flow, and no formatter changes it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import warnings
from importlib import import_module

import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import BaseModel, ConfigDict, Field

import stateflow
from stateflow import Assistant, DefinitionError, Flow, FunctionAgent, Scripted, State, to
from stateflow.diagram.dot import to_dot
from stateflow.exchange.json_form import flow_from_json, to_json
from stateflow.exchange.python import to_python
from tests.exchange.test_json import WRITTEN
from tests.exchange.whole import whole
from tests.support.random_flows import flows, names


def _run(code: str) -> Flow:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled = compile(code, "written.py", "exec", dont_inherit=True)
    space: dict[str, object] = {"__name__": "written"}
    exec(compiled, space)  # noqa: S102 - what is tested is what it does
    made = space["flow"]
    assert isinstance(made, Flow)
    return made


def _same(flow: Flow, code: str) -> None:
    made = _run(code)
    assert made.table() == flow.table()
    assert made.fingerprint() == flow.fingerprint()
    assert to_dot(made) == to_dot(flow)
    assert to_json(made) == to_json(flow)
    assert to_python(made) == code


def _is_formatted(code: str) -> bool:
    ran = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length=100", "--diff", "-"],
        input=code.encode(),
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout.decode() + ran.stderr.decode()
    return True


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(flows())
def test_what_is_run_is_the_same_flow(flow: Flow) -> None:
    code = to_python(flow)

    _same(flow, code)
    assert _is_formatted(code)


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_the_gallery_comes_back(name: str) -> None:
    flow: Flow = import_module(f"flows.{name}").flow
    code = to_python(flow)

    _same(flow, code)
    assert _is_formatted(code)


def test_every_part_comes_back_from_python() -> None:
    code = to_python(whole())

    _same(whole(), code)
    assert _is_formatted(code)


def test_it_is_written_as_a_person_would() -> None:
    code = to_python(whole())

    assert "from stateflow import (\n    UNLIMITED,\n    Assistant," in code
    assert 'to("run", when=(spoke(coder) & ~failed) | says("go", by=coder)),' in code
    assert 'to("late", when=visited("write"), after=days(3)),' in code
    assert "budget=Budget(turns=50, calls=UNLIMITED, usd=2.5, depth=3, unpriced=True)," in code
    assert 'Parallel("both", {"one": inner, "me": itself()}, to("join"), join="any"' in code
    assert 'rules=[never("run").before("write"), at_most("run", 3).between("write", "ask")]' in code
    assert 'handoff("review"),' in code
    assert "    score: int = Field(ge=0, le=10)\n    first: Item | None = None\n" in code


def test_its_style_is_clean() -> None:
    rules = "--select=E,F,W,N,UP,B,SIM,RUF,A,C4,Q,PIE,RET,D100,D300"
    ran = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--line-length=100", rules, "-"],
        input=to_python(whole()).encode(),
        capture_output=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout.decode()


def test_every_name_that_it_imports_is_public() -> None:
    tree = ast.parse(to_python(whole()))

    (ours,) = [n for n in tree.body if isinstance(n, ast.ImportFrom) and n.module == "stateflow"]
    assert {alias.name for alias in ours.names} <= set(stateflow.__all__)


@given(names(), names(), names())
def test_names_are_never_code(flow: str, state: str, agent: str) -> None:
    made = Flow(flow, State(state, Scripted(agent, ["x"]), to(None)))

    tree = ast.parse(to_python(made))

    kinds = [type(node).__name__ for node in tree.body]
    assert kinds == ["Expr", "ImportFrom", "Assign", "Assign"]
    called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call)}  # type: ignore[attr-defined]
    assert called == {"Scripted", "Flow", "State", "to"}


def test_names_that_are_taken_are_numbered() -> None:
    agents = [
        Scripted(name, []) for name in ("Flow", "to", "class", "flow", "1", "…", "A b", "a-b")
    ]
    flow = Flow("f", *(State(f"s{n}", one, to(None)) for n, one in enumerate(agents)))

    code = to_python(flow)

    variables = re.findall(r"^(\w+) = Scripted", code, re.MULTILINE)
    assert variables == ["flow_2", "to_2", "class_2", "flow_3", "agent_1", "agent", "a_b", "a_b_2"]
    _same(flow, code)


def test_a_long_prompt_is_cut_after_its_lines() -> None:
    lines = ("You write code.\n", "Answer with one block, in Python, and nothing else at all.\n")
    prompt = f"{''.join(lines)}\nGo on, and take your time."
    flow = Flow("f", State("s", Assistant("a", "scripted:x", prompt), to(None)))

    code = to_python(flow)

    assert (
        "    prompt=(\n"
        '        "You write code.\\n"\n'
        '        "Answer with one block, in Python, and nothing else at all.\\n"\n'
        '        "\\n"\n'
        '        "Go on, and take your time."\n'
        "    ),\n"
    ) in code
    _same(flow, code)


def test_functions_are_refused_in_the_same_words() -> None:
    flow = Flow("f", State("s", FunctionAgent("echo", lambda view: view.last.text), to(None)))

    with pytest.raises(DefinitionError, match=r"flow 'f' cannot be written as Python, .*'echo'"):
        to_python(flow)


class Hiding(BaseModel):
    str: int = 0


class Told(BaseModel):
    """Ends with a "quote"."""

    model_config = ConfigDict(extra="allow")

    name: str = Field(default="x", description="It's.\nTwo lines.")


class Bare(BaseModel):
    pass


def _data(model: type[BaseModel]) -> Flow:
    return Flow("f", State("s", Scripted("a", []), to(None)), data=model)


@pytest.mark.parametrize("model", [Told, Bare])
def test_a_class_of_data_comes_back(model: type[BaseModel]) -> None:
    code = to_python(_data(model))

    _same(_data(model), code)
    assert _is_formatted(code)


def test_a_field_that_hides_a_type_is_refused() -> None:
    with pytest.raises(DefinitionError, match="field 'str' of model 'Hiding' hides the type"):
        to_python(_data(Hiding))


def test_from_json_to_python_and_back() -> None:
    text = to_json(whole())

    assert to_json(_run(to_python(flow_from_json(text)))) == text
