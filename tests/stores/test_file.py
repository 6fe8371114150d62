"""Journals as files of JSON lines."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stateflow.conversation.effect import Key
from stateflow.conversation.file import File
from stateflow.errors import StoreError
from stateflow.journal.event import (
    EVENTS,
    EffectDone,
    Event,
    Journal,
    Recorded,
    RunResumed,
    RunStarted,
)
from stateflow.stores.file import ENVELOPE, dump_lines, read_content, read_file, write_file

START = RunStarted("f", {"initial": "a"}, "0", "été\u2028\n")


def here(run: str) -> Recorded:
    return Recorded(1, 0.5, START, run)


JOURNAL = Journal(
    "r",
    (here("r"), Recorded(2, 1.5, RunResumed(), "r"), Recorded(3, 2.5, RunResumed(), "r")),
    {
        "a#1.0": Journal(
            "r/a#1.0",
            (here("r/a#1.0"),),
            {"b#1.0": Journal("r/a#1.0/b#1.0", (here("r/a#1.0/b#1.0"),))},
        )
    },
)


def _events() -> st.SearchStrategy[list[Event]]:
    keys = st.text(st.characters(codec="utf-8"), max_size=20)
    begun = st.builds(RunStarted, keys, st.dictionaries(keys, keys), keys, keys)
    resumed = st.builds(RunResumed, st.none() | st.dictionaries(keys, st.integers()), keys)
    return st.lists(begun | resumed, min_size=1, max_size=5)


@given(_events())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_what_was_written_is_read_back(tmp_path: Path, events: list[Event]) -> None:
    """Whatever its texts hold."""
    placed = [
        tuple(Recorded(n, n / 3, event, run) for n, event in enumerate(events, 1))
        for run in ("r", "r/a#1.0")
    ]
    journal = Journal("r", placed[0], {"a#1.0": Journal("r/a#1.0", placed[1])})
    write_file(journal, tmp_path / "x.jsonl")
    assert read_file(tmp_path / "x.jsonl") == journal


def test_nested_journals_follow_their_parent(tmp_path: Path) -> None:
    """The first line names the run; no field of an event is hidden by the line's own."""
    lines = [json.loads(line) for line in dump_lines(JOURNAL)]
    assert [line["run"] for line in lines] == ["", "", "", "a#1.0", "a#1.0/b#1.0"]
    assert [line.get("id") for line in lines] == ["r", None, None, None, None]
    write_file(JOURNAL, tmp_path / "new" / "x.jsonl")
    assert read_file(tmp_path / "new" / "x.jsonl") == JOURNAL
    for kind in EVENTS.values():
        assert not {field.name for field in fields(kind)} & set(ENVELOPE)


L = [line.encode() for line in dump_lines(JOURNAL)]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([], "is empty"),
        (
            [*L[:4], L[4][:-9]],
            "line 5 .* is torn.*the 4 whole lines before it are unharmed",
        ),
        ([L[0][:-9]], "line 1 .* is torn.*nothing"),
        ([L[0], L[1][:-3], b""], "line 2 .* is broken"),
        ([L[0], b"[]", b""], "line 2 .* not an object"),
        ([L[0], b"{}", b""], "line 2 .* lacks one of"),
        ([*L[1:], b""], "line 1 .* names no run"),
        ([L[0], L[2], b""], "line 2 .* out of order: event 3"),
        ([*L[:3], L[4], b""], "line 4 .* out of order: 'a#1.0/b#1.0' comes before"),
        ([L[0], b"\xff", b""], "line 2 .* is not UTF-8"),
        ([L[0], L[1].replace(b"RunResumed", b"Sung"), b""], "line 2 .* unknown event"),
        ([L[0][:-1] + b',"version":9}', b""], "line 1 .* schema version 9.*Upgrade"),
        ([L[0].replace(b'"table":{', b'"table":3,"x":{'), b""], "line 1 .* broken RunStarted"),
    ],
)
def test_a_bad_file_is_told_in_one_sentence(
    tmp_path: Path, lines: list[bytes], sentence: str
) -> None:
    """With the line, and what to do."""
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(StoreError, match=sentence):
        read_file(path)


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    """They cannot be read, nor a folder written over."""
    with pytest.raises(StoreError, match="there is no journal"):
        read_file(tmp_path / "x.jsonl")
    with pytest.raises(StoreError, match="cannot be read"):
        read_file(tmp_path)


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    """Neither a half file nor a temporary one."""
    (tmp_path / "x").mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        write_file(JOURNAL, tmp_path / "x")
    (tmp_path / "y").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        write_file(JOURNAL, tmp_path / "y" / "z.jsonl")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x", "y"]


