"""Conversations as tests: a file of pytest that runs offline, and is laid out as people write.

Each test says what everybody says, and holds the path and the stop.  The file is the same
whenever it is written, and nothing in it is needed but the package.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final as Constant

from stateflow import errors
from stateflow.engine.result import Result
from stateflow.testing.exploring.layout import WIDTH, laid_out, quoted
from stateflow.testing.exploring.line import printed
from stateflow.testing.exploring.paths import Conversation, Paths
from stateflow.testing.record import path_pattern

__all__ = ["Source", "text_of"]

_NAMES: Constant = ("PASS", "Fault", "Message", "Outcome", "ToolCall", "Usage")
"""What lines are made of, beside errors."""
_PLAIN: Constant = re.compile(r"[\w.-]+")
_WORDS: Constant = re.compile(r"[^\W_]+")
_MOST_WORDS: Constant = 8
_LONGEST: Constant = 70
"""A name so long leaves room for its number on a line of its own [characters]."""


@dataclass(frozen=True, slots=True)
class Source:
    """How a test file comes to its flow."""

    found: str
    """The expression that finds it."""
    told: str
    """The reference, for people."""


def text_of(found: Paths, source: Source, task: str | None = None) -> str:
    """Return the text of a test file for the conversations of *found*.

    Args:
        found: conversations of one flow.
        source: how the file comes to the flow.
        task: what every run starts from; ``None``: what the flow's module says.
    """
    names: set[str] = set()
    tests: list[str] = []
    for one in found.conversations:
        name = _free(_name(one), names)
        tests.append("\n".join(_test(one, name)))
    body = "\n\n\n".join(tests)
    head = "\n".join(_head(found, source, task, body))
    return f"{head}\n\n\n{body}\n" if tests else f"{head}\n"


def _head(found: Paths, source: Source, task: str | None, body: str) -> Iterator[str]:
    covered = f"{found.taken} of {found.taken + len(found.missed)}"
    yield f'"""Paths through `{source.told}`: everybody says what the test has them say.'
    yield ""
    yield f"They take {covered} transitions; no model is asked, and no code or tool is run."
    for one in found.missed:
        yield from _folded(f"Never taken: {one.what}: {one.why}.")
    yield '"""'
    yield ""
    yield "from __future__ import annotations"
    yield ""
    standard = ["from dataclasses import replace"] if "replace(FLOW" in body else []
    standard += ["from pathlib import Path"] if "Path(" in source.found else []
    if standard:
        yield from sorted(standard)
        yield ""
    yield from _imports(body)
    yield ""
    yield f"FOUND = {source.found}"
    yield "FLOW = FOUND.flow"
    if task is None:
        yield "TASK = FOUND.task"
    else:
        yield from laid_out(repr(task), 0, "TASK = ")


def _folded(text: str) -> Iterator[str]:
    """Yield *text* in lines; no quotes of it may end the docstring."""
    line = ""
    for word in text.replace('"""', "'''").replace("\\", "/").split():
        if line and len(line) + 1 + len(word) > WIDTH:
            yield line
            line = f"    {word}"
        else:
            line = f"{line} {word}".lstrip() if not line.startswith("    ") else f"{line} {word}"
    yield line


def _imports(body: str) -> Iterator[str]:
    used = [name for name in _NAMES if re.search(rf"\b{name}\b", _code(body))]
    used += sorted(_errors(body))
    if used:
        yield f"from stateflow import {', '.join(_sorted(used))}"
    helpers = ["Cast", *(["assert_path"] if "assert_path(" in body else [])]
    yield f"from stateflow.testing import {', '.join([*helpers, 'find_flow'])}"


def _code(body: str) -> str:
    """Return *body* without what is quoted."""
    return re.sub(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'', '""', body)


def _errors(body: str) -> set[str]:
    called = re.findall(r"\b([A-Z]\w+)\(", _code(body))
    return {name for name in called if name in errors.__all__}


def _sorted(names: Sequence[str]) -> list[str]:
    """Return *names* as imports are sorted: constants, then classes."""
    return sorted(dict.fromkeys(names), key=lambda name: (not name.isupper(), name))


def _test(one: Conversation, name: str) -> Iterator[str]:
    yield f"def {name}() -> None:"
    yield from _told(one)
    yield from _cast(one)
    yield ""
    given = ["FLOW", "TASK"]
    if one.data is not None:
        given.append(f"data={dict(one.data)!r}")
    if one.turns is not None:
        given.append(f"budget=replace(FLOW.budget, turns={one.turns})")
    yield from laid_out(f"cast.run({', '.join(given)})", 1, "result = ")
    yield ""
    yield from _asserted(one.path, one.result)


def _told(one: Conversation) -> Iterator[str]:
    text = f"Take {'; '.join(one.takes)}."
    lines = list(_folded(text))
    quote = '"""'
    if len(lines) == 1 and len(lines[0]) + 10 <= WIDTH and not lines[0].endswith('"'):
        yield f"    {quote}{lines[0]}{quote}"
        return
    first = f"Take {len(one.takes)} transitions." if len(one.takes) > 1 else "Take a transition."
    yield f"    {quote}{first}"
    yield ""
    for taken in one.takes:
        yield from (f"    {line}" for line in _folded(f"- {taken}"))
    yield f"    {quote}"


def _cast(one: Conversation) -> Iterator[str]:
    cast = one.cast
    yield "    cast = Cast("
    yield "        {"
    for who, said in cast.lines.items():
        yield from laid_out(f"[{', '.join(map(printed, said))}]", 3, f"{quoted(who)}: ", ",")
    yield "        },"
    for option, value in (("picks", cast.picks), ("real", cast.real)):
        if value:
            yield from laid_out(repr(value), 2, f"{option}=", ",")
    yield "    )"


def _asserted(path: Sequence[str], result: Result | None) -> Iterator[str]:
    assert result is not None  # noqa: S101 - each conversation has run
    stop = result.stop
    end = stop.state if stop.kind == "final" else stop.kind
    plain = all(_PLAIN.fullmatch(name) for name in (*path, end))
    pattern = f"{path_pattern(path)} ⇒ {end}"
    line = f"    assert_path(result, {quoted(pattern)})"
    if path and plain and len(line) <= WIDTH:
        yield line
    else:
        code = f"({', '.join(map(repr, path))}{',' if len(path) == 1 else ''})"
        yield from laid_out(code, 1, "assert result.path == ")
        yield f"    assert result.stop.kind == {quoted(stop.kind)}"
    if stop.kind == "failed" and stop.fault is not None:
        yield "    assert result.stop.fault is not None"
        yield f"    assert result.stop.fault.name == {quoted(stop.fault.name)}"


def _name(one: Conversation) -> str:
    """Return a name after the first transition that only this conversation takes."""
    first = one.takes[0].partition("[")[0]
    words = [word.lower() for word in _WORDS.findall(first.replace("→", " to "))]
    words = [word for word in words if word.isascii()]
    return "_".join(["test", *words[:_MOST_WORDS]])[:_LONGEST].rstrip("_")


def _free(name: str, names: set[str]) -> str:
    number, free = 1, name
    while free in names:
        number += 1
        free = f"{name}_{number}"
    names.add(free)
    return free
