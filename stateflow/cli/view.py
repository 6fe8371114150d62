"""How ``stateflow render`` draws a flow: how far opened, in which direction, with which runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from stateflow.cli.find import Found
from stateflow.cli.recorded import journals_of
from stateflow.cli.trouble import BadInput, Misused
from stateflow.diagram.box import Picture
from stateflow.diagram.look import Direction, Theme
from stateflow.journal.event import Journal
from stateflow.machine.flow import Flow

__all__ = ["Form", "View", "drawing", "refuse_unknown", "with_runs"]

Form: TypeAlias = Literal["svg", "png", "pdf", "dot", "mermaid", "text", "json", "md"]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How flows are drawn, and what over them."""

    depth: int | None = None
    closed: tuple[str, ...] = ()
    direction: Direction = "tb"
    theme: Theme = "light"
    runs: tuple[Journal, ...] = ()
    """Runs to count."""
    run: Journal | None = None
    """The run whose way is drawn."""

    def options(self) -> list[str]:
        """Return the options that draw a page so."""
        words = ["--depth", str(self.depth)] if self.depth is not None else []
        for name in self.closed:
            words += ["--closed", name]
        return words + (["--direction", self.direction] if self.direction != "tb" else [])

    def picture(self, flow: Flow, *, whole: bool = False) -> Picture:
        """Return *flow* as it is to be drawn; *whole*: with all branches, as tables tell it."""
        from stateflow.diagram.closed import close
        from stateflow.diagram.heat import followed, heated
        from stateflow.diagram.picture import BRANCHES, picture

        drawn = picture(flow, self.depth, branches=None if whole else BRANCHES)
        drawn = replace(drawn, direction=self.direction)
        if self.runs:
            drawn = heated(drawn, self.runs)
        if self.run is not None:
            drawn = followed(drawn, self.run)
        return close(drawn, self.closed, strict=False)


def drawing(flow: Flow, form: Form, view: View) -> bytes:
    """Return *flow* as *view* has it, in this form."""
    from stateflow.diagram import dot, mermaid, svg, table

    def page() -> str:
        whole = replace(view, depth=None, closed=()).picture(flow, whole=True)
        return table.page(view.picture(flow), whole, flow.fingerprint())

    texts: dict[str, Callable[[], str]] = {
        "dot": lambda: dot.write(view.picture(flow), theme=view.theme),
        "md": page,
        "mermaid": lambda: mermaid.fitting(view.picture(flow)),
        "svg": lambda: svg.draw(view.picture(flow)),
        "text": lambda: table.write(view.picture(flow, whole=True)),
        "json": lambda: json.dumps(flow.table(), ensure_ascii=False, indent=2) + "\n",
    }
    if form == "png":
        return svg.pixels(view.picture(flow), view.theme)
    if form == "pdf":
        return svg.paper(view.picture(flow), view.theme)
    return texts[form]().encode("utf-8")


def refuse_unknown(found: Sequence[Found], view: View) -> None:
    """Refuse to draw closed what none of the flows has.

    Raises:
        BadInput: a name is neither that of a phase nor of a nested flow.
    """
    from stateflow.diagram.closed import ALL, frames
    from stateflow.diagram.picture import picture

    asked = [name for name in view.closed if name != ALL]
    if not asked:
        return
    there = list(dict.fromkeys(n for one in found for n in frames(picture(one.flow, view.depth))))
    known = {*there, *(name.rpartition("/")[2] for name in there)}
    for name in asked:
        if name not in known:
            raise BadInput(
                f"--closed {name!r}: there is no such phase and no such nested flow to draw "
                f"closed; there is: {', '.join(there) or 'none'}"
            )


def with_runs(
    view: View, found: Sequence[Found], runs: Sequence[str], run: str | None, store: Path | None
) -> View:
    """Return *view* with the journals of *runs* to count, or of the *run* to follow.

    Raises:
        Misused: both are asked for, or there are several flows.
        BadInput: a run is not one of the flow.
    """
    if runs and run is not None:
        raise Misused("--runs counts runs and --run draws the way of one; ask for one of them")
    if len(found) > 1:
        raise Misused(f"--runs and --run draw over one flow, and {len(found)} are given; name one")
    flow = found[0].flow
    journals = asyncio.run(journals_of(flow, [run] if run is not None else runs, store))
    if run is None:
        return replace(view, runs=journals)
    followed, *others = journals
    if others:
        raise Misused("--run draws the way of one run; --runs all counts all")
    return replace(view, run=followed)
