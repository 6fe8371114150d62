"""Small flows in which flows are nested, each about one thing, for running them every way.

``CASES`` are those that come to one end however often they are cut; what they ask a person is
answered by :func:`tests.support.cutting.answer`.
"""

from __future__ import annotations

from collections.abc import Sequence

from stateflow import (
    Agent,
    Assistant,
    Budget,
    ChildFailed,
    Final,
    Flow,
    FunctionAgent,
    Given,
    Message,
    Nested,
    Parallel,
    Scripted,
    State,
    View,
    by_model,
    data_is,
    ended,
    equals,
    exhausted,
    failed,
    in_turn,
    itself,
    last,
    last_message,
    only,
    raised,
    replied,
    says,
    steps,
    to,
    visited,
)
from tests.support.branches import (
    AskedFor,
    Order,
    Stuck,
    asks,
    counts,
    fails,
    hangs,
    one,
    stuck,
)
from tests.support.six_ways import Case

__all__ = ["CASES"]


def _mend() -> Scripted:
    return Scripted("mender", ["mended"])


def _order(view: View) -> Given:
    return Given(f"order {view.last.text}", data={"item": view.last.text, "pieces": 2})


def _received(view: View) -> dict[str, object]:
    return {"pieces": view.data.pieces + 1}


def _first_and_last(said: Sequence[Message]) -> str:
    return f"{said[0].text} … {said[-1].text}"


def _shop() -> Flow:
    """Data goes in and out, with a carryover, a summary of its own, and an entry action."""
    warehouse = Flow(
        "warehouse",
        State("pack", Scripted("packer", ["packed"]), to("send"), entry=_received),
        State("send", Scripted("sender", ["sent"]), to(None)),
        data=Order,
    )
    return Flow(
        "shop",
        State("choose", Scripted("buyer", ["lamp", "rug"]), to("order")),
        Nested(
            "order",
            warehouse,
            to("choose", when=~visited("order", at_least=2)),
            to("thank", when=data_is("pieces", 3) & replied("item", "rug")),
            input=_order,
            carryover=only("buyer"),
            summary=_first_and_last,
            output={"pieces": "pieces"},
        ),
        State("thank", Scripted("guest", ["thanks"]), to(None)),
        data=Order,
    )


def _jury() -> Flow:
    """A final that is not ok, one with a name, and a nested run that fails."""
    court = Flow(
        "court",
        State(
            "judge",
            FunctionAgent("judge", lambda view: view.transcript[0].text),
            to("rejected", when=says("bad")),
            to("accepted"),
        ),
        Final("rejected", ok=False),
        Final("accepted"),
    )
    return Flow(
        "jury",
        Nested("bad", court, to("good", when=ended("rejected") & failed), input="a bad one"),
        Nested("good", court, to("broken", when=ended("accepted") & ~failed), input="a good one"),
        Nested("broken", fails(), to("mend", when=raised(ChildFailed)), to(None)),
        State("mend", _mend(), to("stuck")),
        Nested("stuck", stuck(), to("own", when=failed)),
        Nested("own", _own(), to(None, when=raised(ChildFailed))),
    )


def _own() -> Flow:
    """A flow that meets a limit of its own."""
    endless = FunctionAgent("endless", lambda view: f"turn {view.turns}")
    return Flow("own", State("go", endless, to("go")), budget=Budget(turns=2))


def _recursion() -> Flow:
    """A flow in itself, as deep as it is told."""
    down = FunctionAgent("down", lambda view: str(int(view.transcript[0].text) - 1))
    return Flow(
        "recursion",
        State("step", down, to(None, when=equals("0")), to("below")),
        Nested("below", itself(), to(None)),
    )


def _too_deep() -> Flow:
    """A flow in itself that knows no end, and gives up at the bottom."""
    return Flow(
        "too_deep",
        State("step", Scripted("step", ["deeper"]), to("below")),
        Nested("below", itself(), to("bottom", when=exhausted), to(None)),
        Final("bottom"),
        budget=Budget(depth=2),
    )


def _poll() -> Flow:
    """Two people are asked while others work; one branch asks deeper down."""
    deeper = Flow("deeper", Nested("ask", asks("inner"), to(None)))
    return Flow(
        "poll",
        Parallel(
            "poll",
            {"ann": asks(), "work": counts("work", 3), "bob": deeper},
            to("count", when=says("yes", by="bob")),
        ),
        State("count", Scripted("clerk", ["two answers"]), to(None)),
    )


def _race(dropped: list[str]) -> Flow:
    """One is enough, two of three are, one that fails is too few, or does not count.

    Who is in time never depends on who is quicker: what is dropped would never have ended.
    """
    return Flow(
        "race",
        Parallel(
            "first",
            {"slow": hangs("slow", dropped), "quick": one("quick")},
            to("two", when=says("quick is done", by="quick")),
            join="any",
        ),
        Parallel(
            "two",
            {"a": counts("a", 2), "c": counts("c", 3), "s": hangs("s", dropped)},
            to("lost", when=says("3", by="c")),
            join=2,
        ),
        Parallel(
            "lost",
            {"bad": fails(), "s": hangs("s", dropped)},
            to("kept", when=failed),
        ),
        Parallel(
            "kept",
            {"bad": fails(), "a": counts("a", 2), "c": one("c")},
            to(None, when=~failed),
            join="any",
            others="keep",
        ),
    )


def _late(dropped: list[str]) -> Flow:
    """Deadlines of an agent, a nested run, and branches of which one is in time."""
    return Flow(
        "late",
        State("say", Stuck("mute", dropped), to("nest", after=0.001), to(None)),
        Nested("nest", hangs("nested", dropped), to("branches", after=0.001), to(None)),
        Parallel(
            "branches",
            {"x": hangs("x", dropped), "y": hangs("y", dropped)},
            to("say so", after=0.001),
            to(None),
        ),
        State("say so", Scripted("clock", ["too late"]), to(None)),
    )


