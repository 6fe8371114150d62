"""The cast of a conversation: what everybody says, in order, and whom those pick who pick.

It takes the place of all that costs money or time; the rest of the run is real.  A line too few
or too many is a failure: a test that no longer says what it means has to be looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from stateflow.engine.result import Result
from stateflow.machine.budget import Budget
from stateflow.machine.flow import Flow
from stateflow.testing.exploring.line import Line, printed
from stateflow.testing.exploring.play import play
from stateflow.testing.exploring.stage import Ask, Speechless

__all__ = ["Cast"]


class Cast:
    """What everybody says.

    A line is a text; a ``dict`` for a structured reply or a form; an ``Outcome`` for how code came
    out; an error, which is raised; ``PASS``; or a ``Message``, with tool calls, a handoff, and so
    on.  Nested flows' agents speak by their own names.

    Args:
        lines: what each agent says, in order, by its name.
        picks: whom those pick who pick among states, in order, by the state; ``None`` is done.
        real: names of agents that speak for themselves, as plain Python without cost may.

    Example:
        >>> from stateflow import Assistant, Flow, State, says, to
        >>> critic = Assistant("critic", "openai:gpt-5")
        >>> judge = State("judge", critic, to(None, when=says("GOOD", by=critic)), to("judge"))
        >>> result = Cast({"critic": ["Too long.", "GOOD"]}).run(Flow("essay", judge), "Tea.")
        >>> result.path, result.stop.kind
        (('judge', 'judge'), 'done')
    """

    def __init__(
        self,
        lines: Mapping[str, Sequence[Line]],
        *,
        picks: Mapping[str, Sequence[str | None]] | None = None,
        real: Collection[str] = (),
    ) -> None:
        """Keep the lines."""
        self.lines: dict[str, list[Line]] = {who: list(said) for who, said in lines.items()}
        self.picks = {state: list(picked) for state, picked in (picks or {}).items()}
        self.real = tuple(real)

    def run(
        self,
        flow: Flow,
        task: str = "",
        *,
        data: Mapping[str, Any] | BaseModel | None = None,
        budget: Budget | None = None,
    ) -> Result:
        """Run *flow* with this cast, offline, and block until it stops.

        Args:
            flow: what may happen.
            task: the first message.
            data: initial values of the flow's typed data.
            budget: limits that replace the flow's.

        Raises:
            AssertionError: somebody was asked for more than they have to say, or for less.
            StateflowError: the flow or the data cannot be run.
        """
        __tracebackhide__ = True
        voice = _Reading(self)
        try:
            result = play(flow, voice, task, data=data, budget=budget, real=self.real).result
        except Speechless as error:
            raise AssertionError(str(error)) from None
        left = [
            f"{who!r} has {len(said) - voice.said.get(who, 0)} left"
            for who, said in self.lines.items()
            if voice.said.get(who, 0) < len(said)
        ]
        if left:
            path = " → ".join(result.path)
            raise AssertionError(
                f"the run stopped before everything was said: {', '.join(left)}; it went {path}, "
                f"{result.stop}"
            )
        return result

    def __repr__(self) -> str:
        """Return Python that makes it."""
        lines = ", ".join(
            f"{who!r}: [{', '.join(map(printed, said))}]" for who, said in self.lines.items()
        )
        picks = f", picks={self.picks!r}" if self.picks else ""
        real = f", real={self.real!r}" if self.real else ""
        return f"Cast({{{lines}}}{picks}{real})"


class _Reading:
    """One run's reading of a cast."""

    def __init__(self, cast: Cast) -> None:
        self._cast = cast
        self.said: dict[str, int] = {}
        self._picked: dict[str, int] = {}

    def line(self, ask: Ask) -> Line:
        """Return the next line of whoever is asked."""
        who = ask.agent.name
        at = self.said.get(who, 0)
        lines = self._cast.lines.get(who, [])
        if at >= len(lines):
            raise Speechless(
                f"{who!r} is asked in state {ask.state.name!r} for line {at + 1}, and the cast has "
                f"{len(lines)}; add one, or see why the run goes on: "
                f"{' → '.join([*ask.fold.path, ask.state.name])}"
            )
        self.said[who] = at + 1
        return lines[at]

    def pick(self, state: str, candidates: Sequence[str | None], run: str) -> str | None:
        """Return the next pick in *state*."""
        del run
        at = self._picked.get(state, 0)
        picks = self._cast.picks.get(state, [])
        if at >= len(picks) or picks[at] not in candidates:
            what = repr(picks[at]) if at < len(picks) else "nobody"
            raise Speechless(
                f"{what} is picked in state {state!r}, and the candidates are "
                f"{', '.join(map(repr, candidates))}; give picks={{{state!r}: [...]}}"
            )
        self._picked[state] = at + 1
        return picks[at]
