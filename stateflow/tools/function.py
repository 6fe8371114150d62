"""Tools made from typed Python functions: hints and docstring become the schema.

pydantic reads the hints and validates every call.  The docstring is read by ``docstring_parser``,
which knows the Google, NumPy and Sphinx styles, is small, needs nothing else, and is installed
with the command line's library anyway.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import WRAPPER_ASSIGNMENTS
from typing import Any, Final, Generic, ParamSpec, TypeVar, cast, get_type_hints, overload

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import ErrorDetails, PydanticSerializationError, to_json

from stateflow.conversation.file import File
from stateflow.errors import DefinitionError
from stateflow.tools.base import Tool, ToolReply
from stateflow.value import Json, canonical_json, plain

__all__ = ["FunctionTool", "as_tool", "check_tool_name", "tool"]

P = ParamSpec("P")
R = TypeVar("R")

_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_PREFIX: Final = "arg_"
"""Keeps parameters such as ``json``, ``copy`` or ``_x`` apart from a model's own names."""
_MOST_TROUBLE: Final = 5
"""How many wrong arguments one sentence names."""
_LONGEST_PLACE: Final = 80
"""How much of a name that a model made up is said back [characters]."""


@dataclass(frozen=True)
class FunctionTool(Generic[P, R]):
    """A function that a model may call; still callable as the function itself.

    A plain function runs in a thread, so that it holds up no other run; an async one is awaited.
    Without slots, because it carries the function's name, docstring and signature.

    Raises:
        DefinitionError: no model could call it; the sentence says why.

    Example:
        >>> def add(a: int, b: int = 1) -> int:
        ...     return a + b
        >>> FunctionTool(add)(1, 2), FunctionTool(add).name
        (3, 'add')
    """

    function: Callable[P, R] = field(repr=False)
    """A function or a bound method, async or not."""
    name: str = ""
    """What the model calls it; empty: the function's name."""
    description: str = field(default="", repr=False)
    """When and how to use it; empty: the function's docstring, without its sections."""
    approve: bool = False
    """Whether a person must allow every call."""
    repeat: bool = True
    """Whether a call may be made again after a crash; False: never twice."""
    timeout_s: float | None = None
    """Limit for one call [s]; ``None``: the state's."""
    parameters: Mapping[str, Json] = field(init=False, repr=False, compare=False)
    """JSON schema of the object that holds its arguments."""
    model: type[BaseModel] = field(init=False, repr=False, compare=False)
    """Validates arguments; its fields are the parameters, each behind a prefix."""

    def __post_init__(self) -> None:
        """Read the function; refuse what no model could call."""
        function = self.function
        if not inspect.isroutine(function):
            raise DefinitionError(
                f"{function!r} is neither a function nor a bound method; write a function around it"
            )
        name = check_tool_name(self.name or function.__name__)
        if self.timeout_s is not None and self.timeout_s <= 0:
            raise DefinitionError(f"{name!r}: a call needs time; timeout_s is above 0, or None")
        told, described = _read(inspect.getdoc(function) or "")
        model, schema = _model(name, function)
        properties: dict[str, Any] = schema["properties"]
        for parameter in described.keys() & properties.keys():
            properties[parameter].setdefault("description", described[parameter])
        vars(self).update(
            {key: getattr(function, key, None) for key in WRAPPER_ASSIGNMENTS},
            __wrapped__=function,
            name=name,
            description=self.description or told,
            parameters=schema,
            model=model,
        )

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function, as if it were no tool."""
        return self.function(*args, **kwargs)

    async def call(self, arguments: Mapping[str, Any], /) -> ToolReply:
        """Validate *arguments*, call the function, and write down what it returned.

        Raises:
            ValueError: the arguments do not fit; one sentence that a model can act on.
            TypeError: the function returned what cannot be written as JSON.
        """
        try:
            given = self.model.model_validate(dict(arguments))
        except ValidationError as error:
            raise ValueError(self._told(error)) from error
        named = {key.removeprefix(_PREFIX): value for key, value in given}
        function = cast("Callable[..., object]", self.function)
        if inspect.iscoroutinefunction(function):
            value = await function(**named)
        else:
            value = await asyncio.to_thread(_run, function, named)
            if inspect.isawaitable(value):
                value = await value
        return _reply(self.name, value)

    def _told(self, error: ValidationError) -> str:
        """Return what is wrong with the arguments, in one line."""
        troubles = error.errors(include_url=False, include_context=False)
        known = cast("Mapping[str, Json]", self.parameters["properties"])
        told = [_trouble(trouble, known) for trouble in troubles[:_MOST_TROUBLE]]
        if len(troubles) > _MOST_TROUBLE:
            told.append(f"and {len(troubles) - _MOST_TROUBLE} more")
        return " ".join(plain(f"{self.name}: {'. '.join(told)}").split())


@overload
def tool(
    function: Callable[P, R],
    /,
    *,
    name: str = "",
    description: str = "",
    approve: bool = False,
    repeat: bool = True,
    timeout_s: float | None = None,
) -> FunctionTool[P, R]: ...
@overload
def tool(
    *,
    name: str = "",
    description: str = "",
    approve: bool = False,
    repeat: bool = True,
    timeout_s: float | None = None,
) -> Callable[[Callable[P, R]], FunctionTool[P, R]]: ...
def tool(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str = "",
    description: str = "",
    approve: bool = False,
    repeat: bool = True,
    timeout_s: float | None = None,
) -> FunctionTool[P, R] | Callable[[Callable[P, R]], FunctionTool[P, R]]:
    """Make a tool of a typed function; a decorator, with or without arguments.

    Args:
        function: what the tool does; a function or a bound method.
        name: what the model calls it, where that is not the function's name.
        description: when and how to use it, where the docstring does not say.
        approve: whether a person must allow every call.
        repeat: False: a call is never made twice, not even after a crash.
        timeout_s: limit for one call [s]; ``None``: the state's.

    Raises:
        DefinitionError: no model could call it; the sentence says why.

    Example:
        >>> @tool(approve=True)
        ... def pay(amount: float) -> str:
        ...     return f"paid {amount}"
        >>> pay.approve, pay(2.5)
        (True, 'paid 2.5')
    """

    def made(function: Callable[P, R]) -> FunctionTool[P, R]:
        return FunctionTool(function, name, description, approve, repeat, timeout_s)

    return made if function is None else made(function)


def as_tool(thing: object, /) -> Tool:
    """Return *thing* if it is a tool, and a tool made of it if it is a function.

    Raises:
        DefinitionError: it is neither.

    Example:
        >>> def greet(name: str) -> str:
        ...     return f"Hello {name}"
        >>> as_tool(greet).name
        'greet'
    """
    if inspect.isroutine(thing):
        return FunctionTool(thing)
    if isinstance(getattr(thing, "name", None), str) and callable(getattr(thing, "call", None)):
        return cast("Tool", thing)
    cure = "give a typed function, or what @tool returned"
    if callable(getattr(thing, "as_tool", None)):
        cure = "write flow.as_tool()"
    elif callable(getattr(thing, "reply", None)):
        cure = "make a flow of the agent: Flow(name, State(name, agent, to(None))).as_tool()"
    raise DefinitionError(f"{thing!r} is not a tool; {cure}")


def check_tool_name(name: str) -> str:
    """Return *name* if every provider takes it as the name of a tool; else say why not.

    Raises:
        DefinitionError: some provider refuses it.

    Example:
        >>> check_tool_name("add")
        'add'
    """
    if _NAME.fullmatch(name):
        return name
    raise DefinitionError(
        f"{name!r} cannot name a tool: providers take 1 to 64 of a-z, A-Z, 0-9, '_' and '-'; "
        "give another with name='...'"
    )


class _Schema(GenerateJsonSchema):
    """Leaves out what only costs tokens, and defaults that JSON cannot hold."""

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012 - as the base declares it

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - the base's signature
        """Say no: a title repeats the name."""
        return False

    def encode_default(self, dft: object) -> Any:  # noqa: ANN401 - JSON
        """Put sets in order: theirs is another in every process."""
        encoded = super().encode_default(dft)
        return sorted(encoded, key=canonical_json) if isinstance(dft, set | frozenset) else encoded


def _read(docstring: str) -> tuple[str, dict[str, str]]:
    """Return the docstring's prose, and what it says about each parameter."""
    from docstring_parser import parse

    try:
        read = parse(docstring)
    except Exception:  # noqa: BLE001 - the parser has bugs on odd text; then all of it is prose
        return docstring, {}
    return (read.description or "").strip(), {p.arg_name: p.description or "" for p in read.params}


