"""``stateflow record``: a live run, kept as a test that needs nothing live.

Whatever can be wrong with where it is to be kept is told before the run begins, which may cost
money.  A run that failed, is stuck, or waits for an answer makes a test, too: of that.  Only one
that was interrupted makes none, because where that happens is chance; it stays in the store.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from stateflow.cli.drive import Driving
from stateflow.cli.find import store_option
from stateflow.cli.keeping import Kept, Named, check_source, keep, placed
from stateflow.cli.run import Begun, run
from stateflow.journal.redact import Redactor

if TYPE_CHECKING:
    from stateflow.engine.result import Result
    from stateflow.engine.runner import Runner

__all__ = ["record"]

_BEGUN = Begun()
_DRIVING = Driving()
_NAMED = Named()


def record(
    flow: str,
    /,
    *,
    to: Annotated[Path, Parameter(help="Cassette to write, such as tests/cassettes/x.yaml.")],
    force: Annotated[bool, Parameter(help="Write over a cassette that is there.")] = False,
    named: Named = _NAMED,
    begun: Begun = _BEGUN,
    driving: Driving = _DRIVING,
) -> int:
    """Run a flow, and make a test of the run: a cassette, and a test that replays it.

    Call it in the folder where the tests are run.  The exit code is that of `stateflow run`.

    Parameters
    ----------
    flow
        path.py[:attr] or pkg.mod:attr
    """
    place = placed(to, named, force=force)
    check_source(flow)
    kept: list[Kept] = []
    left: list[str] = []

    async def then(runner: Runner, result: Result) -> None:
        from stateflow.stores.content import files_of

        if result.journal is None or result.stop.kind in {"paused", "cancelled"}:
            left.append(result.run)
            return
        files = {sha: await runner.store.file(sha) for sha in files_of(result.journal)}
        kept.append(await keep(result.journal, files, place, _command(flow, to, begun)))

    code = run(flow, begun=begun, driving=replace(driving, then=then))
    for one in kept:
        one.tell("stderr" if driving.json else "stdout")
    for name in left:
        _tell_left(name, to, driving)
    return code or int(any(one.trouble for one in kept))


def _tell_left(name: str, to: Path, driving: Driving) -> None:
    from stateflow.cli.chart import short
    from stateflow.cli.console import console, say

    store = store_option(driving.store)
    say(
        console("stderr"),
        f"interrupted, so no cassette is written; what was recorded is kept: stateflow resume "
        f"{short(name)}{store}, then stateflow export {short(name)} --to test --out "
        f"{shlex.quote(str(to))}{store}",
    )


def _command(flow: str, to: Path, begun: Begun) -> str:
    """Return the command that makes the cassette anew, without secrets."""
    options = [
        ("--input", [begun.input] if begun.input is not None else []),
        ("--file", [str(path) for path in begun.file]),
        ("--data", [begun.data] if begun.data is not None else []),
        ("--model", begun.model),
        ("--sandbox", begun.sandbox),
        ("--budget", [begun.budget] if begun.budget is not None else []),
    ]
    words = [word for option, values in options for value in values for word in (option, value)]
    command = shlex.join(["stateflow", "record", flow, *words, "--to", str(to)])
    command = command.replace(f"{Path.cwd()}{os.sep}", "")  # the test runs on other machines
    return Redactor.from_environment(os.environ).text(command)
