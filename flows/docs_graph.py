"""Write, have two editors read it at once, and make the best of both.

The editors are branches of one state: neither hears the other, both must be through before the
reviewer speaks, and their words stand in the order of the table, whoever was faster.

Source: fan-out and join in AutoGen's notebook on GraphFlow.
"""

from __future__ import annotations

from stateflow import Flow, Parallel, Scripted, State, to

task = "Write a short paragraph about climate change."

writer = Scripted("writer", ["Climate change is when the climate are changing, very much."])
editor1 = Scripted("editor1", ["Grammar: the climate is changing."])
editor2 = Scripted("editor2", ["Style: leave out 'very much', and say why it matters."])
final_reviewer = Scripted(
    "final_reviewer", ["The climate is changing, and with it what grows where, and who can stay."]
)


def alone(editor: Scripted) -> Flow:
    """Return the branch of one editor."""
    return Flow(editor.name, State("edit", editor, to(None)))


flow = Flow(
    "docs_graph",
    State("write", writer, to("edit")),
    Parallel("edit", [alone(editor1), alone(editor2)], to("review")),
    State("review", final_reviewer, to(None)),
    accept={"SF106": "scripted agents speak here; a run that failed is resumed by hand"},
)
