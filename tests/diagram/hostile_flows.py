"""Names that try to be syntax, and flows in which everything is called so."""

from __future__ import annotations

from stateflow.conversation.view import View
from stateflow.machine.flow import Flow
from stateflow.machine.guard import guard
from stateflow.machine.state import Final, State
from stateflow.machine.transition import to
from tests.diagram.flows import Speaker

__all__ = ["NAMES", "named"]

NAMES = {
    "right-to-left": "قف هنا",
    "unicode": "日本語 🎌 e\u0301",
    "quotes-and-backslashes": '"\'`\\" \\n \\\\ \\N \\G \\\\\\L',
    "html": "<img src=x onerror=alert(1)>",
    "xml": "]]> <!-- --> &lt; &#60;",
    "mermaid": '%%{init: {"theme": "dark"}}%% --> [*] : x',
    "a-state-of-mermaid": 'x" as y {',
    "dot": '"]; a -> b [label="x',
    "shell-and-formats": "$(id) ${HOME} %s {0}",
    "markdown": "| a | b | ``` # x",
    "words-of-mermaid": "end note; click x; style a fill:red",
}


def named(name: str) -> Flow:
    """Return a flow in which everything that has a name is called *name*."""

    @guard(name=f"{name}\n{name}")
    def asked(view: View) -> bool:
        return True

    return Flow(
        name,
        State(
            name,
            Speaker(name, model=f"x:{name}"),
            to("over", when=asked),
            to(None),
            prompt=name,
            phase=name,
        ),
        Final("over"),
        description=f"{name}\n{name}",
    )