def _model(name: str, function: Callable[..., object]) -> tuple[type[BaseModel], dict[str, Any]]:
    """Return what validates the arguments of *function*, with its JSON schema."""
    fields = _fields(name, function)
    config = ConfigDict(extra="forbid", alias_generator=lambda key: key.removeprefix(_PREFIX))
    try:
        model = create_model(name, __config__=config, **fields)
        schema = model.model_json_schema(schema_generator=_Schema)
    except Exception as error:
        raise DefinitionError(
            f"{name!r}: pydantic finds no JSON schema for its parameters ({_first_line(error)}); "
            "take text, numbers, lists, dicts or pydantic models"
        ) from error
    schema.setdefault("properties", {})
    del schema["title"]
    return model, schema


def _fields(name: str, function: Callable[..., object]) -> dict[str, Any]:
    """Return hint and default of each parameter.

    Raises:
        DefinitionError: a hint is missing or unreadable, or the parameter cannot be named in JSON.
    """
    try:
        hints = get_type_hints(function, include_extras=True)
        parameters = inspect.signature(function).parameters.values()
    except Exception as error:
        raise DefinitionError(
            f"{name!r}: its type hints cannot be read ({_first_line(error)}); import or define "
            "what they name at the top of its module"
        ) from error
    fields: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise DefinitionError(
                f"{name!r}: a model gives arguments by name, which {parameter.name!r} is not; "
                "write named parameters, and take a list or a dict for many"
            )
        if parameter.name not in hints:
            raise DefinitionError(
                f"{name!r}: its parameter {parameter.name!r} has no type hint; "
                + (
                    "make the tool of the bound method: tool(thing.method)"
                    if parameter.name in {"self", "cls"}
                    else f"write {parameter.name}: str, or what it is"
                )
            )
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[_PREFIX + parameter.name] = (hints[parameter.name], default)
    return fields


