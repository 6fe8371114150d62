"""What a run is given: models by agent, and files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stateflow import (
    Assistant,
    DefinitionError,
    Flow,
    FunctionAgent,
    Nested,
    State,
    attach,
    by_model,
    fork,
    resume,
    run,
    run_sync,
    to,
)
from stateflow.conversation.agent import Turn
from stateflow.models.scripted import ScriptedModel

PNG = b"\x89PNG\r\n\x1a\nnot much"
ONE = Flow("f", State("s", Assistant("ann", "scripted:one"), to(None)))


class Nesting:
    """An agent of another make, which runs a flow of its own."""

    name = "parent"
    composed = True

    async def reply(self, turn: Turn, /) -> str:
        return (await turn.child(ONE)).text


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"models": "scripted:y"}, r"is no mapping; write models=\{AGENT: MODEL\}"),
        ({"models": {"bob": "scripted:y"}}, "has no agent 'bob'; there are: ann"),
        ({"models": {"ann": 3}}, "no name of a model and no ready one"),
        ({"files": "x.png"}, r"files='x.png' is no list; write files=\["),
        ({"files": ["x.png"]}, "'x.png' cannot be attached: it is not there"),
        ({"files": [3]}, "holds 3, which is no file"),
    ],
)
def test_what_does_not_fit_begins_no_run(given: dict[str, Any], says: str) -> None:
    """The sentence holds what to write."""
    with pytest.raises(DefinitionError, match=says):
        run_sync(ONE, "go", **given)


def test_files_are_given_by_their_paths_or_attached(tmp_path: Path) -> None:
    """Whichever is at hand."""
    path = tmp_path / "a.png"
    path.write_bytes(PNG)

    result = run_sync(ONE, "go", files=[path, str(path), attach(path)])

    assert [file.media_type for file in result.messages[0].files] == ["image/png"] * 3


def test_a_model_is_given_to_a_chooser_by_its_name() -> None:
    """It asks one as agents do."""
    speak = FunctionAgent("x", lambda view: "said")
    chooser = by_model("scripted:a")
    flow = Flow("f", State("a", speak, to("b"), to(None), choose=chooser), State("b", speak))

    assert run_sync(flow, "go", models={chooser.name: "scripted:DONE"}).path == ("a",)


def test_agents_of_nested_flows_may_be_given_models() -> None:
    """Nobody can list them before they speak; ready models go by their own names as well."""
    flow = Flow("outer", State("s", Nesting(), to(None)))
    ready = ScriptedModel(["ready"], name="scripted:one")

    assert run_sync(flow, "go", models={"ann": "scripted:two"}).messages[-1].text == "two"
    assert run_sync(ONE, "go", models={"of nobody": ready}).messages[-1].text == "ready"


async def test_a_resumed_and_a_forked_run_may_use_the_cache_of_replies(tmp_path: Path) -> None:
    """As the first one did."""
    store, cache = tmp_path / "runs.db", tmp_path / "cache.db"
    first = await run(ONE, "go", store=store, cache=cache)

    forked = await fork(ONE, first.run, at=0, store=store, cache=cache)
    resumed = await resume(ONE, first.run, store=store, cache=cache)

    assert forked.messages[-1].text == resumed.messages[-1].text == "one"
    assert first.usage.calls == 1
    assert forked.usage.calls == 0


@pytest.mark.parametrize(
    ("flow", "task", "says"),
    [
        (ONE, None, "task=None is no text; images and documents go to files="),
        (ONE, [{"content": "x"}], "is no text"),
        (ONE.agents[0], "go", r"is no flow; .* Flow\('ann', State\('ann', agent, to\(None\)\)\)"),
        ("flow", "go", "'flow' is no flow; run what Flow"),
    ],
    ids=["nothing", "messages", "an-agent", "a-name"],
)
def test_a_run_begins_with_a_flow_and_a_text(flow: Any, task: Any, says: str) -> None:  # noqa: ANN401 - whatever is given
    with pytest.raises(DefinitionError, match=says):
        run_sync(flow, task)


def test_who_confuses_agents_flows_and_tools_is_told_how_one_becomes_another() -> None:
    ann = ONE.agents[0]

    with pytest.raises(DefinitionError, match=r"speaks in Nested\(name, flow"):
        State("s", ONE)  # type: ignore[arg-type]  # the slip
    with pytest.raises(DefinitionError, match=r"Flow\('ann', State\('ann', agent"):
        Nested("n", ann, to(None))  # type: ignore[arg-type]  # the slip
    with pytest.raises(DefinitionError, match=r"write flow.as_tool\(\)"):
        Assistant("a", "scripted:x", tools=[ONE])  # type: ignore[list-item]  # the slip
    with pytest.raises(DefinitionError, match="make a flow of the agent"):
        Assistant("a", "scripted:x", tools=[ann])  # type: ignore[list-item]  # the slip
