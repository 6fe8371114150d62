"""What lies beside a cassette is what its hash says, or is refused with the cure."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from stateflow.testing import CassetteError
from stateflow.testing.cassette.beside import FOLDER, Kept, content_beside, put, sweep
from stateflow.testing.cassette.trouble import Wrong


def kept(tmp_path: Path, text: str, ending: str = "json") -> tuple[Kept, str]:
    """Write *text* beside a cassette; return the reader and its name."""
    data = text.encode()
    name = f"{FOLDER}/one-{hashlib.sha256(data).hexdigest()[:16]}.{ending}"
    put(tmp_path / name, data)
    return Kept(tmp_path / "x.yaml"), name


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("{", "is no JSON", id="no-json"),
        pytest.param("[1]", "is no table of a flow", id="a-list"),
        pytest.param('{"places": []}', "is no table of a flow", id="no-initial"),
        pytest.param('{"places": 1, "initial": "a"}', "is no table of a flow", id="places"),
    ],
)
def test_what_is_no_table_is_refused(text: str, sentence: str, tmp_path: Path) -> None:
    reader, name = kept(tmp_path, text)

    with pytest.raises(Wrong, match=sentence):
        reader.table(name)


def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Wrong, match="names nothing beside a cassette"):
        Kept(tmp_path / "x.yaml").text("../secret.txt")


def test_what_is_missing_is_told_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(Wrong, match=r"cannot be read .*restore it from version control"):
        Kept(tmp_path / "x.yaml").text(f"{FOLDER}/text-{'0' * 16}.txt")


def test_a_long_text_with_line_ends_of_windows_is_the_text(tmp_path: Path) -> None:
    reader, name = kept(tmp_path, "a\nb\n", "txt")
    (tmp_path / name).write_bytes(b"a\r\nb\r\n")

    assert reader.text(name) == "a\nb\n"


def test_a_long_text_kept_as_json_is_the_text_that_it_holds(tmp_path: Path) -> None:
    reader, name = kept(tmp_path, json.dumps("a\rb"))

    assert reader.text(name) == "a\rb"


def test_the_content_of_an_attached_file_is_read_by_its_hash(tmp_path: Path) -> None:
    sha256 = hashlib.sha256(b"bill").hexdigest()
    put(tmp_path / FOLDER / sha256, b"bill")

    assert content_beside(tmp_path / "x.yaml", sha256) == b"bill"


@pytest.mark.parametrize(
    ("sha256", "sentence"),
    [
        pytest.param("../../etc/passwd", "is no hash of a file", id="no-hash"),
        pytest.param("0" * 64, "cannot be read", id="missing"),
    ],
)
def test_content_that_is_not_there_is_refused(sha256: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match=sentence):
        content_beside(tmp_path / "x.yaml", sha256)


def test_what_cannot_be_written_is_told_with_the_cure(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file", "utf-8")

    with pytest.raises(CassetteError, match="choose another place for the cassette"):
        put(tmp_path / "taken" / "x.yaml", b"x")


def test_what_another_cassette_names_is_not_swept_away(tmp_path: Path) -> None:
    one, two = f"text-{'1' * 16}.txt", f"text-{'2' * 16}.txt"
    for name in (one, two):
        put(tmp_path / FOLDER / name, b"x")
    (tmp_path / "other.yml").write_text(f"text: {{file: {FOLDER}/{one}}}\n", "utf-8")

    sweep(tmp_path / "x.yaml", {one, two}, set())

    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == [one]
