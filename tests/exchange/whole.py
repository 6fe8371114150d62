"""One flow that holds a part of every kind that can be written down."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from stateflow import (
    UNLIMITED,
    Assistant,
    Budget,
    CodeRunner,
    DockerSandbox,
    FallbackModel,
    Final,
    Flow,
    Human,
    Junction,
    LocalSandbox,
    Model,
    Nested,
    Parallel,
    Price,
    Retry,
    Scripted,
    Settings,
    State,
    by_model,
    days,
    ended,
    exhausted,
    failed,
    handoff,
    hours,
    in_turn,
    itself,
    last,
    last_message,
    mcp_http,
    mcp_stdio,
    only,
    raised,
    says,
    spoke,
    steps,
    summarised,
    to,
    visited,
    within,
)
from stateflow.machine.rule.rule import always, at_most, never

__all__ = ["Brief", "Verdict", "whole"]


class Item(BaseModel):
    """One thing."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, pattern="^[a-z]+$")
    count: Annotated[int, Field(ge=0)] | None = None


class Brief(BaseModel):
    """What is known.

    It is filled in as the flow goes on.
    """

    topic: str = "nothing"
    items: list[Item] = Field(default_factory=list[Item])
    by_name: dict[str, list[int]] = Field(default_factory=dict, description='Say "why".')
    level: Literal["low", "high"] = "low"
    sure: bool = False
    share: float = Field(0.5, gt=0, lt=1, title="Part")
    rest: Any = None


class Verdict(BaseModel):
    score: int = Field(ge=0, le=10)
    first: Item | None = None


def whole() -> Flow:
    """Return the flow."""
    inner = _inner()
    cheap = Model(
        "openai:gpt-5-mini",
        Settings(temperature=0.2, top_p=0.9, seed=3, effort="low", extra={"top_k": [1, {"a": 2}]}),
        Retry(attempts=2, on=("RateLimited",), wait_s=0.1),
        Price(1.0, 2, cached=0.5, written=1.5, listed="2026-01-01", above=((9, Price(2.0, 4.0)),)),
    )
    coder = Assistant(
        "coder",
        FallbackModel(cheap, "anthropic:claude-opus-5", on=("Overloaded",)),
        'Answer with "one" block.\nUse no other language than Python, and say nothing but that.\n',
        reply=Verdict,
        tools=[
            handoff("review"),
            handoff("ask", name="ask_somebody", description="When in doubt."),
            inner.as_tool("look_up", description="Looks it up.", approve=True),
            mcp_stdio("npx", "-y", "server's files", only=["read"], approve=["read"], cwd="/srv"),
            mcp_http("https://host/mcp", repeat=False, timeout_s=5, name="host"),
        ],
        rounds=4,
        repairs=0,
        vary_seed=True,
        description="Writes code.",
    )
    plain = Assistant("plain", "scripted:yes", reply={"type": "object", "title": "x"})
    runner = CodeRunner(
        "runner",
        sandbox=DockerSandbox("python:3.12-slim", memory_mb=256, packages=["numpy"]),
        languages=["python"],
        approve="always",
        of=coder,
    )
    local = CodeRunner("local", sandbox=LocalSandbox(allowed=True), of=last(2))
    boss = Human("boss", "Accept?", options=["yes", "no"], default="no", description="The boss.")
    filler = Human("filler", form=Verdict, default={"score": 3, "first": None})
    quiet = Human("quiet", may_pass=True)
    picks = by_model(cheap, prompt="Pick.", retries=0, fallback=["run", "ask"])
    team = inner.as_agent("team", carryover=within(tokens=90), summary=by_model("a:b", prompt="S"))
    return Flow(
        "whole",
        State(
            "write",
            steps(coder, plain),
            to("run", when=spoke(coder) & ~failed | says("go", by=coder)),
            to("ask"),
            to("late", when=visited("write"), after=days(3)),
            visits=4,
            prompt="Write.",
            choose=picks,
            sees=summarised(beyond=9, keep=2, model=cheap, prompt="Short."),
            save="topic",
            timeout_s=30.0,
            phase="make",
        ),
        State("run", runner, to("ask"), to("local"), choose=picks, phase="make", sees=last(3)),
        State("local", local, to("ask"), choose=in_turn(), sees=only(coder, "user")),
        State(
            "ask",
            boss,
            to("fill", restart=last_message),
            to("fill", restart=by_model("a:b"), when=raised()),
            to("late", after=hours(1.5)),
            choose=in_turn(),
        ),
        State("fill", filler, to("pass on"), to("pass on", after=61.0), choose=in_turn()),
        State("pass on", quiet, to("inside"), choose=in_turn()),
        Nested("inside", inner, to("team"), input="Look.", output={"topic": "note"}, visits=2),
        Nested("team", team, to("again", when=ended("done")), save="topic"),
        State("again", team, to("self"), choose=in_turn()),
        Nested("self", itself(), to("both"), input="", summary=by_model("a:b")),
        Parallel("both", {"one": inner, "me": itself()}, to("join"), join="any", others="keep"),
        Parallel("join", [inner, team], to("fork"), join=2),
        Junction("fork", to(None, when=says("A") | (says("B") & says("C"))), to("late")),
        Final("late", ok=False, phase="end"),
        budget=Budget(turns=50, calls=UNLIMITED, usd=2.5, unpriced=True, depth=3),
        on_error="late",
        data=Brief,
        choose=picks,
        description='All of "it".',
        accept={"SF101 at late": "It is meant."},
        rules=[never("run").before("write"), at_most("run", 3).between("write", "ask")],
    )


class Note(BaseModel):
    note: str = ""


def _inner() -> Flow:
    looker = Scripted("looker", ["one", 'two "2"'], kind="tool", description="Looks.")
    return Flow(
        "inner",
        State("look", looker, to(None, when=says("one")), to("gave up", when=exhausted)),
        Final("gave up", ok=False),
        data=Note,
        description="Looks things up.",
        rules=[always("look")],
    )
