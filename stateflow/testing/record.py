"""Tests of recorded runs: the text of a test that replays a cassette, and where it is put.

The test says what a person would hold on to, which path the run took and how it ended; all else,
each request and each verdict, is held by the replay itself.  It is laid out as the formatter
would, at whatever width, and is added to a file without a change to what stands there.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import Final

from stateflow.journal.stop import Stop

__all__ = [
    "cassette_name",
    "file_with",
    "file_without",
    "function_name",
    "function_text",
    "path_pattern",
]

_HEAD: Final = '"""Recorded runs, replayed: no model is asked, and nothing is run."""\n'
_HOME: Final = "stateflow.testing"
_NAMES: Final = ("Replay", "assert_path")
"""What a test of this kind uses."""
_WIDTH: Final = 88
"""Narrowest line that formatters are set to [columns]."""
_INDENT: Final = "    "
_PLAIN: Final = re.compile(r"[\w.-]*[\w.]")
"""A state that needs no quotes in a pattern of :func:`assert_path`."""
_ARROW: Final = " → "
_LONGEST_LOOP: Final = 12
"""States of a loop that is written once."""
_MOST: Final = 24
"""Steps of a pattern; what is between the first and the last of a longer one is ``*``."""


def path_pattern(path: Sequence[str]) -> str:
    """Return *path* as people write it, with loops counted.

    Example:
        >>> path_pattern(["plan", "write", "check", "write", "check", "review"])
        'plan → (write → check){2} → review'
    """
    steps = list(_steps([one if _PLAIN.fullmatch(one) else f'"{one}"' for one in path]))
    if len(steps) > _MOST:
        half = _MOST // 2
        steps = [*steps[:half], "*", *steps[-half:]]
    return _ARROW.join(steps)


def _steps(path: Sequence[str]) -> Iterator[str]:
    """Yield the steps of *path*; a loop is one."""
    at = 0
    while at < len(path):
        size, times = _loop(path, at)
        inner = _ARROW.join(path[at : at + size])
        if times == 1:
            yield inner
        else:
            yield f"{inner}{{{times}}}" if size == 1 else f"({inner}){{{times}}}"
        at += size * times


def _loop(path: Sequence[str], at: int) -> tuple[int, int]:
    """Return how long the loop that begins at *at* is, and how often it is gone round."""
    best = (1, 1)
    for size in range(1, min(_LONGEST_LOOP, (len(path) - at) // 2) + 1):
        inner = path[at : at + size]
        times = 1
        while path[at + times * size : at + (times + 1) * size] == inner:
            times += 1
        if times > 1 and size * times > best[0] * best[1]:
            best = (size, times)
    return best


def function_text(
    name: str, cassette: str, path: Sequence[str], stop: Stop, command: str = ""
) -> str:
    """Return the text of a test.

    Args:
        name: of its function.
        cassette: as the test names it.
        path: states that spoke, in order.
        stop: how the run ended.
        command: what made it, for its docstring.
    """
    lines = [
        f"def {name}(replay: Replay) -> None:",
        *(f"{_INDENT}{line}" if line else "" for line in _docstring(command)),
        f"{_INDENT}result = replay({_literal(cassette)})",
        "",
        *(f"{_INDENT}{line}" for line in _path_lines(path)),
        *(f"{_INDENT}{line}" for line in _stop_lines(stop)),
    ]
    return "".join(f"{line}\n" for line in lines)


def _docstring(command: str) -> list[str]:
    if not command or '"""' in command or "\n" in command:
        return []
    lines = list(_continued(command))
    raw = "r" if "\\" in "".join(lines) else ""
    line = f'{raw}"""Replay `{command}`."""'
    if len(_INDENT) + len(line) <= _WIDTH:
        return [line]
    return [f'{raw}"""Replay what this command recorded.', "", *lines, '"""']


def _continued(command: str) -> Iterator[str]:
    """Yield *command* in lines as a shell takes them, broken before options."""
    line, *rest = re.split(r" (?=--[a-z]+ )", command)
    for option in rest:
        if len(_INDENT) + len(line) + len(option) + len("  \\") > _WIDTH:
            yield f"{line} \\"
            line = f"{_INDENT}{option}"
        else:
            line += f" {option}"
    yield line


def _path_lines(path: Sequence[str]) -> list[str]:
    if not path:
        return ["assert result.path == ()"]
    if any('"' in state or not state.isprintable() for state in path):
        return ["assert result.path == (", *(f"{_INDENT}{_literal(one)}," for one in path), ")"]
    pattern = path_pattern(path)
    line = f"assert_path(result, {_literal(pattern)})"
    if len(_INDENT) + len(line) <= _WIDTH:
        return [line]
    deeper = 2 * _INDENT
    folded = list(_folded(pattern, _WIDTH - len(deeper)))
    text = [f"{_INDENT}{line}" for line in folded]
    return ["assert_path(", f"{_INDENT}result,", f'{_INDENT}"""', *text, f'{_INDENT}""",', ")"]


def _folded(pattern: str, room: int) -> Iterator[str]:
    """Yield *pattern* in lines, broken before arrows."""
    line, *rest = pattern.split(_ARROW)
    for step in rest:
        if len(line) + len(_ARROW) + len(step) > room:
            yield line
            line = f"→ {step}"
        else:
            line += f"{_ARROW}{step}"
    yield line


