"""Files of a work folder: safe names, and which of them a block made."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stateflow.conversation.file import LARGEST
from stateflow.sandbox.blocks import Block
from stateflow.sandbox.files import CODE_FILES, Folder, Found, code_name, inside


def _found(contents: Mapping[str, bytes]) -> list[Found]:
    return [
        Found(name, len(content), partial(bytes, content)) for name, content in contents.items()
    ]


def _never() -> bytes:
    raise AssertionError("it was read")


def _folder(limit: int = 5, limit_bytes: int = 100) -> Folder:
    return Folder(limit=limit, limit_bytes=limit_bytes)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("x.py", "x.py"),
        ("./data//./a b.csv", "data/a b.csv"),
        (".hidden", ".hidden"),
        ("x..py", "x..py"),
        ("…/日本.txt", "…/日本.txt"),
        ("a" * 200, "a" * 200),
    ],
)
def test_a_name_below_the_folder_is_made_plain(name: str, path: str) -> None:
    assert inside(name) == path


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "./", "..", "../x", "../../x", "a/../../x", "a/../x", "a/..", "/etc/passwd"),
        *("//x", "a/", "a/.", "C:x", "c:/x", "C:\\x", "a\\b", "..\\x", "a\nb", "a\0b", "a\x1b[1m"),
        *("a\udcffb", "a\u202eb", "a" * 201, "é" * 101),
    ],
)
def test_a_name_that_leads_out_or_hides_something_is_refused(name: str) -> None:
    assert inside(name) is None


@given(st.text(st.sampled_from("./\\:a\0\n é"), max_size=12) | st.text())
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    path = inside(name)

    assert path is None or (
        Path("/work", path).resolve().is_relative_to("/work/")
        and path == inside(path)
        and Path("/work", path) != Path("/work")
    )


@pytest.mark.parametrize(
    ("block", "name"),
    [
        (Block("1", "python"), ".block.py"),
        (Block("1", "sh"), ".block.sh"),
        (Block("1", "bash"), ".block.sh"),
        (Block("1", "javascript"), ".block.js"),
        (Block("1", "rust"), ".block"),
        (Block("1", "python", "./lib/x.py"), "lib/x.py"),
        (Block("1", "file", "../x.csv"), ""),
    ],
)
def test_each_block_is_written_to_one_file(block: Block, name: str) -> None:
    assert code_name(block) == name


def test_files_that_are_new_are_made_and_come_by_name() -> None:
    files, left_out = _folder().made(_found({"b/x.txt": b"two", "a.png": b"\x89PNG\r\n\x1a\n"}))

    assert [(file.name, file.media_type, file.content) for file in files] == [
        ("a.png", "image/png", b"\x89PNG\r\n\x1a\n"),
        ("b/x.txt", "text/plain", b"two"),
    ]
    assert left_out == ""


def test_only_what_changed_is_made_again() -> None:
    folder = _folder()
    folder.note("./data.csv", b"1,2")

    steps = [
        {"data.csv": b"1,2", "a": b"A"},  # as it was put in
        {"data.csv": b"1,3", "a": b"A"},  # changed, of the same size
        {"a": b"A"},  # one is gone
        {"data.csv": b"1,3", "a": b"B"},  # and comes back as it was
        {"data.csv": b"1,2", "a": b"A"},  # as both were before
    ]
    made = [[file.name for file in folder.made(_found(step))[0]] for step in steps]

    assert made == [["a"], ["data.csv"], [], ["a"], ["a", "data.csv"]]


def test_what_runs_the_block_is_no_file_that_it_made() -> None:
    names = [*CODE_FILES.values(), ".block", "__pycache__/x.cpython-311.pyc", "a/__pycache__/y"]

    assert _folder().made([Found(name, 3, _never) for name in names]) == ((), "")


@pytest.mark.parametrize(
    ("found", "told"),
    [
        pytest.param(Found("a", 0, bytes), "'a' (empty)", id="empty"),
        pytest.param(Found("a", 3, bytes), "'a' (empty)", id="empty by now"),
        pytest.param(Found("a", 9, None), "'a' (a link or a device)", id="link"),
        pytest.param(Found("../x", 9, _never), "'../x' (its name is not safe)", id="outside"),
        pytest.param(Found("a\n\x1b[31mb", 9, _never), r"'a\n[31mb' (its name is not", id="escape"),
        pytest.param(Found("n" * 300, 9, _never), f"'{'n' * 60}...' (its name", id="long name"),
        pytest.param(Found("a", 101, _never), "'a' (101 bytes, more than 100)", id="large"),
        pytest.param(Found("a", 9, lambda: b"x" * 101), "'a' (101 bytes, more than", id="grown"),
        pytest.param(
            Found("a", 9, lambda: Path("/dev/null/x").read_bytes()),
            "'a' (it cannot be read)",
            id="unreadable",
        ),
    ],
)
def test_what_cannot_be_kept_is_told_once(found: Found, told: str) -> None:
    folder = _folder()

    files, left_out = folder.made([found])

    assert files == ()
    assert left_out.startswith(f"Files left out: {told}")
    assert left_out.endswith(").")
    assert folder.made([found]) == ((), "")


def test_no_file_is_larger_than_a_message_may_hold() -> None:
    folder = _folder(limit_bytes=10 * LARGEST)

    files, left_out = folder.made([Found("a", LARGEST + 1, _never)])

    assert (files, left_out) == (
        (),
        "Files left out: 'a' (20,000,001 bytes, more than 20,000,000).",
    )


def test_too_many_files_are_kept_with_the_next_block() -> None:
    folder = _folder(limit=2)
    there = _found({name: name.encode() for name in "abc"})

    first, left_out = folder.made(there)
    second, nothing = folder.made(there)

    assert [file.name for file in first] == ["a", "b"]
    assert left_out == "Files left out: 'c' (more than 2 files or 100 bytes together)."
    assert [file.name for file in second] == ["c"]
    assert nothing == ""


def test_files_that_are_too_large_together_are_not_read() -> None:
    folder = _folder()
    there = [*_found({"a": b"x" * 60, "c": b"y" * 40}), Found("b", 41, _never)]

    files, left_out = folder.made(there)

    assert [file.name for file in files] == ["a", "c"]
    assert left_out.startswith("Files left out: 'b' (more than")


def test_a_changed_file_that_no_longer_fits_is_left_out_and_comes_later() -> None:
    folder = _folder()
    folder.note("b", b"old")
    there = _found({"a": b"x" * 60, "b": b"y" * 60})

    first, left_out = folder.made(there)
    second, _ = folder.made(there)

    assert [file.name for file in first] == ["a"]
    assert "'b' (more than" in left_out
    assert [file.name for file in second] == ["b"]


def test_many_files_left_out_are_counted() -> None:
    _, left_out = _folder().made(Found(f"{n:03}", 0, bytes) for n in range(500))

    assert left_out.endswith("'009' (empty), and 490 more.")
    assert len(left_out) < 300


def test_an_empty_file_that_was_put_in_is_not_told() -> None:
    folder = _folder()
    folder.note("empty", b"")

    assert folder.made([Found("empty", 0, bytes)]) == ((), "")
