"""Output of a stream: head and tail within a limit, whatever is written."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stateflow.sandbox.output import Output
from stateflow.value import plain


def _output(limit: int, *pieces: bytes) -> Output:
    output = Output(limit)
    for piece in pieces:
        output.write(piece)
    return output


@pytest.mark.parametrize(
    ("limit", "written", "text"),
    [
        pytest.param(8, b"", "", id="nothing"),
        pytest.param(8, b"12345678", "12345678", id="as much as is kept"),
        pytest.param(8, b"123456789", "1234\n[... 1 bytes left out ...]\n6789", id="one byte more"),
        pytest.param(7, b"123456789", "123\n[... 2 bytes left out ...]\n6789", id="an odd limit"),
        pytest.param(1, b"12", "\n[... 1 bytes left out ...]\n2", id="a limit of one byte"),
        pytest.param(
            8, "abcé+++êxyz".encode(), "abc\n[... 7 bytes left out ...]\nxyz", id="characters cut"
        ),
        pytest.param(
            8, "ab🙂++🙂z".encode(), "ab\n[... 10 bytes left out ...]\nz", id="both halves cut"
        ),
        pytest.param(8, b"a\xff\x00\x1b[1m", "a\ufffd[1m", id="binary and an escape"),
        pytest.param(32, b"1%\r2%\r\n3%\r", "1%\n2%\n3%\n", id="a progress bar"),
        pytest.param(8, "né".encode()[:2], "n\ufffd", id="it ends inside a character"),
    ],
)
def test_head_and_tail_are_kept_and_no_character_is_torn(
    limit: int, written: bytes, text: str
) -> None:
    assert _output(limit, written).text == text


def test_a_character_may_come_in_pieces() -> None:
    assert _output(100, b"\xf0\x9f", b"\x99", b"\x82").text == "🙂"


def test_a_hundred_megabytes_take_no_more_memory_than_the_limit() -> None:
    limit, piece = 65_536, b"x" * 65_536
    output = Output(limit)
    tracemalloc.start()
    try:
        for _ in range(1_525):
            output.write(piece)
        output.write(piece[: 100_000_000 - output.written])
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert output.written == 100_000_000
    assert "\n[... 99,934,464 bytes left out ...]\n" in output.text
    assert most < 6 * limit


def test_one_large_piece_is_cut_as_many_small_ones_are() -> None:
    data = bytes(range(256)) * 50

    whole = _output(1_000, data)
    pieces = _output(1_000, *(data[at : at + 7] for at in range(0, len(data), 7)))

    assert whole.text == pieces.text


@given(st.lists(st.binary(max_size=40), max_size=10), st.integers(1, 64))
def test_whatever_is_written_can_be_shown_and_keeps_to_its_limit(
    pieces: list[bytes], limit: int
) -> None:
    output = _output(limit, *pieces)

    head, cut, tail = output.text.partition("\n[... ")
    tail = tail.partition(" bytes left out ...]\n")[2]
    assert output.written == sum(map(len, pieces))
    assert bool(cut) == (output.written > limit)
    assert len(head) + len(tail) <= limit
    assert plain(output.text) == output.text
