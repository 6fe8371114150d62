"""Paths: which way a run went, held against a pattern that people write.

A pattern names the states that spoke, in order: ``plan → execute → (write → check){2,} → *``.

==================  ==============================================================
``a → b``           first ``a``, then ``b``; ``->`` is the same
``"two words"``     a name that holds anything but letters, digits, ``_``, ``.``, ``-``
``?``               one state, whichever
``*``               any states, or none
``(a → b)``         a group
``a | b``           either; arrows bind closer
``a{2}``            so often; ``{2,}`` at least, ``{,3}`` at most, ``{1,3}`` between
``a+``              once or more
``… ⇒ done``        at its end: how the run stopped, or the name of the final; ``=>`` is the same
==================  ==============================================================
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NoReturn, TypeAlias

from stateflow.engine.result import Result
from stateflow.errors import DefinitionError
from stateflow.journal.event import Journal
from stateflow.journal.fold import fold as fold_of
from stateflow.journal.stop import Stop

__all__ = ["assert_path", "journal_at"]

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<arrow>→|->)|(?P<end>⇒|=>)|"(?P<quoted>[^"]*)"|(?P<name>[\w.-]*[\w.])
    |(?P<times>\{\s*(?P<low>\d{0,9})\s*(?P<comma>,?)\s*(?P<high>\d{0,9})\s*\}|\+)|(?P<sign>[*?()|]))""",
    re.VERBOSE,
)
_SHOWN: Final = 12
"""States of a path that are shown on each side of where it goes astray."""

Places: TypeAlias = frozenset[int]
"""Indices into a path."""
Ends: TypeAlias = Callable[["_Walk", Places], Places]
"""Where in the path a part of a pattern can end that begins at one of some places.

All places at once, so that loops in loops take no longer than the path is.
"""


def assert_path(
    result: Result | Journal | Sequence[str], pattern: str, /, *, at: str | None = None
) -> None:
    """Hold the path of a run against *pattern*.

    Args:
        result: what the run came to, its journal, or names of states in order.
        pattern: see the module's table; several lines are one pattern.
        at: nested run whose path is meant, such as ``"research#1.0"``; ``None``: the run itself.

    Raises:
        AssertionError: the run went another way; the sentence shows where.
        DefinitionError: *pattern* is none, or there is no such nested run.

    Example:
        >>> assert_path(["plan", "write", "check", "write", "check"], "plan → (write → check)+")
        >>> assert_path(["plan", "write"], "plan → ? → review")
        Traceback (most recent call last):
            ...
        AssertionError: the path is not 'plan → ? → review'
            path:     plan → write
            matches:  plan → write
            expected: 'review'
            came:     the end
    """
    __tracebackhide__ = True
    path, stop = _path_of(result, at)
    whole, wanted = _Reader(pattern).read()
    walk = _Walk(path)
    ends = whole(walk, frozenset({0}))
    trouble = ""
    if len(path) not in ends:
        trouble = walk.astray(ends)
    elif wanted is not None and wanted != (came := _word(stop, pattern)):
        trouble = f"\n    expected: ⇒ {wanted}\n    came:     ⇒ {came} ({stop})"
    if trouble:
        told = " ".join(pattern.split())
        raise AssertionError(f"the path is not {told!r}\n    path:     {_shown(path)}{trouble}")


def journal_at(result: Result | Journal, at: str | None = None) -> Journal:
    """Return the journal of a run, or of the nested run *at* in it.

    Raises:
        DefinitionError: the result has no journal, or there is no such nested run.
    """
    journal = result if isinstance(result, Journal) else result.journal
    if journal is None:
        raise DefinitionError(
            f"the result of run {result.run!r} has no journal; give `await runner.journal(run)`"
        )
    rest = at or ""
    while rest:
        keys = [one for one in journal.children if rest == one or rest.startswith(f"{one}/")]
        if not keys:
            there = ", ".join(map(repr, journal.children)) or "none"
            raise DefinitionError(f"at={at!r} is no nested run; there are: {there}")
        key = max(keys, key=len)
        journal, rest = journal.children[key], rest[len(key) + 1 :]
    return journal


def _path_of(
    result: Result | Journal | Sequence[str], at: str | None
) -> tuple[Sequence[str], Stop | None]:
    if isinstance(result, Result) and at is None:
        return result.path, result.stop
    if isinstance(result, Result | Journal):
        folded = fold_of(journal_at(result, at).events)
        return folded.path, folded.stop
    if isinstance(result, str) or at is not None:
        raise DefinitionError(f"{result!r} is no run; give its result, its journal, or states")
    return result, None


def _word(stop: Stop | None, pattern: str) -> str:
    if stop is None:
        raise DefinitionError(
            f"{pattern!r} says how the run stopped, which mere states do not tell"
        )
    return stop.state if stop.kind == "final" else stop.kind


def _shown(path: Sequence[str]) -> str:
    names = [_name(one) for one in path]
    if len(names) > 2 * _SHOWN:
        names[_SHOWN:-_SHOWN] = [f"… ({len(names) - 2 * _SHOWN} more)"]
    return " → ".join(names) or "(nobody spoke)"


def _name(state: str) -> str:
    return state if re.fullmatch(r"[\w.-]*[\w.]", state) else f'"{state}"'


