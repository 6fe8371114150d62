"""``stateflow sandbox prune``: removing the containers that crashed processes left behind."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from stateflow.cli.chart import clean
from stateflow.cli.console import console, say
from stateflow.cli.trouble import BadInput

__all__ = ["prune", "sandbox"]

sandbox = App(name="sandbox", help="Look after the containers that code runs in.")


@sandbox.command
def prune(
    *,
    all: Annotated[  # noqa: A002 - what users type
        bool,
        Parameter(help="Also what other machines' processes made, and what is in use."),
    ] = False,
    images: Annotated[
        bool, Parameter(help="Also the images with packages baked in; runs bake them anew.")
    ] = False,
) -> int:
    """Remove containers that belong to processes of this machine which are gone."""
    try:
        from stateflow.sandbox.docker_engine import Engine
    except ModuleNotFoundError as error:
        raise BadInput(
            "`stateflow sandbox prune` needs a package that is not installed "
            f"({error.name}): pip install 'stateflow-agents[docker]'"
        ) from error
    from stateflow.sandbox.docker_left import prune as prune_left

    out = console("stdout")
    removed = 0
    engine = Engine()
    try:
        for line in prune_left(engine, everything=all, images=images):
            removed += 1
            say(out, clean(f"removed {line}"))
    finally:
        engine.close()
    if not removed:
        say(out, "nothing to remove")
    return 0
