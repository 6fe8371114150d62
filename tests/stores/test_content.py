"""Content of files: read from disk, found in a journal, held against its hash."""

from __future__ import annotations

from pathlib import Path

import pytest

from stateflow.conversation.effect import Key
from stateflow.conversation.file import LARGEST, File
from stateflow.conversation.message import Message, message_json
from stateflow.errors import DefinitionError, StoreError
from stateflow.journal.event import (
    EffectDone,
    Event,
    Journal,
    Recorded,
    RunPaused,
    RunStarted,
    Said,
    TurnTaken,
)
from stateflow.journal.stop import Stop
from stateflow.stores.content import attach, check_content, files_of, lacks

A, B, C, D = (File.from_bytes(name.encode(), name=f"{name}.txt").at_rest for name in "abcd")


def test_an_attached_file_holds_what_lies_at_the_path(tmp_path: Path) -> None:
    (tmp_path / "bill.pdf").write_bytes(b"%PDF-1.7")

    file = attach(str(tmp_path / "bill.pdf"))

    assert (file.name, file.media_type, file.content) == (
        "bill.pdf",
        "application/pdf",
        b"%PDF-1.7",
    )


def test_the_media_type_of_an_attached_file_can_be_given(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("hi")

    assert attach(tmp_path / "notes", media_type="text/plain").media_type == "text/plain"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        pytest.param(
            "nothing.png", "'.*nothing.png' cannot be attached: it is not there", id="none"
        ),
        pytest.param(".", "cannot be attached: it is no file", id="folder"),
        pytest.param("empty.png", "file 'empty.png' is empty", id="empty"),
        pytest.param("large.png", "file 'large.png' is larger than 20 MB", id="large"),
        pytest.param("x" * 300, "cannot be attached .*; check the path", id="unreadable"),
    ],
)
def test_what_cannot_be_attached_is_told_in_one_sentence(
    tmp_path: Path, name: str, sentence: str
) -> None:
    (tmp_path / "empty.png").touch()
    with (tmp_path / "large.png").open("wb") as large:
        large.truncate(50 * LARGEST)  # of which no more is read than tells that it is too much

    with pytest.raises(DefinitionError, match=sentence):
        attach(tmp_path / name)


def test_content_is_held_against_its_hash() -> None:
    check_content(A.sha256, b"a")
    with pytest.raises(StoreError, match=f"kept as file '{A.sha256}'.*attach it anew"):
        check_content(A.sha256, b"b")


def test_what_is_lacking_is_told_with_its_place() -> None:
    assert f"file {A.sha256!r} is not in 'runs.db'; use" in str(lacks(A.sha256, "'runs.db'"))


def journal(*events: Event, **children: Journal) -> Journal:
    placed = tuple(Recorded(seq, 0.5, event) for seq, event in enumerate(events, 1))
    return Journal("r", placed, children)


def test_files_are_found_wherever_a_journal_names_them() -> None:
    """In a result, in a turn, in a turn that was not taken, in a nested run."""
    result = EffectDone(Key("a", 1, 0), "agent.reply", message_json(Message("see", files=(A,))))
    taken = TurnTaken("a", 1, (Said("a", 0), Said("b", None, {"text": "", "files": [B.to_json()]})))
    open_turn = TurnTaken("a", 2, (Said("a", None, {"text": "", "files": [C.to_json()]}),))
    paused = RunPaused(Stop("stuck", "a", ""), open_turn)
    child = journal(EffectDone(Key("b", 1, 0), "tool.call", {"files": [D.to_json()]}))

    found = files_of(journal(RunStarted("f", {}, "0"), result, taken, paused, x=child))

    assert found == {file.sha256: file for file in (A, B, C, D)}


def test_one_content_with_two_names_is_one_file() -> None:
    """The first name is told, the root run's before a nested one's."""
    named, renamed = (
        EffectDone(Key("a", 1, 0), "tool.call", {"files": [{**A.to_json(), "name": name}]})
        for name in ("one.txt", "two.txt")
    )

    found = files_of(journal(named, renamed, x=journal(renamed)))

    assert [file.name for file in found.values()] == ["one.txt"]


@pytest.mark.parametrize("result", [None, "files", ["files"], {"text": "hi"}])
def test_a_result_without_files_names_none(result: str | list[str] | dict[str, str] | None) -> None:
    assert files_of(journal(EffectDone(Key("a", 1, 0), "agent.reply", result))) == {}
