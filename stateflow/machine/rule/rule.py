"""Rules: what must hold of every run of a flow, whatever anybody says, in Python words.

A rule speaks of the order in which places are entered: ``never("execute").before("approve")``.
It is a value with a name, as it was written, and a JSON form.  The same rule is held against the
graph, against a journal, and against a run that is under way.

Source: Dwyer, Avrunin and Corbett, "Patterns in Property Specifications for Finite-State
Verification" (ICSE 1999): absence, existence and bounded existence, each with a scope.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final as Constant
from typing import Literal, TypeAlias, cast

from stateflow.errors import DefinitionError
from stateflow.value import Json, check_name

__all__ = ["Rule", "Scope", "Word", "always", "at_most", "never", "rule_of"]

Word: TypeAlias = Literal["never", "always", "at_most"]
"""What is said of a place: it is not entered, it is entered, it is entered so often at most."""

Scope: TypeAlias = Literal["", "before", "after", "between"]
"""In which part of a run; empty: in all of it."""

_BOUNDS: Constant[Mapping[Scope, int]] = {"": 0, "before": 1, "after": 1, "between": 2}
"""How many places each scope names."""


@dataclass(frozen=True, slots=True, repr=False)
class Rule:
    """A rule of a flow; made by ``never``, ``always`` and ``at_most``.

    Example:
        >>> rule = never("execute").before("approve")
        >>> rule, rule.form
        (never('execute').before('approve'), {'never': 'execute', 'before': 'approve'})
    """

    word: Word
    place: str
    """The place that it speaks of."""
    most: int = 0
    """So often it may be entered in the part of the run, unless it must be."""
    scope: Scope = ""
    bounds: tuple[str, ...] = ()
    """The places where that part begins and ends."""

    def __post_init__(self) -> None:
        """Refuse what says nothing, or could never hold."""
        for name in self.places:
            if "/" in str(cast("object", name)):
                raise DefinitionError(
                    f"a rule speaks of its flow's own places, and {name!r} is a path; give the "
                    "flow that is nested there a rule of its own"
                )
            check_name(name, "place of a rule")
        most = cast("object", self.most)
        least = 1 if self.word == "at_most" else 0
        if not isinstance(most, int) or isinstance(most, bool) or most < least:
            raise DefinitionError(
                f"at_most({self.place!r}, {most!r}) counts to no whole number from 1; for not at "
                f"all write never({self.place!r})"
            )
        if self.place in self.bounds:
            raise DefinitionError(
                f"{self.name} speaks of {self.place!r} twice; to count its entries write "
                f"at_most({self.place!r}, 1)"
            )

    @property
    def places(self) -> tuple[str, ...]:
        """The names that it speaks of, its own place first."""
        return (self.place, *self.bounds)

    @property
    def name(self) -> str:
        """The rule as it is written."""
        count = f", {self.most}" if self.word == "at_most" else ""
        bounds = f".{self.scope}({', '.join(map(repr, self.bounds))})" if self.scope else ""
        return f"{self.word}({self.place!r}{count}){bounds}"

    @property
    def form(self) -> dict[str, Json]:
        """The rule as JSON; ``rule_of`` builds it again."""
        form: dict[str, Json] = {self.word: self.place}
        if self.word == "at_most":
            form["times"] = self.most
        if self.scope == "between":
            form["between"] = list(self.bounds)
        elif self.scope:
            form[self.scope] = self.bounds[0]
        return form

    def before(self, place: str) -> Rule:
        """Let it hold until *place* is entered for the first time.

        ``never(x)`` and ``at_most(x, n)`` hold until then, and where that never is, to the end;
        ``always(x)`` wants *x* to have been entered once *place* is.
        """
        return self._within("before", place)

    def after(self, place: str) -> Rule:
        """Let it hold from the first entry of *place* to the end of the run.

        ``always(x)`` wants an entry of *x* after each entry of *place*, before the run ends.
        """
        return self._within("after", place)

    def between(self, first: str, last: str) -> Rule:
        """Let it hold from each entry of *first* to the next of *last*.

        Where *last* does not follow, ``never(x)`` and ``at_most(x, n)`` hold to the end of the
        run, and ``always(x)`` wants nothing.
        """
        return self._within("between", first, last)

    def _within(self, scope: Scope, *bounds: str) -> Rule:
        if self.scope:
            raise DefinitionError(
                f"{self.name} has a scope already; write a second rule for .{scope}(...)"
            )
        return replace(self, scope=scope, bounds=bounds)

    def __repr__(self) -> str:
        """Return its name."""
        return self.name


def never(place: str) -> Rule:
    """Say that *place* is not entered: not at all, or not in a part of the run.

    Args:
        place: a place of the flow; ``done`` stands for every end that counts as success.

    Raises:
        DefinitionError: *place* can be no place's name.

    Example:
        >>> never("execute").before("approve")
        never('execute').before('approve')
    """
    return Rule("never", place)


def always(place: str) -> Rule:
    """Say that *place* is entered before the run ends, or in each part of it.

    A run that is paused, or that somebody cancels, has not come to its end.

    Args:
        place: a place of the flow; ``done`` stands for every end that counts as success.

    Raises:
        DefinitionError: *place* can be no place's name.

    Example:
        >>> always("review").after("write")
        always('review').after('write')
    """
    return Rule("always", place)


def at_most(place: str, times: int) -> Rule:
    """Say that *place* is entered so often at most, in all or in each part of the run.

    Args:
        place: a place of the flow.
        times: entries [1 or more].

    Raises:
        DefinitionError: *place* can be no place's name, or *times* is less than one.

    Example:
        >>> at_most("call_llm", 3).between("plan", "review")
        at_most('call_llm', 3).between('plan', 'review')
    """
    return Rule("at_most", place, times)


def rule_of(form: Json) -> Rule:
    """Return the rule that has this JSON *form*.

    Raises:
        DefinitionError: none has.

    Example:
        >>> rule_of({"at_most": "call_llm", "times": 3})
        at_most('call_llm', 3)
    """
    parts: dict[str, Json] = dict(form) if isinstance(form, Mapping) else {}
    rule = _rule_in(parts)
    if rule is None or rule.form != form:
        raise DefinitionError(
            f"{form!r} is the form of no rule; one is {{'never': 'execute', 'before': 'approve'}}"
        )
    return rule


def _rule_in(parts: Mapping[str, Json]) -> Rule | None:
    words = [word for word in ("never", "always", "at_most") if word in parts]
    scopes = [scope for scope in ("before", "after", "between") if scope in parts]
    if len(words) != 1 or len(scopes) > 1:
        return None
    scope: Scope = cast("Scope", scopes[0] if scopes else "")
    given = parts.get(scope)
    bounds = (
        tuple(given) if isinstance(given, Sequence) and not isinstance(given, str) else (given,)
    )
    names: tuple[object, ...] = (parts[words[0]], *(bounds if scope else ()))
    if len(names) != 1 + _BOUNDS[scope] or not all(isinstance(name, str) for name in names):
        return None
    place, *rest = cast("tuple[str, ...]", names)
    return Rule(
        cast("Word", words[0]), place, cast("int", parts.get("times", 0)), scope, tuple(rest)
    )
