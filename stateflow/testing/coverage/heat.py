"""The heat of a test session over the drawing of a flow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from stateflow.diagram import svg
from stateflow.diagram.box import START, Arrow, Picture
from stateflow.diagram.heat import warmed
from stateflow.diagram.picture import DONE, picture
from stateflow.errors import StateflowError
from stateflow.machine.flow import Flow
from stateflow.testing.coverage.coverage import Coverage
from stateflow.testing.coverage.outline import Item
from stateflow.testing.home import home_of

__all__ = ["heat", "write_heat"]

_TOLD: Final = "flow coverage"


def heat(flow: Flow, coverage: Coverage) -> Picture:
    """Return the drawing of *flow* with how often runs came by; nested flows stay closed.

    They are flows of their own here: what they do wherever they are nested counts for one drawing.

    Raises:
        KeyError: *coverage* does not know the flow.
    """
    drawn = picture(flow, 0)
    counts = coverage.counted(home_of(flow))
    visits = {item.at: times for item, times in counts.items() if item.kind == "place"}
    led = Counter[str]()
    for item, times in counts.items():
        if item.kind == "taken":
            led[item.to] += times
    begun = visits[flow.initial] - led[flow.initial]
    visits[DONE] = led[""]
    rows = {(i.at, i.number): n for i, n in counts.items() if i.kind == "taken"}
    errors = coverage.seen.get(home_of(flow), {})

    def often(arrow: Arrow) -> int:
        if arrow.number is not None:
            return rows.get((arrow.source, arrow.number), 0)
        if arrow.source == START:
            return begun
        return errors.get(Item("error", arrow.source), 0)

    return warmed(drawn, visits, {arrow.id: often(arrow) for arrow in drawn.arrows}, _TOLD)


def write_heat(
    flows: Iterable[Flow], coverage: Coverage, folder: Path
) -> Iterator[Path | StateflowError]:
    """Write the drawing of each of *flows* and of those nested in them.

    Yields its path, or why nobody can lay it out.

    Raises:
        OSError: one cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    every = {home_of(one): one for flow in flows for one in flow.flows}
    taken: set[str] = set()
    for name, flow in sorted(every.items(), key=lambda pair: pair[0]):
        stem = found = "".join(c if c.isprintable() and c not in "/\\:" else "-" for c in name.name)
        count = 1
        while found in taken:
            count += 1
            found = f"{stem}-{count}"
        taken.add(found)
        path = folder / f"{found}.svg"
        try:
            drawn = svg.draw(heat(flow, coverage))
        except StateflowError as error:
            yield error
        else:
            path.write_bytes(drawn.encode("utf-8"))
            yield path
