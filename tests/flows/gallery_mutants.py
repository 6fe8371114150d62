"""Mutants of four flows of the gallery, and what its recorded runs make of them.

``python -m tests.flows.gallery_mutants`` writes the table of it into ``docs/mutate.md``.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from stateflow.engine.finding import find_flow
from stateflow.testing.coverage.report import shown
from stateflow.testing.mutate.crew import Crew
from stateflow.testing.mutate.mutants import mutants
from stateflow.testing.mutate.session import Tried, score, tried
from stateflow.testing.reasons import acceptances

__all__ = ["FLOWS", "PAGE", "came_to", "written"]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "mutate.md"
FLOWS = ("code_loop", "flight_refund", "plan_execute_review", "slogan")
_TESTS = "tests/flows/test_recorded.py"
_HEAD = """\
| flow | mutants | killed | timed out | equivalent | not noticed | score |
| --- | --- | --- | --- | --- | --- | --- |
"""


def came_to(at_once: int = 2) -> Mapping[str, Sequence[Tried]]:
    """Return what became of the mutants of each flow, in their order."""
    every = {name: mutants(find_flow(str(ROOT / "flows" / f"{name}.py")).flow) for name in FLOWS}
    chosen = [one for of in every.values() for one in of]
    accepted = acceptances(ROOT / "pyproject.toml")
    with tempfile.TemporaryDirectory() as given:
        folder = Path(given)
        crew = Crew([str(ROOT / _TESTS)], ["--rootdir", str(ROOT)], folder)
        look, said = crew.look()
        assert look is not None, said
        assert look.failed == []
        came = tried(chosen, look, crew, folder, at_once=at_once, accepted=accepted)
        found = {one.mutant: one for one in came}
    return {name: [found[one] for one in of] for name, of in every.items()}


def written(came: Mapping[str, Sequence[Tried]]) -> str:
    """Return the page with the table of what became of the mutants."""
    begin, end = "<!-- gallery -->\n", "<!-- end -->"
    before, _, rest = PAGE.read_text("utf-8").partition(begin)
    _, _, after = rest.partition(end)
    rows = "".join(_row(name, told) for name, told in came.items())
    return f"{before}{begin}{_HEAD}{rows}{end}{after}"


def _row(name: str, told: Sequence[Tried]) -> str:
    counts = Counter(one.fate for one in told)
    figures = [len(told), *(counts[fate] for fate in ("killed", "timed out", "equivalent"))]
    left = "<br>".join(
        f"`{one.mutant.id}`: {one.why}" for one in told if one.fate in {"survived", "accepted"}
    )
    cells = [f"[{name}](../flows/{name}.py)", *figures, left or "–", shown(score(told))]
    return f"| {' | '.join(map(str, cells))} |\n"


if __name__ == "__main__":
    PAGE.write_text(written(came_to()), "utf-8")
