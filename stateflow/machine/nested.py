"""Nested chats: a state bound to a flow, which speaks as one agent.

The nested flow is a machine of its own, with a transcript, data and a journal of its own.  What
goes in is an input and a carryover; what comes out is a summary, the name of the final it ended
in, and its data.  Nothing else passes between the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from typing import Final as Constant

from stateflow.conversation.agent import Kind, Turn
from stateflow.conversation.carryover import with_carryover
from stateflow.conversation.effect import ChildResult, Given
from stateflow.conversation.message import Message, Outcome
from stateflow.conversation.summary import Summariser, Summary, last_message
from stateflow.conversation.view import View
from stateflow.conversation.window import Summarised, Window
from stateflow.errors import DefinitionError
from stateflow.machine.state import DEFAULT_TIMEOUT_S, State
from stateflow.machine.transition import Action, Transition
from stateflow.value import check_name

if TYPE_CHECKING:
    from stateflow.machine.flow import Flow

__all__ = [
    "FieldsOut",
    "FlowAgent",
    "Input",
    "Nested",
    "Output",
    "flow_agent",
    "is_itself",
    "itself",
    "output_of",
]

Input: TypeAlias = str | Callable[[View], str | Given] | None
"""What a nested flow starts from; ``None``: the last message."""

Output: TypeAlias = Mapping[str, str] | Action | None
"""What a nested flow changes in the data around it: fields of the child's data by field of the
parent's, or an action that finds the child's data as ``view.last.reply``."""


class _Itself:
    """The type of what stands for the flow that a state belongs to."""

    name = "itself"

    def __repr__(self) -> str:
        return "itself()"


ITSELF: Constant = _Itself()


def itself() -> Flow:
    """Stand for the flow that a nested state belongs to: recursion, said aloud.

    It goes as deep as ``Budget(depth=...)`` allows [nested runs], 5 if nobody says else.

    Example:
        >>> Nested("solve a part", itself()).agent.name
        'itself'
    """
    return cast("Flow", ITSELF)


@dataclass(frozen=True, slots=True, eq=False)
class FlowAgent:
    """A flow that speaks as one agent; made by ``flow.as_agent()``, ``Nested`` and ``Parallel``.

    Composed: the nested run is one effect, with a journal of its own.
    """

    name: str
    flow: Flow
    input: Input = None
    carryover: Window | None = None
    """What it is told of the transcript around it, beside its input."""
    summary: Summary = last_message
    description: str = ""
    kind: Kind = field(default="flow", init=False)
    composed: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        """Refuse what could only fail in the middle of a run."""
        check_name(self.name, "agent")
        carryover: object = self.carryover
        cuts = callable(getattr(carryover, "of", None)) and not isinstance(carryover, Summarised)
        if carryover is not None and not cuts:
            raise DefinitionError(
                f"{self.name!r}: carryover={carryover!r} cuts no transcript; write last(3) or "
                "only('writer')"
            )
        summary = cast("object", self.summary)
        if not callable(summary) and not isinstance(summary, Summariser):
            raise DefinitionError(
                f"{self.name!r}: summary={self.summary!r} summarises nothing; give last_message, "
                "by_model('openai:…'), or a function of the messages"
            )
        if self.input is not None and not isinstance(self.input, str) and not callable(self.input):
            raise DefinitionError(
                f"{self.name!r}: input={self.input!r} is no task; give a text, or a function of "
                "the view that returns one"
            )

    @property
    def model(self) -> object:
        """The model that summarises, where one does."""
        return getattr(self.summary, "model", None)

    def asks(self, turn: Turn, args: Any) -> Any:  # noqa: ANN401 - models are a layer up
        """Return the models to ask for a summary."""
        summary: Any = self.summary
        return summary.asks(turn, args)

    def request(self, turn: Turn, args: Any) -> Any:  # noqa: ANN401 - models are a layer up
        """Return the request for a summary."""
        summary: Any = self.summary
        return summary.request(turn, args)

    def given(self, view: View, role: str = "") -> Given:
        """Return what the nested flow starts from.

        Raises:
            DefinitionError: the input function returned something else.
        """
        given = self._input(view)
        if role:
            given = replace(given, task=f"{role}\n\n{given.task}".strip())
        if self.carryover is None:
            return given
        said = self.carryover.of(view.transcript)
        told = [one for one in said if one is not view.last or self.input is not None]
        return replace(given, task=with_carryover(given.task, told))

    def _input(self, view: View) -> Given:
        if self.input is None:
            return Given(view.last.text, files=view.last.files)
        if isinstance(self.input, str):
            return Given(self.input)
        made = cast("object", self.input(view))
        if isinstance(made, str):
            return Given(made)
        if isinstance(made, Given):
            return made
        raise DefinitionError(
            f"the input function of {self.name!r} returned a {type(made).__name__}; return a text, "
            "or Given(task, data={...})"
        )

    async def reply(self, turn: Turn, /) -> Message:
        """Run the flow, and say what came of it."""
        ordinal = turn.next_ordinal
        return await self.told(
            turn, ordinal, await turn.child(self.flow, self.given(turn.view, turn.role))
        )

    async def told(self, turn: Turn, ordinal: int, result: ChildResult) -> Message:
        """Return the message about the nested run that effect *ordinal* of *turn* was."""
        text = await self._summarised(turn, ordinal, result)
        detail = "" if result.ok else f"ended in {result.ended!r}"
        outcome = Outcome(ok=result.ok, detail=detail)
        return Message(text, self.name, outcome, reply=result.data, ended=result.ended)

    async def _summarised(self, turn: Turn, ordinal: int, result: ChildResult) -> str:
        summary = self.summary
        if summary is last_message:
            return result.text
        if isinstance(summary, Summariser):
            return await summary.summarise(turn, ordinal)
        text = cast("object", summary(await turn.hear(ordinal)))
        if isinstance(text, str):
            return text
        raise DefinitionError(
            f"the summary function of {self.name!r} returned a {type(text).__name__}, not a text"
        )


def is_itself(agent: object) -> bool:
    """Tell whether *agent* stands for the flow that its state belongs to."""
    return isinstance(agent, FlowAgent) and cast("object", agent.flow) is ITSELF


def flow_agent(flow: object, where: str, name: str | None = None, **how: Any) -> FlowAgent:  # noqa: ANN401 - fields of FlowAgent
    """Return *flow* as the agent called *name*, or after itself.

    Raises:
        DefinitionError: *flow* is none; *where* says who asks.
    """
    if isinstance(flow, FlowAgent):
        if any(value is not None for value in how.values()):
            raise DefinitionError(
                f"{where}: {flow.name!r} is an agent already; say input=, carryover= and summary= "
                "where it is made: flow.as_agent(...)"
            )
        return flow if name is None else replace(flow, name=name)
    if not callable(getattr(flow, "as_agent", None)) and flow is not ITSELF:
        cure = "nest what Flow(...) returns"
        if callable(getattr(flow, "reply", None)):
            called = getattr(flow, "name", "name")
            cure = f"make one of the agent: Flow({called!r}, State({called!r}, agent, to(None)))"
        raise DefinitionError(f"{where}: {flow!r} is not a flow; {cure}")
    given = {key: value for key, value in how.items() if value is not None}
    called = name if name is not None else str(getattr(flow, "name", ""))
    return FlowAgent(
        called,
        cast("Flow", flow),
        description=str(getattr(flow, "description", "")),
        **given,
    )


@dataclass(frozen=True, slots=True, init=False)
class Nested(State):
    """A state in which a flow speaks: a sub-machine.

    Its message is the summary of the nested chat; ``ended("rejected")`` reads the final that it
    ended in, ``replied("field")`` its data, and ``failed`` holds where that final is not ok.

    Args:
        name: of the state.
        flow: what runs here; ``itself()`` for the flow that the state belongs to.
        transitions: tried in order once the nested run has ended.
        input: its task: a text, or a function of the view; else the last message.
        carryover: what it is told of the transcript beside that, as in ``last(3)``.
        summary: ``last_message``, ``by_model(...)``, or a function of its messages.
        output: what it changes in the data: ``{"field here": "field there"}``, or an action.
        visits: how often it may be entered; ``None``: as often as the budget allows.
        entry: changes the data when it is entered.
        exit: changes the data when it is left.
        save: data field that takes the nested flow's data, or else its summary.
        timeout_s: limit of an effect here, as of the call that writes the summary [s].
        phase: what it is part of, in drawings.

    Raises:
        DefinitionError: *flow* is none, or one of the others does not fit.

    Example:
        >>> Nested("outline", itself(), input="Outline it.").agent.input
        'Outline it.'
    """

    def __init__(  # noqa: PLR0913 - the declaration of a state is this long
        self,
        name: str,
        flow: Flow | FlowAgent,
        *transitions: Transition,
        input: Input = None,  # noqa: A002 - the word of sub-machines
        carryover: Window | None = None,
        summary: Summary | None = None,
        output: Output = None,
        visits: int | None = None,
        entry: Action | None = None,
        exit: Action | None = None,  # noqa: A002 - the statecharts' word
        save: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        phase: str = "",
    ) -> None:
        """Declare the state called *name*, in which *flow* runs."""
        agent = flow_agent(
            flow, f"state {name!r}", input=input, carryover=carryover, summary=summary
        )
        State.__init__(
            self,
            name,
            agent,
            *transitions,
            visits=visits,
            entry=entry,
            exit=exit,
            save=save,
            timeout_s=timeout_s,
            phase=phase,
        )
        object.__setattr__(self, "output", output_of(name, output))


def output_of(state: str, output: Output) -> Action | None:
    """Return *output* as an action.

    Raises:
        DefinitionError: it is neither a mapping of names nor a function.
    """
    if output is None or (callable(output) and not isinstance(output, Mapping)):
        return output
    given = cast("object", output)
    names = cast("Mapping[object, object]", given if isinstance(given, Mapping) else {})
    pairs = tuple((str(here), str(there)) for here, there in names.items())
    if not pairs or list(pairs) != list(names.items()):
        raise DefinitionError(
            f"state {state!r}: output={output!r} names no fields; write "
            "output={'field here': 'field there'}, or a function of the view"
        )
    return FieldsOut(pairs)


@dataclass(frozen=True, slots=True)
class FieldsOut:
    """Copies fields of a nested run's data."""

    fields: tuple[tuple[str, str], ...]

    @property
    def form(self) -> list[list[str]]:
        """The fields, as JSON."""
        return [list(pair) for pair in self.fields]

    def __call__(self, view: View) -> dict[str, Any]:
        """Return the patch.

        Raises:
            KeyError: the nested flow's data has no such field.
        """
        data: Any = view.last.reply if isinstance(view.last.reply, Mapping) else {}
        return {here: data[there] for here, there in self.fields}
