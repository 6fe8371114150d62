"""What random flows are put together from: names, texts, guards, agents, budgets.

All chance is a generator with a seed, so that what shows something can be made again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel, Field

from stateflow import (
    UNLIMITED,
    Agent,
    Assistant,
    Budget,
    CodeRunner,
    Guard,
    Human,
    LocalSandbox,
    Model,
    MontySandbox,
    Price,
    Retry,
    Scripted,
    Settings,
    answered,
    at_random,
    by_human,
    by_model,
    called,
    data_is,
    ended,
    equals,
    exit_code,
    failed,
    handed_to,
    handoff,
    in_turn,
    last,
    matches,
    messages_at_least,
    only,
    raised,
    replied,
    says,
    spent,
    spoke,
    succeeded,
    summarised,
    timed_out,
    turns_at_least,
    visited,
    within,
)
from stateflow.conversation.window import Window
from stateflow.machine.choose import Chooser

__all__ = [
    "HOSTILE",
    "TEXTS",
    "Grade",
    "Notes",
    "Topics",
    "a_budget",
    "a_chooser",
    "a_guard",
    "a_name",
    "a_text",
    "a_window",
    "agents",
    "few",
    "one_of",
    "sights",
]

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
_ALPHABETS: Final = ((32, 126), (0, 0x2FF), (0x370, 0x7FF), (0x2000, 0xD7FF), (0x1F300, 0x1FAFF))
"""Ranges of characters, the usual ones first."""


@dataclass(frozen=True, slots=True)
class Topics:
    """What guards ask about."""

    words: Sequence[str] = ("DONE", "yes", 'a "b"', "it's", "naïve", "a\nb", "x" * 60)
    patterns: Sequence[str] = (r"score: \d+", "[a-z]+'\"", "x{2}")
    faults: Sequence[str] = ("RateLimited", "TimedOut", "Refused")
    codes: Sequence[int] = range(256)
    most: int = 9
    """Of anything that is counted."""
    only_said: bool = False
    """Nothing but what is said in the turn."""


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


def one_of(chance: Random, *makes: Callable[[], T]) -> T:
    """Return what one of *makes* makes."""
    return chance.choice(makes)()


def few(chance: Random, low: int, high: int, make: Callable[[], T]) -> list[T]:
    """Return *low* to *high* of what *make* makes."""
    return [make() for _ in range(chance.randint(low, high))]


def _characters(chance: Random, most: int) -> str:
    low, high = chance.choice(_ALPHABETS)
    return "".join(chr(chance.randint(low, high)) for _ in range(chance.randint(0, most)))


def a_name(chance: Random, *, plain: bool = False) -> str:
    """Return a name that a place or an agent may have; a *plain* one is a word."""
    kind = 0.0 if plain else chance.random()
    if kind < 0.4:
        return chance.choice(WORDS)
    if kind < 0.7:
        return chance.choice(HOSTILE)
    name = _characters(chance, 12).strip()
    good = name.isprintable() and "/" not in name and name not in {"", "*", "="}
    return name if good else a_name(chance)


def a_text(chance: Random) -> str:
    """Return a prompt or another text."""
    return chance.choice(TEXTS) if chance.random() < 0.6 else _characters(chance, 200)


def a_guard(
    chance: Random,
    states: Sequence[str] = ("write",),
    speakers: Sequence[str] = ("coder",),
    *,
    topics: Topics | None = None,
    leaves: int = 6,
) -> Guard:
    """Return a built-in guard, alone or joined of up to *leaves*; none asks about the budget."""
    makes = _plain(chance, states, speakers, topics or Topics())

    def joined(leaves: int) -> Guard:
        if leaves < 2 or chance.random() < 0.5:
            return one_of(chance, *makes)
        if chance.random() < 0.25:
            return ~joined(leaves - 1)
        left = chance.randint(1, leaves - 1)
        one, other = joined(left), joined(leaves - left)
        return one & other if chance.random() < 0.5 else one | other

    return joined(leaves)


def _plain(
    chance: Random, states: Sequence[str], speakers: Sequence[str], topics: Topics
) -> Sequence[Callable[[], Guard]]:
    """Return makers of every built-in guard."""
    most = topics.most

    def word() -> str:
        return chance.choice(topics.words)

    def by() -> str | None:
        return chance.choice([None, *speakers])

    def low() -> int | None:
        return chance.choice((None, 0, 1, 2, 3, 4, 5))

    def flag() -> bool:
        return chance.random() < 0.5

    def some(names: Sequence[T]) -> list[T]:
        return chance.sample(names, chance.randint(0, 2))

    said: Sequence[Callable[[], Guard]] = (
        lambda: chance.choice((failed, succeeded, timed_out)),
        lambda: says(word(), by=by(), whole=flag(), case=flag()),
        lambda: says(word(), by=by()),
        lambda: equals(word(), by=by()),
        lambda: matches(chance.choice(topics.patterns), by=by()),
        lambda: spoke(chance.choice(speakers)),
        lambda: handed_to(chance.choice(states)),
        lambda: called(word()),
        lambda: answered(*some(topics.words)),
        lambda: ended(*some(topics.words)),
        lambda: raised(*some(topics.faults)),
        lambda: exit_code(*few(chance, 1, 3, lambda: chance.choice(topics.codes))),
        lambda: replied("score", at_least=low(), at_most=5 + chance.random() * 5),
        lambda: replied("ok"),
    )
    if topics.only_said:
        return said
    return (
        *said,
        lambda: visited(chance.choice(states), at_least=chance.randint(1, most)),
        lambda: turns_at_least(chance.randint(0, most)),
        lambda: messages_at_least(chance.randint(0, most)),
        lambda: spent(usd=chance.random() * most, tokens=low(), calls=low()),
        lambda: data_is(chance.choice(("score", "te xt")), _value(chance)),
        lambda: data_is("score", at_least=low(), at_most=low()),
    )


def _value(chance: Random) -> object:
    return chance.choice(
        [None, True, False, chance.randint(-9, 9), chance.uniform(-2, 2), chance.choice(TEXTS)]
    )


def _model(chance: Random) -> str | Model:
    name = chance.choice(("scripted:Hello.|DONE", "scripted:yes", "openai:gpt-5"))
    if chance.random() < 0.5:
        return name
    settings = Settings(
        temperature=chance.choice((None, chance.uniform(0, 2))),
        seed=chance.choice((None, chance.randint(0, 99))),
        max_tokens=chance.randint(1, 4096),
        extra=chance.choice(({}, {"top_k": 40})),
    )
    price = Price(2.0, 8, cached=chance.choice((None, 0.5)))
    retry = Retry(attempts=chance.randint(1, 5))
    return Model(name, settings, retry, chance.choice((None, price)))


def agents(chance: Random, places: Sequence[str], *, plain: bool = False) -> Agent:
    """Return an agent of any kind that holds no Python function."""
    name = a_name(chance, plain=plain)

    def text() -> str:
        return a_text(chance)

    def assistant() -> Agent:
        targets = chance.sample(places, chance.randint(0, min(2, len(places))))
        reply: Any = chance.choice((None, Grade, {"type": "object"}))
        tools = [handoff(to, name=f"to_{n}", description="Go.") for n, to in enumerate(targets)]
        return Assistant(
            name,
            _model(chance),
            text(),
            reply=reply,
            tools=tools,
            rounds=chance.randint(1, 12),
            vary_seed=chance.random() < 0.5,
            description=text(),
        )

    def runner() -> Agent:
        boxes = ("monty", "docker:alpine", MontySandbox(memory_mb=64), LocalSandbox(memory_mb=64))
        approve: Literal["always", "never"] = chance.choice(("always", "never"))
        of = chance.choice((None, last(3), "coder"))
        return CodeRunner(name, sandbox=chance.choice(boxes), approve=approve, of=of)

    options: tuple[str, ...] = chance.choice(((), ("yes", "no")))
    return one_of(
        chance,
        lambda: Scripted(name, few(chance, 0, 3, text), description=text()),
        assistant,
        lambda: Human(name, text(), options=options, description=text()),
        lambda: Human(name, form=Grade, default={"score": 3}),
        runner,
    )


def a_window(chance: Random) -> Window:
    """Return what is seen of a transcript."""
    return chance.choice((last(3), only("user", "it's"), within(tokens=500)))


def sights(chance: Random) -> Window | None:
    """Return what a state sees."""
    return chance.choice((None, a_window(chance), summarised(beyond=9, keep=2)))


def a_chooser(chance: Random) -> Chooser | None:
    """Return who picks; mostly nobody does."""
    model = by_model("openai:gpt-5-mini", prompt="?")
    given = (in_turn(), at_random(seed=7), by_human(), model)
    return chance.choice(given) if chance.random() < 0.25 else None


def a_budget(chance: Random) -> Budget:
    """Return limits of any kind."""

    def limit() -> float:
        return chance.choice((1, 20, 2.5, UNLIMITED))

    def maybe() -> float | None:
        return chance.choice((None, limit()))

    return Budget(
        turns=limit(),
        calls=maybe(),
        tokens=maybe(),
        usd=maybe(),
        seconds=maybe(),
        unpriced=chance.random() < 0.5,
    )
