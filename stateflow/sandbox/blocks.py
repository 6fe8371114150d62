"""Blocks of code in what somebody said, found as CommonMark finds them.

Only fences are code to run: what is merely indented is as often a list or a quotation.  What a
model shows beside, such as expected output or a JSON sample, is left out unless it names a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

__all__ = ["Block", "blocks_of", "language_of"]


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of code."""

    code: str
    language: str
    """As it is canonically called, such as ``python``; ``""`` where the block names none."""
    name: str = ""
    """File it is to be kept as, in the work folder; ``""``: it wants none.  Untrusted."""


def language_of(written: str) -> str:
    """Return the canonical name of the language *written*.

    That is ``python``, ``sh``, ``bash`` or ``javascript``; ``file`` for what is data, not code;
    ``""`` for nothing; any other word as it is, in lower case.

    Example:
        >>> [language_of(word) for word in ("py", "Shell", "node", "json", "Rust", "")]
        ['python', 'sh', 'javascript', 'file', 'rust', '']
    """
    word = written.strip().lower()
    if re.fullmatch(r"py(thon)?(3(\.\d{1,2})?)?", word):
        return "python"
    return "file" if word in _DATA else _CALLED.get(word, word)


@lru_cache(maxsize=32)  # the same message is read for every block that is run
def blocks_of(text: str) -> tuple[Block, ...]:
    r"""Return the fenced blocks of *text* in order, those that are empty left out.

    The language is the first word of the fence; without one, that of a shebang or of the end of
    the block's name.  The name is in the fence (``python x.py``, ``python:x.py``,
    ``python title="x.py"``) or in the first line, as ``# filename: x.py``.

    What needs a decision:

    * Data such as ``json`` or ``text`` is a block only if it has a name; its language is ``file``.
    * The last fence may lack its end, as in a reply that was cut short; without a language it is
      a stray fence, not code.
    * In ``console``, lines after ``$`` are what runs, the others are output and left out; the
      same holds for a shell's block that begins so.
    * Blocks of the same name are several blocks: the later replaces the file of the earlier.
    * Fences in a comment of HTML are not code; those deeper than ten lists are not found, nor
      what comes after them.

    * After 500 marks of fences nothing is looked for: reading takes the square of what a hostile
      text nests, and nobody means to run that much.

    Example:
        >>> blocks_of("Run this:\n```python hello.py\nprint('hello')\n```\n")
        (Block(code="print('hello')\n", language='python', name='hello.py'),)
    """
    if "```" not in text and "~~~" not in text:
        return ()  # as most texts have none, and the parser takes a while to import
    from stateflow.sandbox.fence import fences_of

    found: list[Block] = []
    for fence in fences_of(text):
        block = _block(fence.info, fence.content)
        if block is not None and (fence.closed or block.language):
            found.append(block)
    return tuple(found)


_MARK: Final = re.compile(r"`{3,}|~{3,}")
_MOST_MARKS: Final = 500
_CALLED: Final = {
    "shell": "sh",
    "console": "sh",
    "terminal": "sh",
    "shell-session": "sh",
    "shellsession": "sh",
    "sh-session": "sh",
    "bash-session": "bash",
    "js": "javascript",
    "cjs": "javascript",
    "mjs": "javascript",
    "node": "javascript",
    "nodejs": "javascript",
    "node.js": "javascript",
}
_SHOWN: Final = frozenset(word for word in _CALLED if word.endswith("session")) | {
    "console",
    "terminal",
}
"""What is called so shows commands after a prompt, and their output."""
_DATA: Final = frozenset(
    "cfg conf css csv diff dockerfile dot env file gitignore graphviz htm html http ini json "  # noqa: SIM905 - a word a line would be a page
    "json5 jsonc jsonl latex log makefile markdown md mermaid ndjson none output patch plain "
    "plaintext properties pycon pytb python-console python-repl rst sql stderr stdout svg tex "
    "text toml traceback tree tsv txt xml yaml yml".split()
)
_RUN: Final = frozenset({"python", "sh", "bash", "javascript"})
_LONGEST: Final = 400
"""Longest line or fence that is searched for a name [characters]."""
_FILES: Final = frozenset({"file", "filename", "filepath", "path"})
_TITLES: Final = frozenset({"name", "title"})
"""These may also say something else."""
_ATTRIBUTE: Final = re.compile(r"""([A-Za-z_-]{1,20})=("[^"]*"|'[^']*'|[^\s"',}]+)""")
_FILE: Final = re.compile(r"[^\s:=\"'`{}()<>]*[^\s:=\"'`{}()<>.]\.[A-Za-z][A-Za-z0-9]{0,9}")
_FIRST: Final = re.compile(r"\s{0,8}(?:#|//|--|;|%|/\*|<!--)\s{0,8}filename\s{0,2}:", re.IGNORECASE)
_ENDS: Final = ("-->", "*/")
_HERE: Final = re.compile(r"<<-?\s?[\"']?([A-Za-z_]\w{0,80})")


