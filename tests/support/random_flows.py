"""Random flows: whatever a flow may hold that is no Python function, in every mixture.

``flows()`` is for what reads tables: drawings, checks, exports.  ``plain=True`` leaves out
hostile names, for where a failing example is to be read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, TypeVar

from hypothesis import strategies as st
from pydantic import BaseModel, Field

from stateflow import (
    UNLIMITED,
    Agent,
    Assistant,
    Budget,
    CodeRunner,
    Flow,
    Guard,
    Human,
    Junction,
    LocalSandbox,
    Model,
    MontySandbox,
    Nested,
    Parallel,
    Price,
    Retry,
    Scripted,
    Settings,
    State,
    answered,
    at_random,
    by_human,
    by_model,
    called,
    data_is,
    ended,
    equals,
    exhausted,
    exit_code,
    failed,
    handed_to,
    handoff,
    hours,
    in_turn,
    itself,
    last,
    last_message,
    matches,
    messages_at_least,
    only,
    raised,
    replied,
    says,
    spent,
    spoke,
    steps,
    succeeded,
    summarised,
    timed_out,
    to,
    turns_at_least,
    visited,
    within,
)
from stateflow import Final as End
from stateflow.conversation.window import Window
from stateflow.machine.choose import Chooser
from stateflow.machine.state import Place
from stateflow.machine.transition import Transition

__all__ = ["Grade", "Notes", "agents", "flows", "guards", "names", "texts"]

T = TypeVar("T")

WORDS: Final = ("write", "run", "review", "approve", "plan", "done", "merge", "a b", "ask")
HOSTILE: Final = (
    *('say "hi"', "it's", "<b>&amp;", "class", "None", "état", "東京", "a\\b", "x-y", "{x}"),
    *("to", "Flow", "flow", "print", "1st", "--", "%s", "$(rm)", "]]>", "`x`", "__name__", "ﬁ"),
    *("end", "subgraph", "state", "says", "🙂", "a;b", "a:b", "#", '"""', "'''", "\\"),
)
TEXTS: Final = (
    *("", "Write it.", "Two\nlines.", "Tab\there", 'He said "no".', "it's", '"""', "\\", "\\n"),
    *("a" * 150, "word " * 40, "trailing \n\n", "'\"", "\u2028", "東京 " * 30, "{x} %s", "\x7f"),
    *("Line.\n" * 8, "A long first line of a prompt that nobody wraps by hand. " * 3),
)


class Grade(BaseModel):
    """A verdict."""

    score: int = Field(ge=0, le=10)
    reason: str = ""


class Notes(BaseModel):
    """What is known."""

    score: int = 0
    text: str = "nothing"
    items: list[str] = Field(default_factory=list)
    grade: Grade | None = None
    kind: Literal["a", 'b"c'] = "a"


def names(*, plain: bool = False) -> st.SearchStrategy[str]:
    """Return names that a place or an agent may have."""
    words = st.sampled_from(WORDS)
    if plain:
        return words
    free = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(_nameable)
    return st.one_of(words, st.sampled_from(HOSTILE), free)


def _nameable(name: str) -> bool:
    good = name.isprintable() and "/" not in name and name == name.strip()
    return good and name not in {"", "*", "="}


def texts() -> st.SearchStrategy[str]:
    """Return prompts and other texts."""
    free = st.text(st.characters(codec="utf-8"), max_size=200)
    return st.one_of(st.sampled_from(TEXTS), free)


def _values() -> st.SearchStrategy[object]:
    return st.one_of(
        st.none(), st.booleans(), st.integers(-9, 9), st.floats(-2, 2), st.sampled_from(TEXTS)
    )


def guards(
    states: Sequence[str] = ("write",), speakers: Sequence[str] = ("coder",)
) -> st.SearchStrategy[Guard]:
    """Return built-in guards, alone and joined; none asks about the budget."""
    place, who = st.sampled_from(states), st.sampled_from(speakers)
    by = st.one_of(st.none(), who)
    word = st.sampled_from(("DONE", "yes", 'a "b"', "it's", "naïve", "a\nb", "x" * 60))
    count = st.integers(0, 9)
    low = st.one_of(st.none(), st.integers(0, 5))
    one = st.one_of(
        st.sampled_from((failed, succeeded, timed_out)),
        st.builds(says, word, by=by, whole=st.booleans(), case=st.booleans()),
        st.builds(equals, word, by=by),
        st.builds(matches, st.sampled_from((r"score: \d+", "[a-z]+'\"", "x{2}")), by=by),
        st.builds(spoke, who),
        st.builds(handed_to, place),
        st.builds(called, word),
        st.lists(word, max_size=2).map(lambda some: answered(*some)),
        st.lists(word, max_size=2).map(lambda some: ended(*some)),
        st.lists(st.sampled_from(("RateLimited", "TimedOut", "Refused")), max_size=2).map(
            lambda some: raised(*some)
        ),
        st.lists(st.integers(0, 255), min_size=1, max_size=3).map(lambda some: exit_code(*some)),
        st.builds(visited, place, at_least=st.integers(1, 9)),
        st.builds(turns_at_least, count),
        st.builds(messages_at_least, count),
        st.builds(spent, usd=st.floats(0, 9), tokens=low, calls=low),
        st.builds(data_is, st.sampled_from(("score", "te xt")), _values()),
        st.builds(data_is, st.just("score"), at_least=low, at_most=low),
        st.builds(replied, st.just("score"), at_least=low, at_most=st.floats(5, 10)),
        st.builds(replied, st.just("ok")),
    )
    return st.recursive(
        one,
        lambda inner: st.one_of(
            st.builds(Guard.__and__, inner, inner),
            st.builds(Guard.__or__, inner, inner),
            st.builds(Guard.__invert__, inner),
        ),
        max_leaves=6,
    )


