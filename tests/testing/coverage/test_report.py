"""The figures, what is left of them, and what is told of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stateflow import Flow, RateLimited, Scripted, State, run_sync, to
from stateflow.testing.coverage.coverage import nothing_seen
from stateflow.testing.coverage.report import Part, Report, report
from stateflow.testing.coverage.told import figures, missing, table
from stateflow.testing.coverage.watch import watched
from tests.testing.coverage import made
from tests.testing.coverage.made import essay, reading

HERE = Path(made.__file__).parent


def reported(*said: str | Exception, **exempt: str) -> Report:
    """Return the report of one run of the essay; exemptions by ``from_to``."""
    flow = essay(*said)
    with watched(nothing_seen([flow])) as watcher:
        run_sync(flow)
    reasons = {name.replace("_to_", " → "): reason for name, reason in exempt.items()}
    return report(watcher.coverage, {"essay": reasons})


def line_of(words: str) -> int:
    """Return the line of the made flows that has *words*."""
    lines = (HERE / "made.py").read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if words in line)


def test_the_table_tells_how_much_of_each_flow_was_seen() -> None:
    assert list(table(reported("draft", "DONE"), HERE)) == [
        "flow   states  transitions  guards  stops  tools  taken",
        "essay     2/3          3/5     1/2    1/2      –   60 %",
    ]


def test_several_flows_are_summed_up() -> None:
    *_, last = table(report(nothing_seen([essay(), reading()])), HERE)

    assert last.split() == ["all", "0/7", "0/11", "0/3", "0/8", "–", "0", "%"]


def test_flows_of_one_name_are_told_apart_by_their_place() -> None:
    twin = Flow("essay", State("write", Scripted("x", ["y"]), to(None)))

    _, first, second, _ = table(report(nothing_seen([essay(), twin])), HERE)

    assert first.startswith(f"essay (made.py:{line_of('return Flow(')})")
    assert second.startswith("essay (test_report.py:")


def test_what_is_left_is_told_by_file_and_line() -> None:
    flow, cap = line_of("return Flow("), line_of("when=exhausted)")
    judge = line_of("when=says")

    assert list(missing(reported("DONE"), HERE)) == [
        "never taken:",
        f"  made.py:{flow}  any → gave_up [on_error]",
        f"  made.py:{cap}  write → gave_up [exhausted]  only false",
        f"  made.py:{judge}  judge → write [else]",
        "taken whenever asked:",
        f"  made.py:{judge}  judge → done [says('DONE')]  guard only true",
        "never seen:",
        "  essay: states gave_up; stops gave_up",
    ]


def test_what_is_exempt_is_told_with_the_reason_and_covers_nothing() -> None:
    told = reported("DONE", write_to_gave_up="takes an hour")

    assert told.percent == reported("DONE").percent
    assert [left.item.way for left in told.unexplained] == ["any → gave_up", "judge → write"]
    cap = line_of("when=exhausted)")
    lines = list(missing(told, HERE))
    assert lines[lines.index("exempt:") + 1] == (
        f"  made.py:{cap}  write → gave_up [exhausted]  takes an hour"
    )


def test_exemptions_that_are_none_are_told() -> None:
    told = reported("DONE", judge_to_done="hard", judge_to_nowhere="gone")

    assert list(missing(told, HERE))[-2:] == [
        "  essay: judge → done: it was taken after all",
        "  essay: judge → nowhere: the flow has no such transition",
    ]


def test_an_exemption_may_name_the_guard() -> None:
    flow = essay("DONE")
    exempt = {"essay": {"write → gave_up [exhausted]": "a", "any → gave_up [on_error]": "b"}}

    told = report(nothing_seen([flow]), exempt)

    assert [left.reason for left in told.flows[0].never if left.reason] == ["b", "a"]


def test_too_little_is_one_sentence() -> None:
    told = reported(RateLimited("busy"))

    assert told.short_of(20) == ""
    assert told.short_of(95) == (
        "flow coverage is 20 % (1 of 5 transitions), less than the 95 % asked for"
    )


@pytest.mark.parametrize(
    ("part", "told"), [(Part(0, 0), 100.0), (Part(1, 3), 100 / 3), (Part(0, 2), 0.0)]
)
def test_of_nothing_all_is_covered(part: Part, told: float) -> None:
    assert part.percent == pytest.approx(told)


def test_the_figures_hold_every_item_with_its_count() -> None:
    told: Any = figures(reported("DONE", write_to_gave_up="takes an hour"), HERE)

    assert told["transitions"] == {"covered": 2, "all": 5}
    assert told["percent"] == 40.0
    [flow] = told["flows"]
    assert flow["states"] == [
        {"place": "gave_up", "seen": 0},
        {"place": "judge", "seen": 1},
        {"place": "write", "seen": 1},
    ]
    assert flow["transitions"][1:3] == [
        {
            "from": "judge",
            "to": None,
            "guard": "says('DONE')",
            "origin": f"made.py:{line_of('when=says')}",
            "taken": 1,
            "true": 1,
            "false": 0,
        },
        {
            "from": "judge",
            "to": "write",
            "guard": None,
            "origin": f"made.py:{line_of('when=says')}",
            "taken": 0,
            "exempt": None,
        },
    ]
    assert [row.get("exempt") for row in flow["transitions"]].count("takes an hour") == 1