@dataclass(slots=True)
class _Walk:
    """One path, and how far a pattern was followed along it."""

    path: Sequence[str]
    far: int = 0
    """The last state that something else was expected in the place of."""
    expected: dict[str, None] = field(default_factory=dict[str, None])
    """What that was, in the order of the pattern."""

    def on(self, begins: Places, what: str, fits: Callable[[str], bool]) -> Places:
        """Return the places behind those of *begins* that have *what*: a state that *fits*."""
        here = {at for at in begins if at < len(self.path) and fits(self.path[at])}
        for at in sorted(begins - here):
            self.miss(at, what)
        return frozenset(at + 1 for at in here)

    def miss(self, at: int, what: str) -> None:
        """Note that *what* was expected at index *at*."""
        if at > self.far:
            self.far, self.expected = at, {}
        if at == self.far:
            self.expected[what] = None

    def astray(self, ends: Places) -> str:
        """Return where the path leaves a pattern that can end at *ends*."""
        for end in sorted(ends):
            self.miss(end, "the end")
        came = repr(self.path[self.far]) if self.far < len(self.path) else "the end"
        matched = _shown(self.path[: self.far]) if self.far else "nothing"
        return (
            f"\n    matches:  {matched}\n    expected: {' or '.join(self.expected)}"
            f"\n    came:     {came}"
        )


class _Reader:
    """Reads a pattern."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._next: re.Match[str] | None = None
        self._advance()

    def read(self) -> tuple[Ends, str | None]:
        """Return where the whole pattern can end, and how the run has to stop."""
        nothing = self._next is None or self._is("end")
        whole = _sequence([]) if nothing else self._either()
        wanted = None
        if self._is("end"):
            self._advance()
            wanted = self._named()
            if wanted is None:
                self._refuse("the word for how the run stopped, such as done")
            self._advance()
        if self._next is not None:
            self._refuse("an arrow, a count, or the end")
        return whole, wanted

    def _either(self) -> Ends:
        ways = [self._steps()]
        while self._is("sign", "|"):
            self._advance()
            ways.append(self._steps())
        return ways[0] if len(ways) == 1 else _either(ways)

    def _steps(self) -> Ends:
        steps = [self._step()]
        while self._is("arrow"):
            self._advance()
            steps.append(self._step())
        return steps[0] if len(steps) == 1 else _sequence(steps)

    def _step(self) -> Ends:
        step = self._atom()
        token = self._next
        if token is None or token["times"] is None:
            return step
        self._advance()
        if token["times"] == "+":
            return _repeated(step, 1, None)
        low, high = token["low"], token["high"]
        if not low and not high:
            self._refuse("a count such as {2}, {2,} or {1,3}", token)
        most = (int(high) if high else None) if token["comma"] else int(low)
        if most is not None and most < int(low or 0):
            self._refuse("a count whose first number is not above its second", token)
        return _repeated(step, int(low or 0), most)

    def _atom(self) -> Ends:
        name = self._named()
        if name is not None:
            step = _state(name)
        elif self._is("sign", "*"):
            step = _anything
        elif self._is("sign", "?"):
            step = _anybody
        elif self._is("sign", "("):
            self._advance()
            step = self._either()
            if not self._is("sign", ")"):
                self._refuse("a closing parenthesis")
        else:
            self._refuse("the name of a state, ?, * or a group")
        self._advance()
        return step

    def _named(self) -> str | None:
        if self._next is None:
            return None
        quoted = self._next["quoted"]
        return self._next["name"] if quoted is None else quoted

    def _is(self, kind: str, sign: str | None = None) -> bool:
        found = None if self._next is None else self._next[kind]
        return found is not None and sign in {None, found}

    def _advance(self) -> None:
        if self._next is not None:
            self._at = self._next.end()
        self._next = _TOKEN.match(self._pattern, self._at)
        if self._next is None and self._pattern[self._at :].strip():
            self._refuse("a state, an arrow or a count; put names of other signs in quotes")

    def _refuse(self, wanted: str, token: re.Match[str] | None = None) -> NoReturn:
        at = self._at if token is None else token.start()
        rest = self._pattern[at:].strip() or "the end"
        raise DefinitionError(f"pattern {self._pattern!r}: at {rest!r} there should be {wanted}")


def _state(name: str) -> Ends:
    def ends(walk: _Walk, begins: Places) -> Places:
        return walk.on(begins, repr(name), lambda one: one == name)

    return ends


def _anybody(walk: _Walk, begins: Places) -> Places:
    return walk.on(begins, "any state", lambda _: True)


def _anything(walk: _Walk, begins: Places) -> Places:
    return frozenset(range(min(begins), len(walk.path) + 1)) if begins else begins


def _either(ways: Sequence[Ends]) -> Ends:
    return lambda walk, begins: frozenset[int]().union(*[way(walk, begins) for way in ways])


def _sequence(steps: Sequence[Ends]) -> Ends:
    def ends(walk: _Walk, begins: Places) -> Places:
        for step in steps:
            begins = step(walk, begins)
        return begins

    return ends


def _repeated(step: Ends, low: int, high: int | None) -> Ends:
    def ends(walk: _Walk, begins: Places) -> Places:
        for _ in range(low):
            before, begins = begins, step(walk, begins)
            if begins == before:  # as it would be after any more of them
                break
        found, times = begins, low
        while begins and times != high:
            begins, times = step(walk, begins) - found, times + 1
            found |= begins
        return found

    return ends