def _models() -> st.SearchStrategy[str | Model]:
    name = st.sampled_from(("scripted:Hello.|DONE", "scripted:yes", "openai:gpt-5"))
    settings = st.builds(
        Settings,
        temperature=st.one_of(st.none(), st.floats(0, 2)),
        seed=st.one_of(st.none(), st.integers(0, 99)),
        max_tokens=st.integers(1, 4096),
        extra=st.sampled_from(({}, {"top_k": 40})),
    )
    price = st.builds(Price, st.just(2.0), st.just(8), cached=st.sampled_from((None, 0.5)))
    whole = st.builds(
        Model,
        name,
        settings,
        st.builds(Retry, attempts=st.integers(1, 5)),
        st.one_of(st.none(), price),
    )
    return st.one_of(name, whole)


def agents(*, plain: bool = False, places: Sequence[str] = ("write",)) -> st.SearchStrategy[Agent]:
    """Return agents of every kind that holds no Python function."""
    name, text = names(plain=plain), texts()
    some = st.lists(st.sampled_from(places), unique=True, max_size=2)
    return st.one_of(
        st.builds(Scripted, name, st.lists(text, max_size=3), description=text),
        st.builds(
            Assistant,
            name,
            _models(),
            text,
            reply=st.sampled_from((None, Grade, {"type": "object"})),
            tools=some.map(
                lambda targets: [
                    handoff(one, name=f"to_{n}", description="Go.") for n, one in enumerate(targets)
                ]
            ),
            rounds=st.integers(1, 12),
            vary_seed=st.booleans(),
            description=text,
        ),
        st.builds(
            Human, name, text, options=st.sampled_from(((), ("yes", "no"))), description=text
        ),
        st.builds(Human, name, form=st.just(Grade), default=st.just({"score": 3})),
        st.builds(
            CodeRunner,
            name,
            sandbox=st.sampled_from(
                ("monty", "docker:alpine", MontySandbox(memory_mb=64), LocalSandbox(memory_mb=64))
            ),
            approve=st.sampled_from(("always", "never")),
            of=st.sampled_from((None, last(3), "coder")),
        ),
    )


def _windows() -> st.SearchStrategy[Window]:
    return st.sampled_from((last(3), only("user", "it's"), within(tokens=500)))


def _choosers() -> st.SearchStrategy[Chooser | None]:
    given = (in_turn(), at_random(seed=7), by_human(), by_model("openai:gpt-5-mini", prompt="?"))
    return st.one_of(st.none(), st.none(), st.none(), st.sampled_from(given))


def _budgets() -> st.SearchStrategy[Budget]:
    limit = st.sampled_from((1, 20, 2.5, UNLIMITED))
    maybe = st.one_of(st.none(), limit)
    return st.builds(
        Budget,
        turns=limit,
        calls=maybe,
        tokens=maybe,
        usd=maybe,
        seconds=maybe,
        unpriced=st.booleans(),
    )


@st.composite
def flows(
    draw: st.DrawFn, *, depth: int = 1, plain: bool = False, avoid: Sequence[str] = ()
) -> Flow:
    """Draw a flow.

    Args:
        draw: hypothesis' own.
        depth: so deep may flows be nested in it.
        plain: without hostile names.
        avoid: names that it does not have.
    """
    inner: list[Flow] = []
    if depth and draw(st.booleans()):
        inner.append(draw(flows(depth=depth - 1, plain=plain)))
    taken = {*avoid, *(one.name for flow in inner for one in flow.flows)}
    name = draw(names(plain=plain).filter(lambda one: one not in taken))
    places = draw(st.lists(names(plain=plain), unique=True, min_size=1, max_size=5))
    states = places[: draw(st.integers(1, len(places)))]
    rest = places[len(states) :]
    junctions = rest[: draw(st.integers(0, len(rest)))]
    finals = rest[len(junctions) :]
    drawing = _Drawing(draw, states, junctions, finals, data=draw(st.booleans()), plain=plain)
    chosen = draw(_choosers())
    made: list[Place] = []
    for one in states:
        nests: bool = draw(st.booleans())
        made.append(drawing.nested(one, inner[0]) if inner and nests else drawing.state(one))
    made += [drawing.junction(n, one) for n, one in enumerate(junctions)]
    made += [End(one, ok=draw(st.booleans()), phase=drawing.phase()) for one in finals]
    return Flow(
        name,
        *made,
        budget=draw(_budgets()),
        on_error=draw(st.sampled_from((None, *finals, *states))),
        data=Notes if drawing.data else None,
        choose=chosen,
        description=draw(texts()),
        accept=draw(st.sampled_from(({}, {"SF106": 'It is "meant".'}, {"SF103 at x": "Yes."}))),
    )


