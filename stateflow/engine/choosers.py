"""Choosers: in turn, at random with a seed, by a model, by a person."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, cast

from stateflow.agents.human import option_of
from stateflow.conversation.agent import Turn
from stateflow.conversation.effect import Call
from stateflow.conversation.message import Message, Usage
from stateflow.conversation.window import SUMMARISE
from stateflow.engine.naming import meant, shown, words_of
from stateflow.errors import BadReply, DefinitionError, OffTable
from stateflow.machine.choose import Chat, Chooser
from stateflow.models.base import ModelRequest, estimate_tokens
from stateflow.models.model import AnyModel, Model, models_of
from stateflow.models.render import RENDER_VERSION, render
from stateflow.value import Json, canonical_json, digest

__all__ = ["ByHuman", "ByModel", "at_random", "by_human", "by_model", "in_turn"]

_SHOWN: Final = 1_000
"""So much of the last message stands above the question who is next [characters]."""

_CHOOSE: Final = "You choose who speaks next in this conversation."


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
class ByModel:
    """Made by :func:`by_model`, which says what it does."""

    model: AnyModel
    prompt: str | None
    """What it is told beside the names; ``None``: a sentence that fits whoever uses it."""
    retries: int
    fallback: str | tuple[str, ...] | None
    """Names of states to take instead, in order; one by itself is a text."""
    composed: bool = True

    @property
    def name(self) -> str:
        """What drawings call it."""
        return f"by_model({models_of(self.model)[0].name!r})"

    @property
    def form(self) -> Json:
        """What tells it apart; the model and prompt are told by the print of the request."""
        given = self.fallback
        fallback: Json = [*given] if isinstance(given, tuple) else given
        return {"choose": "by_model", "retries": self.retries, "fallback": fallback}

    def asks(self, turn: Turn, args: Json) -> Sequence[Model]:
        """Return the models to ask, in order."""
        del args
        models = models_of(self.model)
        name = turn.model_for(models[0].name)
        return models if name == models[0].name else (replace(models[0], name=name, price=None),)

    def request(self, turn: Turn, args: Json) -> ModelRequest:
        """Return the request: the transcript, and the names that may be answered."""
        asked: Any = args
        if "summarise" in asked:
            return self._summary_request(turn, asked)
        words: list[str] = asked["candidates"]
        wrong = _wrong(asked["wrong"]) if "wrong" in asked else ""
        parts = [self._told, turn.role, wrong, f"Answer with one of: {', '.join(words)}."]
        system, messages = render(
            turn.view.transcript,
            me=self.name,
            state=turn.state,
            prompt="\n\n".join(part for part in parts if part),
            role="",
        )
        schema: Json = {
            "type": "object",
            "properties": {"next": {"type": "string", "enum": words}},
            "required": ["next"],
            "additionalProperties": False,
        }
        model = self.asks(turn, args)[0]
        return ModelRequest(model.name, system, messages, model.settings, schema)

    async def choose(self, chat: Chat, turn: Turn, /) -> object:
        """Ask the model; what means no candidate is shown to it and asked again."""
        words: list[Json] = [*words_of(chat)]
        known: dict[str, Json] = {
            "candidates": words,
            "model": self.asks(turn, None)[0].name,
            "messages": turn.view.transcript.digest(),
            "prompt": digest(self._told),
            "render": RENDER_VERSION,
            **({"about": digest(turn.role)} if any(chat.describe) else {}),
        }
        wrong: str | None = None
        for _ in range(self.retries + 1):
            args: Json = known if wrong is None else {**known, "wrong": wrong}
            call = Call("model.call", args, partial(self._most, turn, args))
            (result,) = await turn.perform(call)
            reply: Any = result.unwrap()
            position = meant(str(reply["text"]), chat)
            if position is not None:
                return chat.candidates[position]
            wrong = shown(str(reply["text"]))
        return self._instead(wrong or "", chat, turn)

    def _instead(self, wrong: str, chat: Chat, turn: Turn) -> str | None:
        """Return the first fallback that the table allows now.

        Raises:
            OffTable: it allows none of them, or there is none.
        """
        enabled = ", ".join(map(repr, chat.candidates))
        failed = f"{self.name} answered {wrong!r} in state {chat.view.state!r}, "
        failed += f"after {self.retries} retries; enabled: {enabled}. "
        if self.fallback is None:
            raise OffTable(f"{failed}Declare by_model(..., fallback='STATE')").at(
                turn.next_ordinal - 1
            )
        given = self.fallback
        for fallback in (given,) if isinstance(given, str) else given:
            if fallback in chat.candidates:
                return fallback
        names = repr(given) if isinstance(given, str) else ", ".join(map(repr, given))
        raise OffTable(
            f"{failed}Its fallback {names} is not among them, and no other way is taken; declare "
            "one whose transition has no guard, or several: fallback=['a', 'b']"
        ).at(turn.next_ordinal - 1)

    async def summarise(self, turn: Turn, child: int | None, /) -> str:
        """Return a summary of the nested chat that effect *child* was, or of the transcript.

        Raises:
            FaultError: the model cannot be asked, or its summary is empty.
        """
        said = turn.view.transcript if child is None else await turn.hear(child)
        ordinal = turn.next_ordinal
        args: Json = {
            "summarise": child,
            "model": self.asks(turn, None)[0].name,
            "messages": said.digest(),
            "prompt": digest(self.prompt or SUMMARISE),
            "render": RENDER_VERSION,
        }
        (result,) = await turn.perform(Call("model.call", args, partial(self._most, turn, args)))
        text = str(result.unwrap()["text"])
        if not text.strip():
            raise BadReply(
                f"{self.name} gave an empty summary in state {turn.state!r}; give it another "
                "model, or more max_tokens"
            ).at(ordinal)
        return text

    def _summary_request(self, turn: Turn, asked: Mapping[str, Any]) -> ModelRequest:
        """Return the request for a summary; of files, not every model can see the content."""
        child = asked["summarise"]
        said = turn.view.transcript if child is None else turn.heard(child)
        told = [replace(one, files=()) for one in said]
        prompt = self.prompt or SUMMARISE
        system, messages = render(told, me="", state=turn.state, prompt=prompt, role="")
        model = self.asks(turn, asked)[0]
        return ModelRequest(model.name, system, messages, model.settings)

    @property
    def _told(self) -> str:
        return _CHOOSE if self.prompt is None else self.prompt

    def _most(self, turn: Turn, args: Json) -> Usage:
        request = self.request(turn, args)
        return Usage(1, estimate_tokens(request), request.settings.max_tokens)


def _wrong(answer: str) -> str:
    """Return what the model is told of its wrong *answer*, which nobody has read yet."""
    if not answer:
        return "Your last answer was empty."
    quoted = canonical_json(answer)
    return f"Your last answer was {quoted}, which names none of them, or not only one."


def by_model(
    model: AnyModel,
    *,
    prompt: str | None = None,
    retries: int = 2,
    fallback: str | Sequence[str] | None = None,
) -> ByModel:
    """Let a model pick among the enabled transitions, by constrained output; or summarise.

    As ``choose=`` it picks; as ``summary=`` of a nested chat, or ``restart=`` of a transition, it
    summarises, and *retries* and *fallback* mean nothing.

    It is shown the transcript, the enabled states with the descriptions of their agents, and
    ``DONE`` for ``None`` (``END`` where a state is called that, then ``OVER``, ``DONE 2``, ...).
    Case, separators and decoration of its answer do not matter, and a sentence will do that names
    exactly one of them; what fits two is never guessed at.  A choice costs what the call costs:
    it is an effect of the turn it follows, and counts into the usage of that state.

    Args:
        model: a name such as ``openai:gpt-5-mini``; a ``Model`` with settings, such as
            ``Settings(temperature=0.0, max_tokens=60)`` where it takes them; a ``FallbackModel``.
        prompt: what it is told beside the names.
        retries: how often an answer that means none of them is shown to it and asked again.
        fallback: state to take when it never names one, or several, of which the first that is
            enabled then is taken; without it the run stops ``failed``, as it does where none is.

    Raises:
        DefinitionError: *model* is none, *retries* less than none, or *fallback* names nobody.

    Example:
        >>> by_model("openai:gpt-5-mini", fallback="planner").name
        "by_model('openai:gpt-5-mini')"
    """
    models_of(model)
    if retries < 0:
        raise DefinitionError(f"by_model(retries={retries!r}): give 0 or more")
    return ByModel(model, prompt, retries, None if fallback is None else _named(fallback))


def _named(fallback: str | Sequence[str]) -> str | tuple[str, ...]:
    """Return names of states; one by itself is a text, as it has always been journaled.

    Raises:
        DefinitionError: one of them is none, or there is none.
    """
    names = (fallback,) if isinstance(fallback, str) else tuple(fallback)
    if not names or not all(isinstance(cast("object", name), str) and name for name in names):
        raise DefinitionError(
            f"by_model(fallback={fallback!r}) names nobody; name a state, or leave it out"
        )
    one, *others = names
    return names if others else one


@dataclass(frozen=True, slots=True)
class ByHuman:
    """Lets a person pick; made by :func:`by_human`."""

    name: str = "by_human()"
    form: Json = field(default_factory=lambda: {"choose": "by_human"})
    composed: bool = True

    async def choose(self, chat: Chat, turn: Turn, /) -> object:
        """Ask a person which of the candidates is next."""
        words = words_of(chat)
        question = _who_is_next(chat.view.transcript.last)
        while (picked := option_of(await turn.ask(question, words), words)) not in words:
            pass  # an answer off the table stays on the record, and the question is put again
        return chat.candidates[words.index(picked)]


def _who_is_next(last: Message) -> str:
    """Return the question, below what was said: nothing else shows it before the turn is taken."""
    if not last.speaker:
        return "Who is next?"
    said = last.text if len(last.text) <= _SHOWN else f"{last.text[:_SHOWN].rstrip()}…"
    return f"{last.speaker}: {said}\n\nWho is next?"


def by_human() -> Chooser:
    """Let a person pick; the run waits for the answer, and asks until it is one of them.

    ``None`` is offered as ``DONE``, or as the next word of :func:`by_model` where a state is
    called that.
    """
    return ByHuman()
