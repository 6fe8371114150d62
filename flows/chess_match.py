"""Two players move pawns in turn, and each asks the board before the other sees the move.

A move is a chat of its own, nested in the match: the board and one player talk until the board
has taken a legal move; what is illegal, such as White's hasty first one, goes back to the player,
and the opponent hears of none of it but the player's last words.  Nobody keeps the board: it
follows from the moves, which are the match's data, so a match goes on after any crash where it was.

The game is hexapawn, chess with three pawns a side on three by three squares: its rules fit on a
page, and need no other package.  Whoever gets a pawn across wins, and whoever leaves the other
without a move.  The players go by a rule of thumb; an ``Assistant`` told of the board's two
commands would fit in their place.

Source: chess between two agents, each with a nested chat with a board proxy, in AutoGen's
notebook on nested chats for tool use.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel

from stateflow import (
    Final,
    Flow,
    FunctionAgent,
    Given,
    Message,
    Nested,
    State,
    View,
    data_is,
    ended,
    replied,
    to,
    visited,
)

task = "Play hexapawn; White begins."

HOME = {"White": 1, "Black": 3}
"""In which row each side begins."""
SQUARES = tuple(f"{column}{row}" for column in "abc" for row in (1, 2, 3))
LEGAL, MOVE = "get_legal_moves", "make_move "


class Taken(BaseModel):
    """A move that the board has taken."""

    moved: str
    won: bool


class Match(BaseModel):
    """All there is to know of a match."""

    moves: list[str] = []
    """From square to square, as ``a1a2``; White's first."""
    over: bool = False


def pawns(moves: Sequence[str]) -> dict[str, str]:
    """Return whose pawn stands on which square."""
    board = {f"{column}{row}": side for side, row in HOME.items() for column in "abc"}
    for move in moves:
        board[move[2:]] = board.pop(move[:2])
    return board


def legal_moves(moves: Sequence[str]) -> list[str]:
    """Return what may be moved now, captures first."""
    board, white = pawns(moves), len(moves) % 2 == 0
    mine, step = ("White", 1) if white else ("Black", -1)
    captures: list[str] = []
    ahead: list[str] = []
    for square in (one for one in SQUARES if board.get(one) == mine):
        for column in "abc":
            target = f"{column}{int(square[1]) + step}"
            aside = abs(ord(column) - ord(square[0]))
            if aside == 1 and target in board and board[target] != mine:
                captures.append(square + target)
            if aside == 0 and target in SQUARES and target not in board:
                ahead.append(square + target)
    return captures + ahead


def is_won(moves: Sequence[str]) -> bool:
    """Tell whether the last move has won."""
    return bool(moves) and (moves[-1][3] == "13"[len(moves) % 2] or not legal_moves(moves))


def answer(view: View) -> Message:
    """Say, as the board, whose turn it is, what is legal, or what came of a move."""
    moves: list[str] = view.data.moves
    said = view.last.text
    if view.last.speaker not in HOME:
        return Message(f"Your turn. Say {LEGAL}, or {MOVE}with two squares, such as a1a2.")
    if said == LEGAL:
        return Message(f"Legal moves: {','.join(legal_moves(moves))}")
    move = said.removeprefix(MOVE)
    if not said.startswith(MOVE) or move not in legal_moves(moves):
        return Message(f"illegal uci: {move}")
    taken = Taken(moved=move, won=is_won([*moves, move]))
    return Message(f"Moved a pawn from {move[:2]} to {move[2:]}.", reply=taken.model_dump())


def note(view: View) -> dict[str, object]:
    """Add the move that the board has taken to the data."""
    taken = Taken.model_validate(view.last.reply)
    return {"moves": [*view.data.moves, taken.moved], "over": taken.won}


def play(view: View) -> str:
    """Move by a rule of thumb: capture where that is possible; White's first thought is hasty."""
    said, moves = view.last.text, view.data.moves
    if said.startswith("Moved"):
        return f"{said} {'That was the game.' if view.data.over else 'Your move.'}"
    if said.startswith("Legal moves: "):
        return MOVE + said.removeprefix("Legal moves: ").split(",")[0]
    return f"{MOVE}a1a3" if not moves and said.startswith("Your turn") else LEGAL


def position(view: View) -> Given:
    """Tell a nested chat what was said last, and the moves so far."""
    return Given(view.last.text, data={"moves": view.data.moves})


board = FunctionAgent("Board", answer)


def turn(side: str) -> Flow:
    """Return the chat in which *side* comes to a legal move."""
    player = FunctionAgent(side, play)
    return Flow(
        side,
        State("board", board, to("tell", when=replied("moved"), do=note), to("player")),
        State("player", player, to("board")),
        State("tell", player, to("won", when=data_is("over")), to(None)),
        Final("won"),
        data=Match,
    )


def match(name: str, rounds: int) -> Flow:
    """Return the match of so many *rounds* at most, two moves each."""
    fields = {"moves": "moves", "over": "over"}
    won = to("won", when=ended("won"))
    last = to(None, when=visited("black", at_least=rounds))
    return Flow(
        name,
        Nested("white", turn("White"), won, to("black"), input=position, output=fields),
        Nested("black", turn("Black"), won, last, to("white"), input=position, output=fields),
        Final("won"),
        data=Match,
        accept={"SF106": "plain Python plays here; there is no model that could be down"},
    )


flow = match("chess_match", rounds=2)