def _run(function: Callable[..., object], named: Mapping[str, object]) -> object:
    """Call *function* in the thread it is given."""
    try:
        return function(**named)
    except StopIteration as error:  # no future can hold one: asyncio would wait for ever
        raise RuntimeError("an iterator ran out (StopIteration)") from error
    except Exception:
        raise
    except BaseException as error:  # as sys.exit() raises; in this thread it is no wish of ours
        raise RuntimeError(f"it raised {error!r}") from error


def _reply(name: str, value: object) -> ToolReply:
    """Return *value* as what the tool gave."""
    match value:
        case ToolReply():
            return value
        case None:
            return ToolReply("done")
        case str():
            return ToolReply(str.__str__(value))  # of an Enum with texts, the text
        case File():
            return ToolReply(f"{value.name or 'a file'} ({value.media_type})", files=(value,))
        case _:
            pass
    try:
        return ToolReply(to_json(value, inf_nan_mode="strings").decode())
    except PydanticSerializationError as error:
        raise TypeError(
            f"{name}: it returned a {type(value).__name__} that cannot be written as JSON "
            f"({_first_line(error)}); return text, numbers, lists, dicts or pydantic models"
        ) from error


def _trouble(trouble: ErrorDetails, known: Mapping[str, Json]) -> str:
    """Return what is wrong with one argument, and what would be right."""
    place = ".".join(map(str, trouble["loc"]))[:_LONGEST_PLACE]
    told = f"{place}: {trouble['msg']}" if place else trouble["msg"]
    match trouble["type"]:
        case "missing":
            return told
        case "extra_forbidden":
            return f"{told}; it takes {', '.join(known) or 'none'}"
        case _:
            return f"{told}; it got {reprlib.repr(trouble['input'])}"


def _first_line(error: Exception) -> str:
    """Return the gist of an error of another library."""
    return str(error).partition("\n")[0]