def _stop_lines(stop: Stop) -> list[str]:
    lines = [f'assert result.stop.kind == "{stop.kind}"']
    if stop.kind == "final":
        lines.append(f"assert result.stop.state == {_literal(stop.state)}")
    if stop.kind == "budget":
        lines.append(f"assert result.stop.which == {_literal(stop.which)}")
    if stop.kind == "failed" and stop.fault is not None:
        lines += [
            "assert result.stop.fault is not None",
            f"assert result.stop.fault.name == {_literal(stop.fault.name)}",
        ]
    return lines


def _literal(text: str) -> str:
    """Return *text* as Python writes it, in the quotes that the formatter prefers."""
    told = repr(text)
    return f'"{told[1:-1]}"' if told[0] == "'" and '"' not in text else told


def function_name(stem: str, text: str = "") -> str:
    """Return the name of a test of the cassette *stem* that no other in the file *text* has.

    Example:
        >>> function_name("refused-once", "def test_refused_once(): ...")
        'test_refused_once_2'
    """
    name = "_".join(re.findall(r"\w+", stem)) or "recorded"
    name = name if name.startswith("test_") else f"test_{name}"
    taken = {one.name for one in ast.parse(text).body if isinstance(one, _NAMED)}
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


_NAMED: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def file_with(text: str, function: str) -> str:
    """Return the file *text* with *function* at its end, and what that uses imported.

    Raises:
        SyntaxError: *text* is no Python.
    """
    if not text.strip():
        return f"{_HEAD}\nfrom {_HOME} import {', '.join(_used(function))}\n\n\n{function}"
    ends = "\r\n" if "\r\n" in text else "\n"
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    body = ast.parse(text).body
    missing = sorted(set(_used(function)) - _imported(body))
    if missing:
        at = _last_import(body)
        behind = at < len(lines) and lines[at] and not _is_import(body, at + 1)
        lines[at:at] = [
            *([""] if at and not _is_import(body, at) else []),
            f"from {_HOME} import {', '.join(missing)}",
            *([""] if behind else []),
        ]
    whole = "\n".join([*lines, "", "", function])
    return whole.replace("\n", ends)


def file_without(text: str, function: str) -> str:
    """Return the file *text* without the test *function*, if it stands there as it was written.

    Whatever it is called, and whatever its docstring says; one that somebody changed stays.

    Raises:
        SyntaxError: one of them is no Python.
    """
    wanted = _doing(ast.parse(function).body[0])
    for one in ast.parse(text).body:
        if _doing(one) == wanted:
            ends = "\r\n" if "\r\n" in text else "\n"
            lines = text.split(ends)
            before, after = lines[: one.lineno - 1], lines[one.end_lineno :]
            return ends.join([*before, *after]).rstrip() + ends
    return text


def _doing(test: ast.stmt) -> list[str]:
    """Return what *test* does, if it is a function."""
    body = test.body if isinstance(test, ast.FunctionDef) else []
    return [ast.dump(one) for one in body if not _is_docstring(one)]


def _is_docstring(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)


def _used(function: str) -> list[str]:
    return [name for name in _NAMES if re.search(rf"\b{name}\b", function)]


def _imported(body: Sequence[ast.stmt]) -> set[str]:
    """Return what a module has from the home of the tests' names."""
    found = [one for one in body if isinstance(one, ast.ImportFrom) and one.module == _HOME]
    return {alias.name for one in found for alias in one.names if alias.asname is None}


def _last_import(body: Sequence[ast.stmt]) -> int:
    """Return the line behind which an import can stand: the last import's, else the docstring's."""
    imports = [one.end_lineno or 0 for one in body if isinstance(one, ast.Import | ast.ImportFrom)]
    if imports:
        return imports[-1]
    first = body[0] if body else None
    told = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return (first.end_lineno or 0) if told and first is not None else 0


def _is_import(body: Sequence[ast.stmt], line: int) -> bool:
    """Tell whether there is an import on *line*."""
    imports = [one for one in body if isinstance(one, ast.Import | ast.ImportFrom)]
    return any(one.lineno <= line <= (one.end_lineno or 0) for one in imports)


def cassette_name(cassette: Path, test: Path, root: Path) -> str:
    """Return how the test file *test* names *cassette*: as the fixture looks for it.

    It looks in ``cassettes/`` beside the test, beside the test, then in ``cassettes/`` of each
    folder up to *root*.

    Args:
        cassette: absolute path of the cassette.
        test: absolute path of the test file.
        root: the folder where the search ends.
    """
    folder = test.parent
    above = [one for one in folder.parents if one.is_relative_to(root)]
    places = [folder / "cassettes", folder, *(one / "cassettes" for one in above)]
    for number, place in enumerate(places):
        if cassette.is_relative_to(place):
            name = cassette.relative_to(place)
            if not any((earlier / name).exists() for earlier in places[:number]):
                return name.as_posix()
    return _across(cassette, folder).as_posix()


def _across(path: Path, folder: Path) -> PurePath:
    """Return *path* as seen from *folder*."""
    shared = 0
    for mine, theirs in zip(path.parts, folder.parts, strict=False):
        if mine != theirs:
            break
        shared += 1
    return PurePath(*[".."] * (len(folder.parts) - shared), *path.parts[shared:])
