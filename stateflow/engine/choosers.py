"""Choosers: in turn, at random with a seed, by a model, by a person."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from stateflow.conversation.agent import Turn
from stateflow.conversation.effect import Call
from stateflow.conversation.message import Usage
from stateflow.engine.operations import pick
from stateflow.errors import OffTable
from stateflow.machine.choose import Chat, Chooser
from stateflow.models.base import ModelRequest, Settings, estimate_tokens
from stateflow.models.model import AnyModel, Model, models_of
from stateflow.models.render import RENDER_VERSION, render
from stateflow.value import Json, digest

__all__ = ["at_random", "by_human", "by_model", "in_turn"]

DONE_WORD = "DONE"
"""How a model says ``None``."""


@dataclass(frozen=True, slots=True)
class _InTurn:
    name: str = "in_turn()"
    form: Json = field(default_factory=lambda: {"choose": "in_turn"})
    composed: bool = False

    async def choose(self, chat: Chat, turn: Turn, /) -> object:
        """Return the k-th enabled candidate at the k-th visit, cyclically."""
        del turn
        return chat.candidates[(chat.view.visit - 1) % len(chat.candidates)]


def in_turn() -> Chooser:
    """Take the k-th enabled transition at a state's k-th visit, cyclically; ``None`` counts."""
    return _InTurn()


@dataclass(frozen=True, slots=True)
class _AtRandom:
    seed: int
    composed: bool = False

    @property
    def name(self) -> str:
        """What drawings call it."""
        return f"at_random(seed={self.seed})"

    @property
    def form(self) -> Json:
        """What tells it apart."""
        return {"choose": "at_random", "seed": self.seed}

    async def choose(self, chat: Chat, turn: Turn, /) -> object:
        """Return a candidate that follows from the seed and the place alone."""
        del turn
        place = f"{self.seed}:{chat.view.state}:{chat.view.visit}:{chat.view.turns}"
        return random.Random(place).choice(chat.candidates)  # noqa: S311 - a seeded choice is wanted


def at_random(*, seed: int) -> Chooser:
    """Take an enabled transition by chance; the same seed takes the same ones in any process."""
    return _AtRandom(seed)


@dataclass(frozen=True, slots=True)
class _ByModel:
    model: AnyModel
    prompt: str
    retries: int
    fallback: str | None
    composed: bool = True

    @property
    def name(self) -> str:
        """What drawings call it."""
        return f"by_model({models_of(self.model)[0].name!r})"

    @property
    def form(self) -> Json:
        """What tells it apart; the model and prompt are told by the print of the request."""
        return {"choose": "by_model", "retries": self.retries, "fallback": self.fallback}

    def asks(self, turn: Turn, args: Json) -> Sequence[Model]:
        """Return the models to ask, in order; a choice is short, and always the likeliest."""
        del args
        models = models_of(self.model)
        name = turn.model_for(models[0].name)
        models = models if name == models[0].name else (replace(models[0], name=name, price=None),)
        return [replace(model, settings=_briefly(model.settings)) for model in models]

    def request(self, turn: Turn, args: Json) -> ModelRequest:
        """Return the request: the transcript, and the names that may be answered."""
        asked: Any = args
        words: list[str] = asked["candidates"]
        system = f"{self.prompt}\n\nAnswer with one of: {', '.join(words)}."
        if asked.get("wrong"):
            system += f"\n\nYour last answer {asked['wrong']!r} is not one of them."
        system, messages = render(
            turn.view.transcript, me=self.name, state=turn.state, prompt=system, role=""
        )
        schema: Json = {
            "type": "object",
            "properties": {"next": {"type": "string", "enum": words}},
            "required": ["next"],
            "additionalProperties": False,
        }
        model = self.asks(turn, args)[0]
        return ModelRequest(model.name, system, messages, model.settings, schema)

    def _most(self, turn: Turn, args: Json) -> Usage:
        request = self.request(turn, args)
        return Usage(1, estimate_tokens(request), request.settings.max_tokens)

    async def choose(self, chat: Chat, turn: Turn, /) -> object:
        """Ask the model; what is off the table is shown to it and asked again."""
        words: list[Json] = [DONE_WORD if name is None else name for name in chat.candidates]
        wrong = ""
        for _ in range(self.retries + 1):
            args: Json = {
                "candidates": words,
                "model": self.asks(turn, None)[0].name,
                "messages": turn.view.transcript.digest(),
                "prompt": digest(self.prompt),
                "render": RENDER_VERSION,
                **({"wrong": wrong} if wrong else {}),
            }
            (result,) = await turn.perform(
                Call("model.call", args, partial(self._most, turn, args))
            )
            reply: Any = result.unwrap()
            wrong = chosen_word(str(reply["text"]))
            try:
                return pick(self.name, None if wrong == DONE_WORD else wrong, chat)
            except OffTable:
                continue
        if self.fallback is not None:
            return self.fallback
        shown = ", ".join(map(str, words))
        raise OffTable(
            f"{self.name} answered {wrong!r} after {self.retries} retries; enabled: {shown}. "
            "Declare by_model(..., fallback='STATE')"
        ).at(turn.next_ordinal - 1)


def _briefly(settings: Settings) -> Settings:
    """Return *settings* for a choice, unless they say otherwise."""
    return replace(settings, temperature=0.0, max_tokens=40) if settings == Settings() else settings


def chosen_word(text: str) -> str:
    """Return the name in a model's answer: the value of ``next``, or the bare text."""
    from json import JSONDecodeError, loads

    try:
        answer: Any = loads(text)
    except JSONDecodeError:
        return text.strip().strip("\"'.` ")
    return str(answer.get("next", "")) if isinstance(answer, dict) else str(answer)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]


def by_model(
    model: AnyModel,
    *,
    prompt: str = "You choose who speaks next in this conversation.",
    retries: int = 2,
    fallback: str | None = None,
) -> Chooser:
    """Let a model pick among the enabled transitions, by constrained output.

    Args:
        model: its name, such as ``openai:gpt-5-mini``.
        prompt: what it is told beside the names.
        retries: how often an answer off the table is shown to it and asked again.
        fallback: state to take when it never names one; without it the run stops ``failed``.
    """
    return _ByModel(model, prompt, retries, fallback)


@dataclass(frozen=True, slots=True)
class _ByHuman:
    name: str = "by_human()"
    form: Json = field(default_factory=lambda: {"choose": "by_human"})
    composed: bool = True

    async def choose(self, chat: Chat, turn: Turn, /) -> object:
        """Ask a person which of the candidates is next."""
        words = [DONE_WORD if name is None else name for name in chat.candidates]
        while (answer := await turn.ask("Who is next?", words)) not in words:
            pass  # an answer off the table stays on the record, and the question is put again
        return None if answer == DONE_WORD else answer


def by_human() -> Chooser:
    """Let a person pick; the run waits for the answer."""
    return _ByHuman()
