"""An agent that speaks through a language model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from stateflow.conversation.agent import Kind, Reply, Turn
from stateflow.conversation.effect import Call
from stateflow.conversation.message import Message, Usage
from stateflow.models.base import ModelRequest, Settings, estimate_tokens
from stateflow.models.render import RENDER_VERSION, render
from stateflow.value import Json, check_name, digest

__all__ = ["Assistant"]


@dataclass(frozen=True, slots=True, eq=False)
class Assistant:
    """Speaks what a model answers to its prompt, the state's prompt, and the transcript.

    Composed: its code runs on replay, and its model calls are answered from the journal.

    Example:
        >>> Assistant("writer", model="scripted:Hello.").kind
        'llm'
    """

    name: str
    model: str
    """Such as ``openai:gpt-5``, ``llama:smollm2`` or ``scripted:Hello.``; runs can override it."""
    prompt: str = ""
    """What it is told in every state; a state adds its role."""
    settings: Settings = field(default_factory=Settings)
    vary_seed: bool = False
    """Add the state's visit to the seed, so that a second try is not the first one again."""
    schema: Json = None
    """JSON schema that the answer must follow."""
    description: str = ""
    kind: Kind = "llm"
    composed: bool = True

    def __post_init__(self) -> None:
        """Refuse names that cannot be drawn."""
        check_name(self.name, "agent")

    def request(self, turn: Turn, args: Json) -> ModelRequest:
        """Return the whole request that the small *args* of a ``model.call`` stand for."""
        asked: Any = args
        view = turn.view
        seen = turn.sees.of(view.transcript) if turn.sees is not None else view.transcript
        system, messages = render(
            seen, me=self.name, state=turn.state, prompt=self.prompt, role=turn.role
        )
        settings = Settings(**asked["settings"])
        return ModelRequest(asked["model"], system, messages, settings, self.schema)

    async def reply(self, turn: Turn, /) -> Reply:
        """Ask the model once."""
        args = self._args(turn)
        request = self.request(turn, args)
        ceiling = Usage(1, estimate_tokens(request), request.settings.max_tokens)
        (result,) = await turn.perform(Call("model.call", args, ceiling))
        answer: Any = result.unwrap()
        return Message(str(answer["text"]), self.name)

    def _args(self, turn: Turn) -> Json:
        """Return the print of the request: what decides the answer, at constant cost."""
        settings = self.settings.json()
        seed = settings.get("seed")
        if self.vary_seed and isinstance(seed, int):
            settings["seed"] = seed + turn.view.visit
        args: dict[str, Json] = {
            "model": turn.model_for(self.model),
            "settings": settings,
            "prompt": digest([self.prompt, turn.role]),
            "messages": turn.view.transcript.digest(),
            "state": turn.state,
            "render": RENDER_VERSION,
        }
        if turn.sees is not None:
            args["sees"] = turn.sees.form
        if self.schema is not None:
            args["schema"] = digest(self.schema)
        return args