def test_a_last_line_without_its_line_end_is_whole(tmp_path: Path) -> None:
    """Editors drop it."""
    (tmp_path / "x.jsonl").write_text("\n".join(dump_lines(JOURNAL)), encoding="utf-8")
    assert read_file(tmp_path / "x.jsonl") == JOURNAL


HELLO = File.from_bytes(b"hello", name="hello.txt")
OTHER = File.from_bytes(b"other")
SHOWN = Journal(
    "r",
    (
        here("r"),
        Recorded(
            2, 1.5, EffectDone(Key("a", 1, 0), "agent.reply", {"files": [HELLO.to_json()]}), "r"
        ),
    ),
)


def test_content_lies_beside_the_lines_and_only_what_they_name(tmp_path: Path) -> None:
    """The lines themselves hold none of it."""
    path = tmp_path / "new" / "x.jsonl"

    write_file(SHOWN, path, {HELLO.sha256: b"hello", OTHER.sha256: b"other"})

    assert [p.name for p in (tmp_path / "new" / "x.jsonl.files").iterdir()] == [HELLO.sha256]
    assert read_content(path, HELLO.sha256) == b"hello"
    assert read_file(path) == SHOWN
    assert b"aGVsbG8" not in path.read_bytes()


def test_without_content_the_lines_stand_alone(tmp_path: Path) -> None:
    """No folder is made, and what is missing is told when it is asked for."""
    write_file(SHOWN, tmp_path / "x.jsonl")

    assert [p.name for p in tmp_path.iterdir()] == ["x.jsonl"]
    with pytest.raises(StoreError, match=rf"{HELLO.sha256}.* is not in '.*x\.jsonl\.files'"):
        read_content(tmp_path / "x.jsonl", HELLO.sha256)


def test_content_with_another_hash_is_not_written(tmp_path: Path) -> None:
    """Nor is the journal that names it."""
    with pytest.raises(StoreError, match="it was changed"):
        write_file(SHOWN, tmp_path / "x.jsonl", {HELLO.sha256: b"hell0"})
    assert list(tmp_path.iterdir()) == []


def test_content_that_was_changed_on_disk_is_told(tmp_path: Path) -> None:
    """Or that cannot be read at all."""
    path, place = tmp_path / "x.jsonl", tmp_path / "x.jsonl.files" / HELLO.sha256
    write_file(SHOWN, path, {HELLO.sha256: b"hello"})
    place.write_bytes(b"hell0")
    with pytest.raises(StoreError, match="it was changed"):
        read_content(path, HELLO.sha256)
    place.unlink()
    place.mkdir()
    with pytest.raises(StoreError, match="cannot be read"):
        read_content(path, HELLO.sha256)


@pytest.mark.parametrize("name", ["", "../x.jsonl", "/etc/hostname", HELLO.sha256.upper()])
def test_only_a_hash_is_looked_for(tmp_path: Path, name: str) -> None:
    """A journal from elsewhere may name anything."""
    write_file(SHOWN, tmp_path / "x.jsonl", {HELLO.sha256: b"hello"})

    with pytest.raises(StoreError, match="is not in"):
        read_content(tmp_path / "x.jsonl", name)
