"""What a runner is given beside a flow: models by agent, and files; told apart before a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, cast

from stateflow.agents.assistant import Assistant
from stateflow.agents.code import CodeRunner
from stateflow.agents.function import FunctionAgent
from stateflow.agents.human import Human
from stateflow.agents.scripted import Scripted
from stateflow.conversation.agent import Agent
from stateflow.conversation.file import File
from stateflow.errors import DefinitionError
from stateflow.machine.choose import Chooser
from stateflow.machine.flow import Flow
from stateflow.machine.nested import FlowAgent
from stateflow.models.base import ModelClient

__all__ = [
    "AnyFile",
    "attached",
    "check_agents",
    "check_begun",
    "checked_models",
    "overrides_of",
    "runs_no_other",
]

AnyFile: TypeAlias = File | str | Path
"""A file of a task: attached, or its path."""


def checked_models(models: Mapping[str, str | ModelClient] | None) -> dict[str, str | ModelClient]:
    """Return *models* by agent.

    Raises:
        DefinitionError: it is no mapping from names to names or ready models.
    """
    if models is not None and not isinstance(cast("object", models), Mapping):
        raise DefinitionError(f"models={models!r} is no mapping; write models={{AGENT: MODEL}}")
    for agent, model in (models or {}).items():
        if not isinstance(model, str) and not callable(getattr(model, "complete", None)):
            raise DefinitionError(
                f"models={{{agent!r}: {model!r}}}: that is no name of a model and no ready one; "
                "write its name, such as 'openai:gpt-5'; settings belong to Assistant(model=...)"
            )
    return dict(models or {})


def check_begun(flow: object, task: object) -> None:
    """Refuse what no run begins with.

    Raises:
        DefinitionError: *flow* is no flow, or *task* no text.
    """
    if not isinstance(flow, Flow):
        name = getattr(flow, "name", "name")
        raise DefinitionError(
            f"{flow!r} is no flow; run what Flow(...) or a pattern returns. An agent alone is "
            f"Flow({name!r}, State({name!r}, agent, to(None)))"
        )
    if not isinstance(task, str):
        raise DefinitionError(
            f"task={task!r:.80} is no text; images and documents go to files=, values to data="
        )


def overrides_of(models: Mapping[str, str | ModelClient]) -> dict[str, str] | None:
    """Return the names of *models* by agent; ``None``: there are none."""
    return {who: one if isinstance(one, str) else one.name for who, one in models.items()} or None


def check_agents(flow: Flow, models: Mapping[str, str | ModelClient]) -> None:
    """Refuse the name of a model for somebody whom *flow* does not have.

    A ready model may stand under any name, for it is known by its own as well.  An agent of
    another make could run a nested flow, whose agents nobody can list before it does.

    Raises:
        DefinitionError: there is no such agent or chooser.
    """
    if not runs_no_other(flow):
        return
    everybody: list[Agent | Chooser] = [*flow.everybody, *flow.choosers]
    known = dict.fromkeys(one.name for one in everybody)
    for who, model in models.items():
        if isinstance(model, str) and who not in known:
            raise DefinitionError(
                f"models={{{who!r}: {model!r}}}: flow {flow.name!r} has no agent {who!r}; "
                f"there are: {', '.join(known)}"
            )


def runs_no_other(flow: Flow) -> bool:
    """Tell whether everybody is of a make that runs no flow but those that are nested here."""
    known = Assistant | CodeRunner | FlowAgent | FunctionAgent | Human | Scripted
    return all(isinstance(agent, known) for agent in flow.everybody)


def attached(files: Sequence[AnyFile]) -> tuple[File, ...]:
    """Return *files* with their content.

    Raises:
        DefinitionError: one is not there, or no file at all.
    """
    from stateflow.stores.content import attach

    if isinstance(files, str) or not isinstance(cast("object", files), Sequence):
        raise DefinitionError(f"files={files!r} is no list; write files=[...]")
    found: list[File] = []
    for one in files:
        if isinstance(one, str | Path):
            found.append(attach(one))
        elif isinstance(cast("object", one), File):
            found.append(one)
        else:
            raise DefinitionError(
                f"files=[...] holds {one!r}, which is no file; give its path, or "
                "File.from_bytes(content, name='plan.png')"
            )
    return tuple(found)
