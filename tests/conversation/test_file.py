"""Files of messages: what they are, told by their content."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stateflow.conversation.file import LARGEST, File
from stateflow.errors import DefinitionError

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
OFFICE = "application/vnd.openxmlformats-officedocument"


@pytest.mark.parametrize(
    ("content", "name", "media_type"),
    [
        pytest.param(PNG, "", "image/png", id="png"),
        pytest.param(b"\xff\xd8\xff\xe0\0\x10JFIF", "", "image/jpeg", id="jpeg"),
        pytest.param(b"GIF89a\1", "", "image/gif", id="gif"),
        pytest.param(b"RIFF\n\0\0\0WEBPVP8 ", "", "image/webp", id="webp"),
        pytest.param(b"%PDF-1.7\n", "", "application/pdf", id="pdf"),
        pytest.param(PNG, "photo.jpg", "image/png", id="a-name-that-lies"),
        pytest.param(b"RIFF\n\0\0\0WAVEfmt ", "", "application/octet-stream", id="another-riff"),
        pytest.param(b"a,b\n", "table.csv", "text/csv", id="by-name"),
        pytest.param(b"# Plan", "Plan.MD", "text/markdown", id="by-name-in-capitals"),
        pytest.param(b"PK", "a.docx", f"{OFFICE}.wordprocessingml.document", id="office"),
        pytest.param(b"\x1f\x8b", "table.csv.gz", "application/octet-stream", id="packed"),
        pytest.param(b"what", "", "application/octet-stream", id="unknown"),
        pytest.param(b"what", "a.unheard", "application/octet-stream", id="unknown-name"),
    ],
)
def test_the_media_type_follows_from_the_content_then_the_name(
    content: bytes, name: str, media_type: str
) -> None:
    assert File.from_bytes(content, name=name).media_type == media_type


def test_a_media_type_that_is_given_is_taken() -> None:
    assert File.from_bytes(PNG, media_type="text/plain").media_type == "text/plain"


def test_a_file_is_known_by_its_content() -> None:
    file = File.from_bytes(PNG, name="dot.png")

    assert (file.sha256, file.size) == (hashlib.sha256(PNG).hexdigest(), len(PNG))
    assert file.content == PNG


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(b"", "file 'a.txt' is empty", id="empty"),
        pytest.param(bytes(LARGEST + 1), "file 'a.txt' is larger than 20 MB", id="too-large"),
    ],
)
def test_a_file_that_no_model_takes_is_refused(content: bytes, sentence: str) -> None:
    with pytest.raises(DefinitionError, match=sentence):
        File.from_bytes(content, name="a.txt")


def test_the_largest_file_is_taken() -> None:
    assert File.from_bytes(bytes(LARGEST)).size == LARGEST


def test_at_rest_a_file_is_the_same_without_its_content() -> None:
    file = File.from_bytes(PNG)
    resting = file.at_rest

    assert resting == file
    assert resting.content is None
    assert resting.at_rest is resting


def test_nothing_shows_the_content() -> None:
    file = File.from_bytes(b"a secret plan", name="plan.txt")

    assert "secret" not in repr(file)
    assert "secret" not in json.dumps(file.to_json())


@given(st.binary(min_size=1, max_size=20), st.text())
def test_a_file_is_the_same_after_json(content: bytes, name: str) -> None:
    """Whatever its name holds: half a surrogate pair, which no file can store, is left out."""
    file = File.from_bytes(content, name=name)
    written = json.dumps(file.to_json(), ensure_ascii=False).encode()

    assert File.from_json(json.loads(written)) == file
    assert File.from_json(json.loads(written)).content is None
