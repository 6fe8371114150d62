"""Guards: pure yes/no questions asked before a transition is taken.

A guard reads the view and answers.  It never awaits, writes, or calls a model, so a replayed
run asks the same questions and gets the same answers.  A question that needs a model is put by
a *state*, and the guard reads that state's reply.

Every guard has a name, because the name is what drawings, journals and errors show.  Built-in
guards also have a JSON form; a guard made from a Python function has none, so exporting it is
refused and it can never turn true by accident.

Source: ``cond`` on ``<transition>``, W3C SCXML 1.0 section 3.5.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType
from typing import Final, NoReturn, cast, overload

from stateflow.conversation.view import View
from stateflow.errors import DefinitionError
from stateflow.value import Json, canonical_json, digest

__all__ = ["Guard", "function_print", "guard"]

_DEEPEST: Final = 200
"""Deeper ones could be asked, and neither drawn nor recorded: readers of JSON give up."""


@dataclass(frozen=True, slots=True)
class Guard:
    """A named predicate over the view.

    Example:
        >>> late = Guard("late", lambda view: view.turns > 3, {"guard": "late"})
        >>> (~late)(View(turns=1))
        True
    """

    name: str
    test: Callable[[View], bool] = field(repr=False, compare=False)
    form: Json = field(default=None, repr=False)
    """What it asks, as JSON; functions are told by qualified name and source hash."""
    faults: bool = False
    """It names faults, so a raised turn is offered to it."""
    exhausts: bool = False
    """It asks about the budget, so a used-up turn is offered to it."""
    exportable: bool = True
    parts: tuple[Guard, ...] = field(default=(), repr=False, compare=False)
    """What it was joined of, or says no to; two functions may share one form."""
    depth: int = field(default=1, repr=False, compare=False)
    """How many guards stand in one another."""

    def __call__(self, view: View) -> bool:
        """Answer for this view."""
        return bool(self.test(view))

    def __and__(self, other: Guard) -> Guard:
        """Return the guard that holds when both do."""
        return _joined("and", self, other, lambda view: self(view) and other(view))

    def __or__(self, other: Guard) -> Guard:
        """Return the guard that holds when either does."""
        return _joined("or", self, other, lambda view: self(view) or other(view))

    def __invert__(self) -> Guard:
        """Return the guard that holds when this one does not; it names no faults."""
        return Guard(
            f"not {self.name}",
            lambda view: not self(view),
            {"not": self.form},
            exportable=self.exportable,
            parts=(self,),
            depth=_deeper(self),
        )

    def __bool__(self) -> NoReturn:
        """Refuse: a guard is not its verdict.

        Raises:
            TypeError: always; combine guards with ``&``, ``|`` and ``~``.
        """
        sentence = (
            f"guard {self.name!r} has no truth value; combine guards with &, | and ~ "
            "(not with 'and', 'or', 'not'), or call it with a view"
        )
        raise TypeError(sentence)


def _joined(word: str, left: Guard, right: Guard, test: Callable[[View], bool]) -> Guard:
    return Guard(
        f"({left.name} {word} {right.name})",
        test,
        {word: [left.form, right.form]},
        faults=left.faults or right.faults,
        exhausts=left.exhausts or right.exhausts,
        exportable=left.exportable and right.exportable,
        parts=(left, right),
        depth=_deeper(left, right),
    )


def _deeper(*parts: Guard) -> int:
    depth = 1 + max(part.depth for part in parts)
    if depth > _DEEPEST:
        raise DefinitionError(
            f"more than {_DEEPEST} guards are joined in one another, among them "
            f"{parts[-1].name[:60]!r}; ask for many words at once: "
            r"matches(r'\b(one|two|three)\b')"
        )
    return depth


def function_print(function: Callable[..., object]) -> dict[str, Json]:
    """Return what tells one Python function from another: its name and its source's hash."""
    name = getattr(function, "__qualname__", type(function).__qualname__)
    code = getattr(function, "__code__", None)
    try:
        if code is not None and code.co_filename == "<string>":
            raise OSError  # noqa: TRY301 - python -c keeps its text under that name, whoever asks
        source = inspect.getsource(function)
    except (OSError, TypeError):  # built in a shell, or a callable object
        source = canonical_json(_code(code)) if code is not None else name
    return {"function": name, "source": digest(source)}


def _code(code: CodeType) -> Json:
    """Return what *code* does: its instructions alone would not tell ``> 3`` from ``> 4``."""
    constants = [_constant(constant) for constant in code.co_consts]
    return [code.co_code.hex(), list(code.co_names), constants]


def _constant(constant: object) -> Json:
    if isinstance(constant, CodeType):
        return _code(constant)
    if isinstance(constant, frozenset):
        return sorted(map(repr, cast("frozenset[object]", constant)))
    return repr(constant)


@overload
def guard(function: Callable[[View], bool], /) -> Guard: ...
@overload
def guard(
    *, name: str | None = None, faults: bool = False
) -> Callable[[Callable[[View], bool]], Guard]: ...
def guard(
    function: Callable[[View], bool] | None = None,
    /,
    *,
    name: str | None = None,
    faults: bool = False,
) -> Guard | Callable[[Callable[[View], bool]], Guard]:
    """Make a guard from a pure Python function of the view.

    Args:
        function: asked with the view; must not await, write, or read a clock.
        name: what drawings show; the function's own name if not given.
        faults: offer raised turns to it as well.

    Raises:
        DefinitionError: the function is async; put that question in a state.

    Example:
        >>> @guard
        ... def long_winded(view: View) -> bool:
        ...     return len(view.last.text) > 1000
        >>> long_winded.name
        'long_winded'
    """

    def make(function: Callable[[View], bool]) -> Guard:
        shown = name or str(getattr(function, "__name__", type(function).__name__))
        if inspect.iscoroutinefunction(function):
            sentence = (
                f"guard {shown!r} is async; guards are pure. Put the question in a state and let "
                "a guard read its reply"
            )
            raise DefinitionError(sentence)
        form = function_print(function)
        return Guard(shown, function, form, faults=faults, exportable=False)

    return make if function is None else make(function)
