"""A work folder on disk: what is looked at may be another thing when it is read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stateflow.sandbox.disk import found_in, remove, write


def test_what_was_written_is_found_and_read(tmp_path: Path) -> None:
    write(tmp_path, "a/b.txt", b"one")
    write(tmp_path, "a/b.txt", b"two")

    (found,) = found_in(tmp_path)

    assert (found.name, found.size) == ("a/b.txt", 3)
    assert found.read is not None
    assert found.read() == b"two"


def test_nobody_else_may_read_what_is_written(tmp_path: Path) -> None:
    write(tmp_path, "a/b.txt", b"one")

    assert (tmp_path / "a").stat().st_mode & 0o077 == 0
    assert (tmp_path / "a/b.txt").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("other", ["link", "pipe", "nothing"])
def test_a_file_swapped_since_is_not_read(tmp_path: Path, other: str) -> None:
    root = tmp_path / "work"
    root.mkdir()
    secret = tmp_path / "secret"
    secret.write_text("s")
    write(root, "x", b"1")
    (found,) = found_in(root)
    (root / "x").unlink()
    if other == "link":
        (root / "x").symlink_to(secret)
    if other == "pipe":
        os.mkfifo(root / "x")

    assert found.read is not None
    with pytest.raises(OSError, match="x"):
        found.read()


def test_of_a_file_that_has_grown_no_more_is_read_than_tells_it(tmp_path: Path) -> None:
    write(tmp_path, "x", b"1")
    (found,) = found_in(tmp_path)
    (tmp_path / "x").write_bytes(b"1" * 1_000)

    assert found.read is not None
    assert found.read() == b"11"


def test_what_is_found_comes_in_one_order(tmp_path: Path) -> None:
    for name in ("b", "a", "c/d", "c/a"):
        write(tmp_path, name, b"1")

    assert [one.name for one in found_in(tmp_path)] == ["a", "b", "c/a", "c/d"]


def test_a_folder_that_is_gone_is_told_and_removed_all_the_same(tmp_path: Path) -> None:
    gone = tmp_path / "gone"

    assert [(one.name, one.read) for one in found_in(gone)] == [(".", None)]
    remove(gone)


def test_what_is_no_folder_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")

    remove(tmp_path / "link")

    assert (tmp_path / "real").is_dir()
    assert (tmp_path / "link").is_symlink()


def test_a_link_in_a_folder_is_removed_and_not_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/kept").write_text("x")
    (tmp_path / "work/sub").mkdir(parents=True)
    (tmp_path / "work/sub/link").symlink_to(tmp_path / "real")

    remove(tmp_path / "work")

    assert not (tmp_path / "work").exists()
    assert (tmp_path / "real/kept").read_text() == "x"