def _again() -> Flow:
    """The transcript is cleared to its last message, to a text, and to one a person gives."""
    return Flow(
        "again",
        State(
            "write",
            Scripted("writer", ["one", "two", "three"]),
            to("read", restart=last_message),
        ),
        State(
            "read",
            FunctionAgent("reader", lambda view: f"{len(view.transcript)} to read"),
            to("write", when=~visited("read", at_least=2), restart=_first_and_last),
            to("tell", restart=AskedFor()),
        ),
        State("tell", FunctionAgent("teller", lambda view: view.transcript[0].text), to(None)),
    )


def _summed() -> Flow:
    """Summaries that are effects, of a nested run and of branches, in a budget that just holds."""
    return Flow(
        "summed",
        Nested("nest", counts("n", 3), to("branches"), summary=AskedFor()),
        Parallel("branches", [counts("x", 2), counts("y", 2)], to(None), summary=AskedFor()),
        budget=Budget(turns=9),
    )


def _told() -> Flow:
    """A model sums up a nested run, branches, and a transcript that is cleared."""
    short = by_model("scripted:in short: all is well")
    return Flow(
        "told",
        Nested("nest", counts("n", 2), to("branches"), summary=short),
        Parallel("branches", [counts("x", 2), one("y")], to("tell", restart=short), summary=short),
        State("tell", FunctionAgent("teller", lambda view: view.last.text), to(None)),
        budget=Budget(calls=4),
    )


def _stepped() -> Flow:
    """Flows among the agents of one turn, with a role, one of which asks; and a chosen next."""
    first = counts("n", 2).as_agent("first", summary=_first_and_last)
    second = asks().as_agent("second", carryover=last(1), input="Which of these?")
    return Flow(
        "stepped",
        State("work", steps(first, Scripted("s", ["x", "y"]), second), to("work"), to("end")),
        State("end", one("ends").as_agent("ends"), to(None), prompt="Come to an end."),
        choose=in_turn(),
    )


def _tabled() -> Flow:
    """A flow as an agent among others, in AutoGen's table; one agent in two flows at once."""
    scribe: Agent = FunctionAgent("scribe", lambda view: f"line {view.turns}")
    twice = Flow("twice", State("a", scribe, to("b")), State("b", scribe, to(None)))
    desk, end = twice.as_agent("desk", carryover=last(2)), Scripted("end", ["over"])
    first = Flow.from_table("tabled", {scribe: [desk], desk: [end], end: [None]})
    return Flow("tables", Parallel("both", [first.as_agent("x"), first.as_agent("y")], to(None)))


def _asks_flows() -> Case:
    """Flows as tools: two at once, of which one fails, one that a person allows, one that asks."""
    tools = [
        counts("count", 2).as_tool(description="Count."),
        fails().as_tool(description="Try."),
        asks().as_tool(description="Ask.", approve=True),
    ]
    boss = Assistant("boss", "scripted:-", tools=tools)
    lines = (
        'count({"task": "to two"}) fails({"task": "all the same"})',
        'asks({"task": "somebody"})',
        "That is all.",
    )
    flow = Flow("asks_flows", State("work", boss, to(None)))
    return Case(flow, "Do it.", {"boss": f"scripted:{'|'.join(lines)}"})


def _mixed_up() -> Flow:
    """Input that is refused, and an entry action that raises, go the way of faults."""
    strict = Flow("strict", State("say", Scripted("s", ["fine"]), to(None)), data=Order)

    def unknown(view: View) -> dict[str, object]:
        return {"colour": view.state}

    odd = Flow("odd", State("say", Scripted("s", ["x"]), to(None), entry=unknown), data=Order)
    return Flow(
        "mixed_up",
        Nested(
            "misfit",
            strict,
            to("odd", when=failed),
            input=lambda _: Given("x", data={"pieces": "many"}),
        ),
        Nested("odd", odd, to("both", when=raised(ChildFailed))),
        Parallel("both", {"x": odd, "y": one("y")}, to("mend", when=raised(ChildFailed))),
        State("mend", _mend(), to(None)),
    )


def _dropped() -> Flow:
    """Branches that wait for a person are dropped for one that ends; what follows counts turns."""
    told = FunctionAgent("told", lambda view: f"after {view.turns}")
    return Flow(
        "dropped",
        Parallel("ask", [asks("a"), asks("b"), counts("c", 2)], to("tell"), join="any"),
        State("tell", told, to(None)),
    )


def _timed() -> Flow:
    """Time is limited, which a replay reads from stamps."""
    return Flow(
        "timed",
        Nested("count", counts("counts", 2), to("ask")),
        Nested("ask", asks(), to(None)),
        budget=Budget(seconds=3_600),
    )


CASES = [
    Case(_shop(), "Buy me something."),
    Case(_jury(), "Judge."),
    Case(_recursion(), "4"),
    Case(_too_deep(), "down"),
    Case(_poll(), "Ask around."),
    Case(_race([]), "Go."),
    Case(_late([]), "Hurry."),
    Case(_again(), "Begin."),
    Case(_summed(), "Sum up."),
    Case(_told(), "Tell."),
    Case(_stepped(), "Step."),
    Case(_tabled(), "Write."),
    _asks_flows(),
    Case(_mixed_up(), "Try."),
    Case(_dropped(), "Ask."),
    Case(_timed(), "Count."),
]
"""Flows with their tasks, and models where they need some."""