def _block(info: str, content: str) -> Block | None:
    """Return what a fence holds, ``None`` if that is no block."""
    written, name = _told(info[:_LONGEST])
    language = language_of(written)
    line, first = _first(content)
    name = first or name
    language = language or _by_shebang(content) or language_of(_ending(name))
    if language == "file":
        if not name:
            return None
        content = content.replace(line, "", 1)  # it names the file and is not in it
    elif language in {"sh", "bash"}:
        content = _commands(content, shown=written in _SHOWN)
    return Block(content, language, name) if content.strip() else None


def _told(info: str) -> tuple[str, str]:
    """Return the language and the name that the words after a fence tell."""
    name = ""
    for key, value in _ATTRIBUTE.findall(info):
        file = value.strip("\"'")
        kind = key.lower()
        if kind in _FILES or (kind in _TITLES and _FILE.fullmatch(file)):
            name = file
    words = re.sub(r"[{},]", " ", _ATTRIBUTE.sub(" ", info)).split()
    if not words:
        return "", name
    written, _, rest = words[0].lstrip(".=").partition(":")
    if _FILE.fullmatch(written) and language_of(written) == written.lower():
        return "", name or written
    files = (word.strip("[]()\"'`") for word in (rest, *words[1:]))
    return written.lower(), name or next(filter(_FILE.fullmatch, files), "")


def _first(content: str) -> tuple[str, str]:
    """Return the line that tells the name of the file, and the name; it may follow a shebang."""
    lines = content.split("\n", 2)[:2]
    for line in lines[: 2 if lines[0].startswith("#!") else 1]:
        told = _FIRST.match(line) if len(line) <= _LONGEST else None
        if told is not None:
            name = line[told.end() :].strip()
            for end in _ENDS:
                name = name.removesuffix(end).rstrip()
            return f"{line}\n", name.strip("\"'`")
    return "", ""


def _by_shebang(content: str) -> str:
    line = content.partition("\n")[0][:_LONGEST]
    if not line.startswith("#!"):
        return ""
    words = [word.rpartition("/")[2] for word in line[2:].split() if not word.startswith("-")]
    called = next((word for word in words if word != "env" and "=" not in word), "")
    language = language_of(called)
    return language if language in _RUN else ""


def _ending(name: str) -> str:
    return name.rpartition("/")[2].rpartition(".")[2] if "." in name else ""


def _commands(content: str, *, shown: bool) -> str:
    """Return a shell's *content* without prompts; where it has any, the other lines are output."""
    if not shown and not content.lstrip().startswith("$ "):
        return content
    return "".join(f"{line}\n" for line in _prompted(content))


def _prompted(content: str) -> Iterator[str]:
    goes_on = False
    until = ""  # the word that ends a here-document
    for line in content.split("\n"):
        if until:
            yield line.removeprefix("> ")
            until = "" if line.removeprefix("> ").strip() == until else until
            continue
        command = line.strip()
        if command.startswith("$ "):
            command = command[2:].lstrip()
        elif not goes_on:
            continue
        yield command.removeprefix("> ")
        goes_on = command.endswith("\\")
        here = _HERE.search(command)
        until = here[1] if here else ""
