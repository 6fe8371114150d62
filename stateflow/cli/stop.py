"""``stateflow stop``: stopping a run from outside."""

from __future__ import annotations

import asyncio
import json as json_module
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from stateflow.cli.find import store_option, store_there
from stateflow.engine.outside import OUTSIDE
from stateflow.engine.runner import Runner
from stateflow.journal.stop import Stop

__all__ = ["stop"]


def stop(
    run: str,
    /,
    *,
    pause: Annotated[
        bool, Parameter(help="Only pause it: `stateflow resume` goes on with it.")
    ] = False,
    json: Annotated[bool, Parameter(help="As JSON.")] = False,
    store: Annotated[Path | None, Parameter(help="SQLite file that keeps the runs.")] = None,
) -> int:
    """End a run, whichever process or machine has it under way.

    Its process notices at its next commit; what it did since the last one is lost.

    Parameters
    ----------
    run
        id of a run, its beginning or end, or last
    """
    name, stands = asyncio.run(_stop(run, store, pause=pause))
    if json:
        told = {"run": name, "kind": stands.kind, "state": stands.state, "why": stands.why}
        sys.stdout.write(f"{json_module.dumps(told, ensure_ascii=False)}\n")
    else:
        _tell(name, stands, store)
    return 0


async def _stop(run: str, store: Path | None, *, pause: bool) -> tuple[str, Stop]:
    async with Runner(store=store_there(store)) as runner:
        name = await runner.store.find(run)
        return name, await runner.stop(name, pause=pause)


def _tell(run: str, stop: Stop, store: Path | None) -> None:
    from stateflow.cli.chart import clean, short
    from stateflow.cli.console import console, say

    out = console("stdout")
    already = "" if stop.why == OUTSIDE else "stands still already: "
    say(out, f"{clean(run)}: {already}{clean(str(stop))}")
    goes_on = "resume" if stop.resumable else "show"
    say(out, f"next     stateflow {goes_on} {short(run)}{store_option(store)}")