class _Drawing:
    """Draws the places of one flow."""

    def __init__(
        self,
        draw: Callable[[st.SearchStrategy[Any]], Any],
        states: Sequence[str],
        junctions: Sequence[str],
        finals: Sequence[str],
        *,
        data: bool,
        plain: bool,
    ) -> None:
        self.draw, self.states, self.junctions, self.finals = draw, states, junctions, finals
        self.data = data
        self.agents: list[Agent] = draw(
            st.lists(agents(plain=plain, places=states), min_size=1, max_size=3)
        )
        speakers = [one.name for one in self.agents]
        self.guards = guards(states, [*speakers, "nobody"])

    def phase(self) -> str:
        """Draw what a place is part of."""
        given: str = self.draw(st.sampled_from(("", "", "draft", 'ph"ase')))
        return given

    def state(self, name: str) -> State:
        """Draw a state in which one agent speaks, or two do."""
        speaking = self.draw(st.lists(st.sampled_from(self.agents), min_size=1, max_size=2))
        sees = self.draw(st.one_of(st.none(), _windows(), st.just(summarised(beyond=9, keep=2))))
        return State(
            name,
            steps(*speaking) if len(speaking) > 1 else speaking[0],
            *self.transitions(waits=True),
            prompt=self.draw(texts()),
            choose=self.draw(_choosers()),
            sees=sees,
            **self.same(),
        )

    def nested(self, name: str, inner: Flow) -> State:
        """Draw a state in which *inner* runs, or the flow itself, or both at once."""
        how: dict[str, Any] = {
            "input": self.draw(st.one_of(st.none(), texts())),
            "carryover": self.draw(st.one_of(st.none(), _windows())),
            "summary": self.draw(st.sampled_from((None, last_message, by_model("a:b")))),
        }
        rows, same = self.transitions(waits=False), self.same()
        kind = self.draw(st.sampled_from(("nested", "itself", "agent", "parallel", "both")))
        if kind == "agent":
            return Nested(name, inner.as_agent("team", **how), *rows, **same)
        if kind in {"nested", "itself"}:
            return Nested(name, inner if kind == "nested" else itself(), *rows, **how, **same)
        branches = {"one": inner, 'tw"o': inner if kind == "parallel" else itself()}
        join: Any = self.draw(st.sampled_from(("all", "any", 2)))
        return Parallel(name, branches, *rows, join=join, others="keep", **how, **same)

    def same(self) -> dict[str, Any]:
        """Draw what every state has."""
        return {
            "visits": self.draw(st.one_of(st.none(), st.integers(1, 9))),
            "save": self.draw(st.sampled_from((None, "text"))) if self.data else None,
            "timeout_s": self.draw(st.sampled_from((600.0, 30, 0.5))),
            "phase": self.phase(),
        }

    def transitions(self, *, waits: bool) -> list[Transition]:
        """Draw the transitions of a state."""
        targets = st.sampled_from((None, *self.states, *self.junctions, *self.finals))
        rows: list[Transition] = self.draw(
            st.lists(
                st.builds(
                    to,
                    targets,
                    when=st.one_of(st.none(), self.guards),
                    restart=st.sampled_from((None, None, last_message, by_model("a:b"))),
                ),
                min_size=1,
                max_size=3,
            )
        )
        if waits and self.draw(st.booleans()):
            when = self.draw(st.one_of(st.none(), self.guards))
            rows.append(
                to(self.draw(targets), after=self.draw(st.sampled_from((hours(24), 90))), when=when)
            )
        if self.draw(st.booleans()):
            rows.append(to(self.draw(st.sampled_from((None, *self.finals))), when=exhausted))
        return rows

    def junction(self, number: int, name: str) -> Junction:
        """Draw a junction that leads on, never back to one before it."""
        targets = (None, *self.states, *self.junctions[number + 1 :], *self.finals)
        rows = st.builds(to, st.sampled_from(targets), when=st.one_of(st.none(), self.guards))
        return Junction(
            name, *self.draw(st.lists(rows, min_size=1, max_size=3)), phase=self.phase()
        )
