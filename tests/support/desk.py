"""A desk where two assistants use every kind of tool, for cutting it off anywhere.

The clerk looks up two things at once, pays (never twice), signs (a person allows it), and hands
over to the checker.  The checker's verdict needs one repair, and sends the clerk back for a last
word.

Run as a program, it lives once: ``python -m tests.support.desk FOLDER [DIES_IN]`` writes each call
of a tool to ``FOLDER/made``, and is killed with SIGKILL in the call DIES_IN.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from stateflow import (
    Assistant,
    Flow,
    Runner,
    State,
    ToolReply,
    canonical,
    handed_to,
    handoff,
    replied,
    to,
    tool,
)
from stateflow.conversation.effect import Question
from stateflow.conversation.file import File
from stateflow.conversation.message import ToolCall
from stateflow.journal.event import EffectDone, Journal, Recorded
from stateflow.models.base import ModelClient, ModelReply
from stateflow.models.scripted import ScriptedModel
from stateflow.stores.sqlite import SqliteStore
from tests.support.cutting import RUN, answer, drive, kill

GIVES = {
    "look left": "left is fine",
    "look right": "right is fine",
    "pay 5": "paid 5",
    "sign form": "signed form",
}
"""Every call of a tool that does more than hand over, in order, and what it gives."""
NOTE = b"%PDF-1.7 what the left one says"
"""Content of the file that a tool gives."""
At = Callable[[str], Awaitable[None]]
"""Is told each call of a tool when it is really made."""
task = "Settle the bill."


class Verdict(BaseModel):
    """What the checker says."""

    score: int


async def unheard(call: str) -> None:
    """Hear of a call, and do nothing."""


def flow(at: At = unheard) -> Flow:
    """Return the desk; its tools tell *at*."""

    @tool
    async def look(where: str) -> ToolReply:
        """Look something up."""
        await at(f"look {where}")
        note = (File.from_bytes(NOTE, name="note.pdf"),) if where == "left" else ()
        return ToolReply(GIVES[f"look {where}"], files=note)

    @tool(repeat=False)
    async def pay(amount: int) -> str:
        """Pay."""
        await at(f"pay {amount}")
        return GIVES[f"pay {amount}"]

    @tool(approve=True)
    async def sign(paper: str) -> str:
        """Sign."""
        await at(f"sign {paper}")
        return GIVES[f"sign {paper}"]

    clerk = Assistant("clerk", "scripted:-", tools=[look, pay, sign, handoff("checker")])
    checker = Assistant("checker", "scripted:-", reply=Verdict)
    return Flow(
        "desk",
        State("desk", clerk, to("check", when=handed_to("checker")), to(None)),
        State("check", checker, to("desk", when=replied("score", at_least=5)), to(None)),
    )


def calls(*wanted: tuple[str, str]) -> ModelReply:
    """Return a reply that calls tools, each by its name with its arguments."""
    asked = (ToolCall(f"c{n}", name, given) for n, (name, given) in enumerate(wanted))
    return ModelReply("", tuple(asked), stop="tool_calls")


def models() -> dict[str, str | ModelClient]:
    """Return what the clerk and the checker say."""
    clerk: list[str | ModelReply] = [
        calls(("look", '{"where": "left"}'), ("look", '{"where": "right"}')),
        calls(("pay", '{"amount": 5}')),
        calls(("sign", '{"paper": "form"}')),
        calls(("transfer_to_checker", '{"message": "Is it right?"}')),
        "It is settled.",
    ]
    checker = ["eight", '{"score": 8}']
    return {
        "clerk": ScriptedModel(clerk, name="clerk"),
        "checker": ScriptedModel(checker, name="checker"),
    }


def truly(made: Sequence[str]) -> Callable[[Question], str]:
    """Return how a person answers who knows which calls were *made*."""

    def answering(question: Question) -> str:
        doubtful = "Was it done?" in question.text
        known = doubtful and "pay 5" in made
        return f"result: {GIVES['pay 5']}" if known else answer(question)

    return answering


def committed(journal: Journal) -> set[str]:
    """Return the calls that *journal* holds."""
    results: list[Any] = [
        recorded.event.result
        for recorded in journal.events
        if isinstance(recorded.event, EffectDone) and recorded.event.op == "tool.call"
    ]
    texts = {result["text"] for result in results}
    return {call for call, text in GIVES.items() if text in texts}


def made_in(folder: Path) -> list[str]:
    """Return the calls that were made by all who lived in *folder*."""
    return (folder / "made").read_text().splitlines()


async def _live(folder: Path, dies_in: str) -> None:
    made = os.open(folder / "made", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    on_record = asyncio.Event()

    async def at(call: str) -> None:
        os.write(made, f"{call}\n".encode())
        if call == dies_in:
            await on_record.wait()
            kill()

    store = SqliteStore(folder / "runs.db")
    if dies_in:
        async with Runner(store=store, models=models()) as runner:
            async for heard in runner.start(flow(at), task, run=RUN):
                event = heard.event if isinstance(heard, Recorded) else None
                if isinstance(event, EffectDone) and event.op == "tool.call":
                    on_record.set()
    else:
        answering = truly(made_in(folder))
        await drive(store, flow(at), task, models=models(), answering=answering)
        (folder / "canonical").write_text(canonical(await store.journal(RUN)))
    await store.aclose()


if __name__ == "__main__":
    asyncio.run(_live(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""))
