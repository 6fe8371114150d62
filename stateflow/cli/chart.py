"""What a journal says about its flow, for people: kinds, models, limits, guards.

It reads the table that ``RunStarted`` carries, so that a run can be shown without its code.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, Final

from rich.text import Text

from stateflow.conversation.effect import Key
from stateflow.conversation.message import Usage
from stateflow.diagram.look import width
from stateflow.diagram.words import counted
from stateflow.journal.event import ChildStarted, RunStarted, Step
from stateflow.journal.fold import Fold
from stateflow.machine.table_json import branch_of, guards_of, nested_path, places_in
from stateflow.value import plain

__all__ = [
    "MUTED",
    "Chart",
    "clean",
    "cut",
    "folded",
    "money",
    "path_strip",
    "short",
    "spent",
]

MUTED: Final = "bright_black"
_COLOURS: Final = {
    "llm": "bright_blue",
    "human": "yellow",
    "code": "green",
    "tool": "magenta",
    "flow": "slate_blue1",  # the indigo of drawings, light enough for a dark terminal
}
_NAMED: Final = 4
"""Most branches of a parallel state that are named in a line."""


class Chart:
    """The table of a flow, by name."""

    def __init__(self, started: RunStarted) -> None:
        """Index what *started* carries."""
        table = started.table
        self._flow = started.flow
        self.name = clean(started.flow)
        self.places = places_in(table)
        self.agents: dict[str, dict[str, Any]] = {a["name"]: a for a in table.get("agents", [])}
        self._models = started.models or {}
        self._sandboxes = started.sandboxes or {}

    def size(self) -> str:
        """Return how many states and transitions there are."""
        states = sum("state" in place for place in self.places.values())
        moves = sum(len(place.get("to", ())) for place in self.places.values())
        return f"{counted(states, 'state')} · {counted(moves, 'transition')}"

    def colour(self, state: str) -> str:
        """Return the colour of the kind of agent that speaks last in *state*."""
        place = self.places.get(state, {})
        if "final" in place:
            return "green" if place.get("ok", True) else "red"
        speaks = self.speakers(state)
        kind = self.agents.get(speaks[-1], {}).get("kind", "tool") if speaks else ""
        return _COLOURS.get(kind, MUTED)

    def speakers(self, state: str) -> Sequence[str]:
        """Return the names of the agents that speak in *state*, in order."""
        speaks: Sequence[str] = self.places.get(state, {}).get("speaks", ())
        return speaks

    def who(self, state: str) -> str:
        """Return who speaks in *state*, for people; branches with their join."""
        speaks = self.speakers(state)
        need = self.places.get(state, {}).get("join")
        if need is None:
            return " → ".join(speaks)
        more = len(speaks) - _NAMED
        named = " | ".join(speaks[:_NAMED]) + (f" and {more} more" if more > 0 else "")
        how = "" if need == len(speaks) else "any" if need == 1 else f"{need} of {len(speaks)}"
        return f"{named} · join {how}" if how else named

    def branch(self, state: str, ordinal: int, flow: str) -> str:
        """Return under which name the nested run of *flow*, effect *ordinal* in *state*, speaks."""
        return branch_of(self.places.get(state, {}), ordinal, flow, self._flow)

    def nested(self, state: str, ordinal: int, flow: str) -> str:
        """Return the path of the nested run of *flow*, effect *ordinal* in *state*."""
        return nested_path(state, self.places.get(state, {}), ordinal, flow, self._flow)

    def below(self, fold: Fold) -> Iterator[tuple[str, Key]]:
        """Yield the nested runs that began in the open turn of *fold*: path, and key."""
        for ordinal, begun in sorted(fold.begun.items()):
            if isinstance(begun, ChildStarted):
                yield f"{self.nested(begun.key.state, ordinal, begun.flow)}/", begun.key

    def chooses(self, state: str) -> bool:
        """Tell whether somebody is asked who is next."""
        return "choose" in self.places.get(state, {})

    def by(self, agent: str) -> str:
        """Return what *agent* works by: its sandbox, or its model without the provider."""
        given = self._sandboxes.get(agent, {}).get("sandbox", "")
        sandbox = given or self.agents.get(agent, {}).get("sandbox", "")
        if sandbox:
            return clean(sandbox)
        name = self._models.get(agent) or self.agents.get(agent, {}).get("model", "")
        if name.startswith("scripted:"):
            return "scripted"
        return name.split(":", 1)[-1].rsplit("/", 1)[-1].rsplit("#", 1)[-1]

    def limit(self, state: str) -> int | None:
        """Return how often *state* may be entered."""
        return self.places.get(state, {}).get("visits")

    def guards(self, place: str) -> list[str]:
        """Return the guards of *place* in the order of trial."""
        return guards_of(self.places.get(place, {}))

    def edge(self, step: Step, exhausted: str = "") -> str:
        """Return the transition that *step* took, or ``""`` where there was no choice."""
        guards = self.guards(step.at)
        if step.taken is None:
            why = f"{exhausted} used up" if exhausted else "on_error"
            return f"! {why} → {step.to}" if step.to is not None else f"! {why}"
        if len(guards) < 2 or step.taken >= len(guards):  # noqa: PLR2004 - one exit is no choice
            return ""
        return f"{step.taken + 1} {guards[step.taken]}"

    def verdicts(self, step: Step) -> list[str]:
        """Return each guard of *step* with its verdict."""
        said = {True: "yes", False: "no", None: "not asked"}
        guards = self.guards(step.at)
        return [
            f"{at + 1} {guards[at] if at < len(guards) else '?'}: {said[verdict]}"
            for at, verdict in enumerate(step.tried)
        ]


def path_strip(chart: Chart, path: Sequence[str], end: str = "") -> Text:
    """Return the states that spoke, in the colours of their kinds."""
    names = [*path, end] if end else list(path)
    parts = [Text(clean(name), chart.colour(name)) for name in names]
    return Text(" → ", MUTED).join(parts)


def money(usage: Usage, listed: str = "") -> str:
    """Return what was paid, and by the price list of which day; nothing where it was free.

    Example:
        >>> money(Usage(usd=0.0031)), money(Usage(usd=None)), money(Usage())
        ('$0.0031', 'cost unknown', '')
        >>> money(Usage(usd=1.5), "2026-10-26")
        '$1.50 at prices of 2026-10-26'
    """
    if usage.usd is None:
        return "cost unknown"
    if not usage.usd:
        return ""
    paid = f"${usage.usd:.2f}" if usage.usd >= 1 else f"${usage.usd:.4f}"
    return f"{paid} at prices of {listed}" if listed else paid


def spent(usage: Usage, seconds: float | None = None, listed: str = "") -> list[str]:
    """Return tokens, money and time, as far as there are any."""
    tokens = f"{usage.tokens:,} tok" if usage.tokens else ""
    took = "" if seconds is None else f"{seconds:.1f} s"
    return [part for part in (tokens, money(usage, listed), took) if part]


def short(run: str) -> str:
    """Return the end of the name of *run*, by which a store finds it.

    Example:
        >>> short("2026-11-21T03-20_code_review_k3f9")
        'k3f9'
    """
    return run.rpartition("_")[2] or run


def clean(text: str) -> str:
    """Return *text* without anything that could move the cursor or hide what is written.

    Example:
        >>> clean("red" + chr(27) + "[31m" + chr(0x202E) + "x")
        'red[31mx'
    """
    text = plain(text).expandtabs(4)
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c == "\n" else " "
        for c in text
        if c.isprintable() or c == "\n" or unicodedata.category(c) == "Zs"
    )


def cut(text: str, columns: int) -> str:
    """Return *text* in one line of at most *columns*.

    Example:
        >>> cut("one" + chr(10) + "two three", 8)
        'one two…'
    """
    line = " ".join(clean(text[: columns * 8]).split())
    if width(line) <= columns:
        return line
    line = line[:columns]
    while width(line) > columns - 1:
        line = line[:-1]
    return f"{line}…"


def folded(text: str, columns: int) -> list[str]:
    """Return *text* in lines of at most *columns*, broken at spaces where there are any.

    Text that is added at the end changes the last line only, if what was there ended in a space.

    Example:
        >>> folded("one two three", 8)
        ['one two ', 'three']
    """
    lines: list[str] = []
    for paragraph in text.split("\n"):
        lines += _folded(paragraph, max(columns, 8))
    return lines


def _folded(paragraph: str, columns: int) -> list[str]:
    lines = [""]
    room = columns
    for word in paragraph.replace(" ", " \0").split("\0"):
        wide = width(word.rstrip(" "))
        if wide > room and lines[-1]:
            lines.append("")
            room = columns
        if wide > columns:
            *whole, word = _pieces(word, columns)  # noqa: PLW2901 - the rest of it
            lines[-1:] = [*whole, ""]
        lines[-1] += word
        room -= width(word)
    return lines


def _pieces(word: str, columns: int) -> list[str]:
    """Return a *word* that is wider than a line in pieces, all but the last as wide as one."""
    pieces: list[str] = []
    start, room = 0, columns
    for at, character in enumerate(word.rstrip(" ")):
        wide = width(character)
        if wide > room:
            pieces.append(word[start:at])
            start, room = at, columns
        room -= wide
    return [*pieces, word[start:]]
