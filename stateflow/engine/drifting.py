"""What has changed in a request, line by line.

A journal holds the print of a request; the texts behind it are in the flow's table, which is
recorded once a run.  A text is told only where its print is the recorded one, so that what a
function or a secret made of it is never guessed at.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeGuard, cast

from stateflow.conversation.message import Message
from stateflow.engine.matching import Asked, agent_in
from stateflow.machine.table_json import Table
from stateflow.value import Json, canonical_json

__all__ = [
    "AS_IT_WAS",
    "bounded",
    "fields",
    "parts",
    "request_lines",
    "text_diff",
]

_MOST: Final = 40
"""So many lines are told of one part."""
_LONGEST: Final = 100
"""Longer values are cut [characters]."""
_COMPARED: Final = 500
"""So many lines of two texts are compared, from the first that differs."""
_NOTHING: Final = object()
AS_IT_WAS: Final = object()
"""Stands for a value that nothing was put into."""

Lines: TypeAlias = Iterator[str]

_MARKS: Final = frozenset({id(_NOTHING), id(AS_IT_WAS)})


def parts(before: Json, after: Json) -> list[str]:
    """Return the names of the parts of a request that differ, in alphabetical order."""
    if not (_is_object(before) and _is_object(after)):
        return []
    return [
        name
        for name in sorted({*before, *after})
        if canonical_json(before.get(name)) != canonical_json(after.get(name))
    ]


def request_lines(
    before: Asked, now: Asked, tables: tuple[Table, Table], heard: Sequence[Message], agreed: int
) -> list[str]:
    """Return how the request *now* differs from the one *before*.

    Args:
        before: as it was recorded.
        now: as it is.
        tables: the flow when it was recorded, and now.
        heard: what was said until now.
        agreed: how much of that was the same when it was last compared [messages].
    """
    lines: list[str] = []
    for name in parts(before.args, now.args):
        old, new = before.args.get(name), now.args.get(name)
        if name == "prompt":
            lines += _prompt(before, now)
        elif name == "messages":
            lines += _said(heard, agreed)
        elif name == "tools":
            lines += _tools(*(agent_in(table, now.agent) for table in tables))
        elif name == "schema":
            lines += _reply(*(agent_in(table, now.agent) for table in tables))
        else:
            lines += fields(_WORDS.get(name, name), old, new)
    if not (_is_object(before.args) and _is_object(now.args)):
        return fields("request", before.args, now.args)
    return lines


_WORDS: Final[Mapping[str, str]] = {
    "about": "what is told of the candidates",
    "choice": "tool_choice",
    "else": "models to fall back to",
    "from": "first message that is shown",
    "render": "form in which messages are shown",
    "sees": "what is seen (sees)",
    "text": "question",
}


def _prompt(before: Asked, now: Asked) -> Lines:
    if before.prompts is None or now.prompts is None:
        yield "prompt: another one; its recorded text is not known"
        return
    names = (f"prompt of agent {now.agent!r}", f"prompt of state {now.key.state!r}")
    for name, old, new in zip(names, before.prompts, now.prompts, strict=False):
        if old != new:
            yield f"{name}:"
            yield from text_diff(old, new)


def text_diff(before: str, after: str) -> Lines:
    r"""Yield how two texts differ, each line behind its sign; the most of a long one.

    Example:
        >>> list(text_diff("Be kind.\nBe short.", "Be kind.\nBe long."))
        ['- Be short.', '+ Be long.']
    """
    old, new = before.split("\n"), after.split("\n")
    first = _same_until(old, new)
    old, new = old[first:], new[first:]
    matcher = difflib.SequenceMatcher(None, old[:_COMPARED], new[:_COMPARED], autojunk=False)
    lines: list[str] = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "equal":
            lines += [f"- {_around(old[n], new[c + n - a :][:1])}" for n in range(a, b)]
            lines += [f"+ {_around(new[n], old[a + n - c :][:1])}" for n in range(c, d)]
    more = max(len(old), len(new)) - _COMPARED
    yield from bounded(lines)
    if more > 0:
        yield f"... and {more:,} lines that are not compared"


def _same_until(before: Sequence[str], after: Sequence[str]) -> int:
    """Return how much of two texts, or of their lines, is the same from the beginning."""
    pairs = enumerate(zip(before, after, strict=False))
    return next((at for at, (old, new) in pairs if old != new), min(len(before), len(after)))


def _around(line: str, other: Sequence[str]) -> str:
    """Return *line*; of a long one, the part where it differs from the *other*."""
    if len(line) <= _LONGEST * 2:
        return line
    same = _same_until(line, other[0]) if other else 0
    start = max(0, same - _LONGEST // 2)
    dots = "…" if start else ""
    return f"{dots}{_cut(line[start:], _LONGEST * 2)}"


def bounded(lines: Sequence[str], most: int = _MOST) -> list[str]:
    """Return *lines*, the first of them where there are too many, with a count of the others."""
    if len(lines) <= most:
        return [*lines]
    return [*lines[:most], f"... and {len(lines) - most:,} more lines"]


def _said(heard: Sequence[Message], agreed: int) -> Lines:
    """Tell which messages are not the recorded ones, as far as prints can tell."""
    new = list(heard)[agreed:]
    if not new:
        yield "what was said before: not what is in the recording; was it edited?"
        return
    where = f"message {agreed + 1:,}" if len(new) == 1 else f"messages {agreed + 1:,} to the last"
    yield f"what was said before: other than it was, in {where}; was the recording edited?"
    for message in new[:3]:
        yield f"  {message.speaker}: {_cut(' '.join(message.text.split()), _LONGEST)}"


def _tools(before: Table, after: Table) -> Lines:
    old, new = _told_of_tools(before), _told_of_tools(after)
    found = False
    for name in dict.fromkeys((*old, *new)):
        if name not in new:
            yield f"tool {name!r}: gone"
        elif name not in old:
            yield f"tool {name!r}: new"
        elif canonical_json(old[name]) != canonical_json(new[name]):
            yield from _tool(name, old[name], new[name])
        else:
            continue
        found = True
    if not found and [*old] != [*new]:
        found = True
        yield f"tools in another order: {', '.join(old)} → {', '.join(new)}"
    if not found:
        yield "tools: what the model is told of them differs; the recording does not say how"


def _tool(name: str, old: Any, new: Any) -> Lines:  # noqa: ANN401 - JSON of a tool
    where = f"tool {name!r}"
    yield from fields(f"{where} description", old.get("description"), new.get("description"))
    before, after = (dict(one.get("parameters") or {}) for one in (old, new))
    had, has = (cast("dict[str, Json]", one.pop("properties", {})) for one in (before, after))
    for parameter in dict.fromkeys((*had, *has)):
        if parameter not in has:
            yield f"{where} parameter {parameter!r}: gone"
        elif parameter not in had:
            yield f"{where} parameter {parameter!r}: new, {_shown(has[parameter])}"
        else:
            yield from fields(f"{where} parameter {parameter!r}", had[parameter], has[parameter])
    yield from fields(f"{where} parameters", before, after)


def _told_of_tools(agent: Table) -> dict[str, Any]:
    """Return what a model is told of each tool of *agent*, as far as it is recorded."""
    names = cast("Sequence[str]", agent.get("tools", ()))
    told = agent.get("told", {}).get("tools", {})
    return {name: told.get(name, {}) for name in names}


def _reply(before: Table, after: Table) -> Lines:
    old, new = (table.get("told", {}).get("reply") for table in (before, after))
    lines = fields("reply schema", old, new)
    yield from lines or ["reply schema: another one; the recorded one is not known"]


def fields(path: str, before: object, after: object) -> list[str]:
    """Return how two JSON values differ, a line for each field, by its path.

    Example:
        >>> fields("settings", {"temperature": 0.2, "seed": 1}, {"temperature": 0.7, "seed": 1})
        ['settings.temperature: 0.2 → 0.7']
    """
    return bounded(list(_fields(path, before, after)))


def _fields(path: str, before: object, after: object) -> Lines:
    if {id(before), id(after)}.isdisjoint(_MARKS) and _same(before, after):
        return
    if _is_object(before) and _is_object(after):
        for name in sorted({*before, *after}):
            old, new = (one.get(name, _NOTHING) for one in (before, after))
            yield from _fields(f"{path}.{name}", old, new)
    elif _is_list(before) and _is_list(after) and _long(*map(canonical_json, (before, after))):
        for at in range(max(len(before), len(after))):
            old, new = (one[at] if at < len(one) else _NOTHING for one in (before, after))
            yield from _fields(f"{path}[{at}]", old, new)
    elif isinstance(before, str) and isinstance(after, str) and _long(before, after):
        yield f"{path}:"
        yield from (f"  {line}" for line in text_diff(before, after))
    else:
        yield f"{path}: {_shown(before)} → {_shown(after)}"


def _is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def _is_list(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, list | tuple)


def _same(before: object, after: object) -> bool:
    return canonical_json(cast("Json", before)) == canonical_json(cast("Json", after))


def _long(*texts: str) -> bool:
    return any(len(text) > _LONGEST or "\n" in text for text in texts)


def _shown(value: object) -> str:
    if value is _NOTHING or value is AS_IT_WAS:
        return "none" if value is _NOTHING else "not changed"
    return _cut(canonical_json(cast("Json", value)), _LONGEST)


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    return f"{text[:longest]}… ({len(text):,} characters)"
