"""An agent that speaks through a language model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeGuard, get_args

from stateflow.agents.history import history
from stateflow.agents.rounds import Offer, Round, make_calls, offered, offers_of, outcome_of
from stateflow.agents.sight import look, seen, summary_model, summary_request
from stateflow.agents.structured import ReplyType, complaint, read_reply, schema_of
from stateflow.conversation.agent import Kind, Reply, Turn
from stateflow.conversation.effect import Call
from stateflow.conversation.message import Message, Usage
from stateflow.conversation.window import Summarised
from stateflow.errors import BadReply, DefinitionError, TooManyRounds
from stateflow.models.base import ModelRequest, ToolChoice, estimate_tokens
from stateflow.models.model import AnyModel, Model, models_of
from stateflow.models.render import RENDER_VERSION, render
from stateflow.tools.base import Tool, ToolSource
from stateflow.value import Json, check_name, digest

__all__ = ["Assistant"]


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Assistant:
    """Speaks what a model answers to its prompt, the state's prompt, and the transcript.

    Composed: its code runs on replay, and its model and tool calls, each an effect of its own, are
    answered from the journal.

    Args:
        name: what transcripts, drawings and guards call it.
        model: a name such as ``openai:gpt-5``, a ``Model``, or a ``FallbackModel``; runs can
            override it.
        prompt: what it is told in every state; a state adds its role.
        reply: a pydantic model that the answer must follow; guards read its fields, as in
            ``replied("score", at_least=8)``.  A JSON schema is only given to the model: here it is
            checked that the answer is an object.  A turn that hands off has no reply.
        tools: functions, tools, handoffs, and sources of tools such as ``mcp_stdio(...)``.
        tool_choice: ``required`` makes it call a tool before it answers.
        reflect: whether the model sees what its tools gave, and answers; False: that is the answer.
        rounds: how often it may call tools before it has to answer [rounds].
        repairs: how often an answer that does not follow *reply* is shown to it and asked again.
        vary_seed: add the state's visit to the seed, so that a second try is not the first again.
        description: a line about it, for a model that picks speakers.

    Raises:
        DefinitionError: the name cannot be drawn, or *model*, a tool or *reply* is none.

    Example:
        >>> Assistant("writer", model="scripted:Hello.").kind
        'llm'
    """

    name: str
    model: AnyModel
    prompt: str
    reply_type: ReplyType | None
    schema: Json
    """JSON schema that the answer must follow; ``None``: plain text."""
    toolbox: tuple[Tool, ...]
    sources: tuple[ToolSource, ...]
    tool_choice: ToolChoice
    reflect: bool
    rounds: int
    repairs: int
    vary_seed: bool
    description: str
    kind: Kind
    composed: bool

    def __init__(  # noqa: PLR0913 - all but the name and the model are keywords with defaults
        self,
        name: str,
        model: AnyModel,
        prompt: str = "",
        *,
        reply: ReplyType | None = None,
        tools: Sequence[Tool | ToolSource | Callable[..., object]] = (),
        tool_choice: ToolChoice = "auto",
        reflect: bool = True,
        rounds: int = 10,
        repairs: int = 2,
        vary_seed: bool = False,
        description: str = "",
    ) -> None:
        """Declare it; nothing is opened yet."""
        if rounds < 1 or repairs < 0:
            raise DefinitionError(
                f"agent {name!r}: rounds={rounds!r} is 1 or more, and repairs={repairs!r} 0 or more"
            )
        if reply is not None and not reflect:
            raise DefinitionError(
                f"agent {name!r}: with reflect=False what its tools gave is the answer, which no "
                "reply= can describe; leave one of them out"
            )
        _check(name, model, tools, tool_choice)
        from stateflow.tools.function import as_tool

        sources = {one.name: one for one in tools if _is_source(one)}
        if len(sources) < sum(map(_is_source, tools)):
            raise DefinitionError(f"agent {name!r}: two tool servers have one name; give name=")
        toolbox = {one.name: one for one in (as_tool(t) for t in tools if not _is_source(t))}
        if len(toolbox) + len(sources) < len(tools):
            raise DefinitionError(f"agent {name!r}: two tools have one name; give one another name")
        if tool_choice == "required" and not tools:
            raise DefinitionError(f"agent {name!r} must call a tool and has none; give it tools=")
        values = {
            "name": check_name(name, "agent"),
            "model": model,
            "prompt": prompt,
            "reply_type": reply,
            "schema": None if reply is None else schema_of(reply),
            "toolbox": tuple(toolbox.values()),
            "sources": tuple(sources.values()),
            "tool_choice": tool_choice,
            "reflect": reflect,
            "rounds": rounds,
            "repairs": repairs,
            "vary_seed": vary_seed,
            "description": description,
            "kind": "llm",
            "composed": True,
        }
        for field, value in values.items():
            object.__setattr__(self, field, value)

    def asks(self, turn: Turn, args: Json) -> Sequence[Model]:
        """Return the models to ask for the effect with *args*, in order."""
        summariser = summary_model(turn, args)
        if summariser is not None:
            return models_of(summariser)
        models = models_of(self.model)
        override = turn.model_for(models[0].name)
        if override != models[0].name:
            models = (replace(models[0], name=override, price=None),)
        if not self.vary_seed:
            return models
        return [replace(one, settings=one.settings.varied(turn.view.visit)) for one in models]

    def request(self, turn: Turn, args: Json) -> ModelRequest:
        """Return the whole request that the small *args* of an effect stand for."""
        asked: Any = args
        model = self.asks(turn, args)[0]
        if "summarise" in asked and isinstance(turn.sees, Summarised):
            return summary_request(turn, turn.sees, model, asked)
        system, messages = render(
            seen(turn, asked), me=self.name, state=turn.state, prompt=self.prompt, role=turn.role
        )
        done = history(turn.made(), asked.get("after", 0), self._complaint)
        tools = tuple(offer.spec for offer in offers_of(turn, self.toolbox, self.sources).values())
        messages = (*messages, *done)
        choice = asked.get("choice", "auto")
        return ModelRequest(
            model.name, system, messages, model.settings, self.schema, tools, choice
        )

    async def reply(self, turn: Turn, /) -> Reply:
        """Ask the model; make its tool calls and ask again, until it answers.

        Raises:
            FaultError: a call failed for good, the answer is not what was asked for, or it never
                came.
        """
        offers = await offered(turn, self.toolbox, self.sources)
        shown = await look(
            turn,
            lambda more: self._args(turn, offers, more),
            lambda args: self._most(turn, args),
        )
        first = turn.next_ordinal
        rounds: list[Round] = []
        repairs = 0
        while True:
            of = turn.next_ordinal
            more: dict[str, Json] = {"after": of} if of > first else {}
            if self.tool_choice != "auto" and offers and not rounds:
                more["choice"] = self.tool_choice
            answer = await self._ask(turn, self._args(turn, offers, {**shown, **more}))
            text = str(answer["text"])
            if answer.get("calls"):
                self._refuse_round(len(rounds), of)
                rounds.append(await make_calls(turn, of, answer["calls"], offers, len(rounds)))
                if rounds[-1].handoff is not None:
                    return self._message(text, rounds, None)
                if not self.reflect:
                    return self._message(rounds[-1].text, rounds, None)
                continue
            value, wrong = self._read(text)
            if not wrong:
                return self._message(text, rounds, value)
            if repairs == self.repairs:
                raise BadReply(
                    f"agent {self.name!r} was asked for {self._wanted()} {repairs + 1} times, and "
                    f"its last answer is not that: {wrong}"
                ).at(of)
            repairs += 1

    async def _ask(self, turn: Turn, args: dict[str, Json]) -> Any:  # noqa: ANN401 - a reply's JSON
        (result,) = await turn.perform(Call("model.call", args, lambda: self._most(turn, args)))
        return result.unwrap()

    def _most(self, turn: Turn, args: Json) -> Usage:
        """Return the most that the request of *args* can cost, its input by the estimate."""
        limits = [one.settings.max_tokens for one in self.asks(turn, args)]
        return Usage(1, estimate_tokens(self.request(turn, args)), max(limits))

    def _refuse_round(self, made: int, of: int) -> None:
        if made == self.rounds:
            raise TooManyRounds(
                f"agent {self.name!r} called tools in {made} rounds and did not answer; raise "
                "rounds=, or tell it in the prompt when to stop"
            ).at(of)

    def _read(self, text: str) -> tuple[Json, str]:
        return (None, "") if self.reply_type is None else read_reply(self.reply_type, text)

    def _complaint(self, text: str) -> str:
        return complaint(self._read(text)[1])

    def _wanted(self) -> str:
        return str(getattr(self.reply_type, "__name__", "JSON of its schema"))

    def _message(self, text: str, rounds: Sequence[Round], value: Json) -> Message:
        calls = tuple(call for one in rounds for call in one.calls)
        files = tuple(file for one in rounds for file in one.files)
        handoff = rounds[-1].handoff if rounds else None
        return Message(
            text,
            self.name,
            outcome_of(calls),
            calls,
            reply=value,
            handoff=handoff,
            files=files,
        )

    def _args(
        self, turn: Turn, offers: Mapping[str, Offer], more: Mapping[str, Json]
    ) -> dict[str, Json]:
        """Return the print of a request: what decides the answer, at constant cost."""
        first, *others = self.asks(turn, dict(more))
        args: dict[str, Json] = {
            "model": first.name,
            "settings": first.settings.json(),
            "prompt": _prompt_print(self.prompt, turn.role),
            "messages": turn.view.transcript.digest(),
            "state": turn.state,
            "render": RENDER_VERSION,
        }
        if others:
            args["else"] = [{"model": m.name, "settings": m.settings.json()} for m in others]
        if self.schema is not None:
            args["schema"] = digest(self.schema)
        if offers:
            args["tools"] = digest([offer.spec.json() for offer in offers.values()])
        return {**args, **more}


def _check(name: str, model: AnyModel, tools: object, tool_choice: object) -> None:
    """Refuse what could only fail in the middle of a run."""
    try:
        models_of(model)
    except DefinitionError as error:
        raise DefinitionError(f"agent {name!r}: model={error}") from None
    if isinstance(tools, str) or not isinstance(tools, Sequence):
        raise DefinitionError(f"agent {name!r}: tools={tools!r} is no list; write tools=[...]")
    if tool_choice not in get_args(ToolChoice):
        raise DefinitionError(
            f"agent {name!r}: tool_choice={tool_choice!r} is none; "
            f"give one of {', '.join(get_args(ToolChoice))}"
        )


@lru_cache(maxsize=256)  # the same in every turn
def _prompt_print(prompt: str, role: str) -> str:
    return digest([prompt, role])


def _is_source(thing: object) -> TypeGuard[ToolSource]:
    return callable(getattr(thing, "open", None))
