"""A person, and which answers fit what a person is asked.

A person is only asked: the run waits, for days if need be, and goes on in whatever process has
the answer.  Who carries the question to whom (a terminal, a web page) is not told here, so a flow
is the same in a test, on a laptop and on a server, and a replay asks nobody.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

from pydantic import BaseModel, ValidationError

from stateflow.agents.structured import object_schema
from stateflow.conversation.agent import Kind, Reply, Turn
from stateflow.conversation.message import PASS, Message
from stateflow.conversation.view import View
from stateflow.errors import DefinitionError
from stateflow.value import Json, canonical_json, check_name, plain

__all__ = ["Ask", "Human", "fitting", "option_of", "read_form"]

Ask: TypeAlias = str | Callable[[View], str]
"""What a person is asked: a text, or a pure function of the view."""

_REASON: Final = re.compile(r"[^\w|/]")
"""How a reason begins that follows an option; ``yes|no`` is no answer, but all of the options."""
_MOST_TROUBLES: Final = 5
_LONGEST_TROUBLE: Final = 200
"""Of what is told of one field [characters]."""
_LONGEST_FORM: Final = 1_000_000
"""Of a form that was filled in [characters]."""


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Human:
    """Asks a person, and says the answer.

    Composed: its code runs on replay, and the answer comes from the journal.

    Args:
        name: what transcripts, drawings and guards call it.
        ask: what the person is asked: a text, or a function of the view; else the state's prompt.
        options: one of these is the answer, and a reason may follow it, as in ``no, too much``:
            ``answered("no")`` holds then, and the reason is part of what was said.
        form: a pydantic model that the answer, a JSON object, has to follow; guards read its
            fields, as in ``replied("score", at_least=8)``.
        default: what an empty answer means: a text, one of the options, or what the form holds.
        may_pass: an empty answer is none: the person has had the turn and says nothing.
        description: a line about it, for a model that picks speakers.

    Raises:
        DefinitionError: one of these is no question, or they do not go together.

    Example:
        >>> Human("boss", "Accept it?", options=["yes", "no"], default="no").kind
        'human'
    """

    name: str
    ask: Ask
    options: tuple[str, ...]
    form: type[BaseModel] | None
    schema: Json
    """JSON schema of the form; ``None``: the answer is a text."""
    default: str | None
    """What an empty answer means, a form as JSON; ``""``: that the person passes."""
    description: str
    kind: Kind
    composed: bool

    def __init__(  # noqa: PLR0913 - all but the first two are keywords with defaults
        self,
        name: str,
        ask: Ask = "",
        *,
        options: Sequence[str] = (),
        form: type[BaseModel] | None = None,
        default: str | Mapping[str, Any] | BaseModel | None = None,
        may_pass: bool = False,
        description: str = "",
    ) -> None:
        """Declare the person called *name*."""
        who = f"agent {check_name(name, 'agent')!r}"
        if not isinstance(ask, str) and not callable(ask):
            raise DefinitionError(
                f"{who}: ask={ask!r} is no question; give a text, or a function of the view"
            )
        if form is not None and options:
            raise DefinitionError(
                f"{who} has options and a form; leave one out, or make a field of the options: "
                "Literal['yes', 'no']"
            )
        if may_pass and default is not None:
            raise DefinitionError(
                f"{who}: an empty answer cannot both be default={default!r} and pass; leave out "
                "default= or may_pass="
            )
        choices = _options(who, options)
        values = {
            "name": name,
            "ask": ask,
            "options": choices,
            "form": form,
            "schema": None if form is None else _schema(who, form),
            "default": "" if may_pass else _default(who, default, choices, form),
            "description": description,
            "kind": "human",
            "composed": True,
        }
        for field, value in values.items():
            object.__setattr__(self, field, value)

    async def reply(self, turn: Turn, /) -> Reply:
        """Ask until the answer fits, each time on the record."""
        question = self._question(turn)
        text = question
        while True:
            answer = await turn.ask(text, self.options, form=self.schema, default=self.default)
            said, wrong = self.read(answer)
            if said is not None:
                return said
            text = f"That does not fit: {wrong}.\n\n{question}"

    def read(self, answer: str) -> tuple[Reply, str]:
        """Return what *answer* says, and ``""``; or ``None``, and what is wrong with it."""
        if not answer.strip():
            if self.default is None:
                return None, "the answer is empty"
            if not self.default:
                return PASS, ""
            answer = self.default
        if self.form is not None:
            value, wrong = read_form(self.form, answer)
            text = _told(value or {})
            return (None, wrong) if value is None else (Message(text, reply=value, answer=text), "")
        kept = fitting(answer, self.options)
        if kept is None:
            return None, f"the answer is none of {', '.join(map(repr, self.options))}"
        return Message(kept, answer=option_of(kept, self.options)), ""

    def _question(self, turn: Turn) -> str:
        """Return what is asked in this turn."""
        asked = cast("object", self.ask(turn.view) if callable(self.ask) else self.ask)
        if not isinstance(asked, str):
            raise DefinitionError(
                f"the ask function of {self.name!r} returned a {type(asked).__name__}, not a text"
            )
        return asked or turn.role or f"It is your turn, {self.name}."


def fitting(answer: str, options: Sequence[str]) -> str | None:
    """Return *answer* as it goes on the record; ``None``: it fits none of *options*.

    It is an option, in any case, or the beginning of exactly one.  A reason may follow an option.
    Where there are no options, every answer fits that is not empty.

    Example:
        >>> fitting("Y", ["yes", "no"]), fitting("NO, too much", ["yes", "no"])
        ('yes', 'no, too much')
        >>> fitting("perhaps", ["yes", "no"]) is None
        True
    """
    said = answer.strip()
    if not said or not options or said in options:
        return (said if options else answer) if said else None
    lower = said.lower()
    plainly = lower.rstrip(".!") or lower
    same = [option for option in options if option.lower() in {lower, plainly}]
    meant = same or [option for option in options if option.lower().startswith(lower)]
    if len(meant) == 1:
        return meant[0]
    for option in sorted(options, key=len, reverse=True):
        rest = said[len(option) :]
        if said[: len(option)].lower() == option.lower() and _REASON.match(rest):
            return option + rest
    return None


def option_of(said: str, options: Sequence[str]) -> str:
    """Return the option that *said* begins with; all of it where there are none.

    Example:
        >>> option_of("no, too much", ["yes", "no"])
        'no'
    """
    for option in sorted(options, key=len, reverse=True):
        rest = said[len(option) :]
        if said.startswith(option) and (not rest or _REASON.match(rest)):
            return option
    return said


def read_form(form: type[BaseModel], answer: str) -> tuple[dict[str, Json] | None, str]:
    """Return what the JSON object *answer* fills in, and ``""``; or ``None``, and what is wrong.

    What the form has no field for is refused, unless the model says what becomes of it.

    Example:
        >>> class Grade(BaseModel):
        ...     score: int
        >>> read_form(Grade, '{"score": "8"}')
        ({'score': 8}, '')
        >>> read_form(Grade, '{"score": "eight"}')[1][:40]
        'score: Input should be a valid integer, '
    """
    if len(answer) > _LONGEST_FORM:
        return None, f"it is {len(answer)} characters long, and may be {_LONGEST_FORM}"
    try:
        filled = form.model_validate_json(answer, extra=None if _says_extra(form) else "forbid")
        value: dict[str, Json] = filled.model_dump(mode="json")
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)
        told = [_trouble(one["loc"], one["msg"]) for one in wrong[:_MOST_TROUBLES]]
        return None, "; ".join(told)
    for name, part in value.items():
        try:
            json.dumps(part, allow_nan=False)
        except ValueError:
            return None, f"{_line(name)}: NaN and Infinity are no numbers in JSON"
    return value, ""


def _says_extra(form: type[BaseModel]) -> bool:
    """Tell whether *form*, or a part of it, says what becomes of fields that it does not have."""
    allows = '"additionalProperties":true'
    return "extra" in form.model_config or allows in canonical_json(form.model_json_schema())


def _trouble(place: tuple[int | str, ...], message: str) -> str:
    where = ".".join(map(str, place)) or "the whole"
    return f"{_line(where)}: {_line(message)}"


def _line(text: str) -> str:
    """Return *text* as one short line that can be shown."""
    return " ".join(plain(text[:_LONGEST_TROUBLE]).split())


def _told(value: Mapping[str, Json]) -> str:
    """Return a form that was filled in, one line a field, so that no value can pass for two."""
    lines: list[str] = []
    for name, part in value.items():
        simple = isinstance(part, str) and part.isprintable()
        said = cast("str", part) if simple else canonical_json(part)
        lines.append(f"{name}: {' '.join(plain(said).splitlines())}".rstrip())
    return "\n".join(lines) or "{}"


def _options(who: str, options: object) -> tuple[str, ...]:
    if isinstance(options, str) or not isinstance(options, Sequence):
        raise DefinitionError(f"{who}: options={options!r} is no list; write options=['yes', 'no']")
    seen: dict[str, str] = {}
    for option in cast("Sequence[object]", options):
        good = isinstance(option, str) and option and option.isprintable()
        if not isinstance(option, str) or not good or option != option.strip():
            raise DefinitionError(
                f"{who}: option {option!r} is no answer; write a line of text, with no space at "
                "either end"
            )
        if option.lower() in seen:
            raise DefinitionError(
                f"{who}: options {seen[option.lower()]!r} and {option!r} are one answer; case does "
                "not tell them apart"
            )
        seen[option.lower()] = option
    return tuple(seen.values())


def _schema(who: str, form: object) -> Json:
    """Return the JSON schema of *form*, its fields in the order they were declared."""
    if not (isinstance(form, type) and issubclass(form, BaseModel)):
        raise DefinitionError(
            f"{who}: form={form!r} is no form; give a pydantic model: class Grade(BaseModel)"
        )
    schema = object_schema(form, f"{who}: form={form.__name__}")
    if '"writeOnly":true' in canonical_json(schema):
        raise DefinitionError(
            f"{who}: form={form.__name__} asks for a secret, and what a person answers is on the "
            "record; keep secrets in the environment"
        )
    return cast("Json", schema)


def _default(
    who: str, default: object, options: Sequence[str], form: type[BaseModel] | None
) -> str | None:
    """Return *default* as an answer."""
    if default is None:
        return None
    if form is not None:
        return _filled(who, default, form)
    if not isinstance(default, str) or not default.strip() or plain(default) != default:
        raise DefinitionError(
            f"{who}: default={default!r} is no answer; give a text, or write may_pass=True to let "
            "the person say nothing"
        )
    if options and default not in options:
        raise DefinitionError(
            f"{who}: default={default!r} is none of the options: {', '.join(map(repr, options))}"
        )
    return default


def _filled(who: str, default: object, form: type[BaseModel]) -> str:
    try:
        text = (
            default.model_dump_json(by_alias=True)
            if isinstance(default, form)
            else json.dumps(default, ensure_ascii=False)
        )
        wrong = read_form(form, text)[1]
    except (TypeError, ValueError) as error:
        text, wrong = "", str(error)
    if wrong:
        raise DefinitionError(f"{who}: default={default!r} does not fit {form.__name__}: {wrong}")
    return text
