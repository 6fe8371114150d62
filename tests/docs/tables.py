"""Tables of the pages in ``docs/``, and the tests that they name as proof."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

__all__ = ["ROOT", "Page", "missing", "named_in", "words"]

ROOT = Path(__file__).parents[2]


class Page:
    """One page.

    Args:
        path: below the root of the project.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.text = (ROOT / path).read_text(encoding="utf-8")

    def table(self, title: str) -> list[list[str]]:
        """Return the rows of the table under the heading *title*, its head first."""
        parts = re.split(r"^#+ (.+)\n", self.text, flags=re.MULTILINE)
        lines = re.findall(r"^\|(.*)\|$", parts[parts.index(title) + 1], re.MULTILINE)
        rows = [[cell.strip() for cell in line.split("|")] for line in lines]
        return [row for row in rows if set(row[0]) != {"-"}]

    def cells(self, title: str) -> dict[tuple[str, str], str]:
        """Return what the table under *title* says, by row and column."""
        (_, *columns), *rows = self.table(title)
        return {
            (row, column): cell
            for row, *cells in rows
            for column, cell in zip(columns, cells, strict=True)
        }

    def proofs(self, title: str) -> Iterator[tuple[str, str, str]]:
        """Yield what is proven, for whom, and by which test, from the table under *title*.

        A row may tell several for whom it holds, and several tests.
        """
        for what, whose, tests in self.table(title)[1:]:
            for who in whose.split(", "):
                for test in re.findall("`([^`]+)`", tests):
                    yield what, who, test


@cache
def named_in(path: str) -> dict[str, set[str]]:
    """Return the tests of a file, each with the names and texts that stand in its decorators.

    One in a class goes by ``Class::test``.
    """
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {
        name: {word for decorator in one.decorator_list for word in words(decorator)}
        for name, one in _functions(tree.body, "")
    }


def words(code: ast.AST) -> Iterator[str]:
    """Yield the names and texts in *code*."""
    for node in ast.walk(code):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def missing(test: str) -> str:
    """Return what is wrong with *test*, ``path::name`` or ``path::name[case]``; ``""``: it exists.

    A case is one of the texts that the test is made with, by itself or in a table that it names.
    """
    path, _, name = test.partition("::")
    name, _, case = name.removesuffix("]").partition("[")
    if not (ROOT / path).is_file():
        return f"there is no file {path}"
    if name not in named_in(path) or not name.rpartition("::")[2].startswith("test_"):
        return f"there is no test {name} in {path}"
    if case and case not in _cases(path, name):
        return f"{name} in {path} has no case {case}"
    return ""


def _cases(path: str, name: str) -> set[str]:
    """Return the texts that test *name* is made with."""
    made_with = set(named_in(path)[name])
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    for one in tree.body:
        if isinstance(one, ast.Assign) and made_with & set(words(_targets(one))):
            made_with |= set(words(one.value))
    return made_with


def _targets(one: ast.Assign) -> ast.Tuple:
    return ast.Tuple(elts=one.targets)


def _functions(
    body: list[ast.stmt], within: str
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for one in body:
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{within}{one.name}", one
        elif isinstance(one, ast.ClassDef):
            yield from _functions(one.body, f"{within}{one.name}::")
