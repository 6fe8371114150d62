"""The match: the rules, the order of speakers, an illegal move, and a win."""

from __future__ import annotations

import pytest

from flows import chess_match
from flows.chess_match import Match, is_won, legal_moves, pawns
from stateflow import Runner, replay, run_sync
from stateflow.journal.event import Journal
from stateflow.journal.fold import fold
from stateflow.machine.check.check import check
from tests.support.six_ways import same_again

PLAIN = ["Board", "{0}", "Board", "{0}", "Board", "{0}"]
"""Who speaks in a nested chat: the board, a question, its answer, a move, its answer, a word."""


def heard(journal: Journal, place: str) -> list[tuple[str, str]]:
    """Return what was said in the nested chat at *place*."""
    said = fold(journal.children[place].events).transcript
    return [(message.speaker, message.text) for message in said[1:]]


def test_the_match_has_the_recorded_order_of_speakers() -> None:
    """White, Black, White, Black; within each move the board and the player in turn."""
    result = run_sync(chess_match.flow, chess_match.task)

    assert [message.speaker for message in result.messages] == [
        "user",
        *["White", "Black"] * 2,
    ]
    assert result.journal is not None
    for place, side in (("black#1.0", "Black"), ("white#2.0", "White"), ("black#2.0", "Black")):
        speakers = [speaker for speaker, _ in heard(result.journal, place)]
        assert speakers == [one.format(side) for one in PLAIN]
    assert isinstance(result.data, Match)
    assert result.data.moves == ["a1a2", "b3a2", "b1a2", "c3c2"]
    assert (result.stop.kind, result.stop.state) == ("final", "won")
    assert is_won(result.data.moves)
    assert not any(is_won(result.data.moves[:end]) for end in range(4))
    assert result.messages[-1].text.endswith("That was the game.")
    same_again(chess_match.flow, result)


def test_an_illegal_move_goes_back_to_its_player_and_nobody_else_hears_of_it() -> None:
    result = run_sync(chess_match.flow, chess_match.task)

    assert result.journal is not None
    assert heard(result.journal, "white#1.0")[1:] == [
        ("White", "make_move a1a3"),
        ("Board", "illegal uci: a1a3"),
        ("White", "get_legal_moves"),
        ("Board", "Legal moves: a1a2,b1b2,c1c2"),
        ("White", "make_move a1a2"),
        ("Board", "Moved a pawn from a1 to a2."),
        ("White", "Moved a pawn from a1 to a2. Your move."),
    ]
    assert not any("illegal" in message.text for message in result.messages)


def test_a_match_has_so_many_rounds_at_most() -> None:
    result = run_sync(chess_match.match("short", rounds=1), chess_match.task)

    assert result.path == ("white", "black")
    assert isinstance(result.data, Match)
    assert (result.stop.kind, result.data.over) == ("done", False)


async def test_a_match_that_was_stopped_goes_on_with_the_board_it_had() -> None:
    async with Runner() as runner:
        whole = await runner.start(chess_match.flow, chess_match.task)
        live = runner.start(chess_match.flow, chess_match.task)
        live.pause()
        paused = await live
        done = await runner.resume(chess_match.flow, live.run)

    assert paused.stop.kind == "paused"
    assert done.data == whole.data


@pytest.mark.parametrize(
    ("moves", "legal"),
    [
        pytest.param([], ["a1a2", "b1b2", "c1c2"], id="begin"),
        pytest.param(["a1a2"], ["b3a2", "b3b2", "c3c2"], id="captures-first"),
        pytest.param(["b1b2"], ["a3b2", "c3b2", "a3a2", "c3c2"], id="two-captures"),
        pytest.param(["a1a2", "b3b2"], ["c1b2", "c1c2"], id="one-capture"),
    ],
)
def test_pawns_go_ahead_and_capture_aside(moves: list[str], legal: list[str]) -> None:
    assert legal_moves(moves) == legal


@pytest.mark.parametrize(
    ("moves", "won"),
    [
        pytest.param([], False, id="begin"),
        pytest.param(["a1a2", "b3b2", "a2b3"], True, id="across"),
        pytest.param(["a1a2", "b3a2", "b1a2", "c3c2"], True, id="no-move-left"),
        pytest.param(["b1b2", "a3b2", "c1b2"], False, id="goes-on"),
    ],
)
def test_a_match_is_won_across_the_board_or_by_leaving_no_move(moves: list[str], won: bool) -> None:
    assert is_won(moves) is won


def test_a_captured_pawn_is_gone() -> None:
    assert list(pawns(["b1b2", "a3b2"]).values()).count("White") == 2


def test_nothing_is_wrong_with_it() -> None:
    assert [one for one in check(chess_match.flow) if one.severity == "error"] == []


def test_a_replay_needs_no_board() -> None:
    result = run_sync(chess_match.flow, chess_match.task)

    assert result.journal is not None
    assert replay(chess_match.flow, result.journal).data == result.data
