"""Guards that read words: whose words they are, and what could be read in their place.

What somebody quotes must not end a chat, so a guard on text names its speaker (SF112).  Where the
speaker's outcome is typed, words are the wrong thing to read (SF113).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final as Constant

from stateflow.conversation.agent import Agent
from stateflow.machine.check.asked import args, asked, shown, word
from stateflow.machine.check.finding import Finding, Severity, listed
from stateflow.machine.check.speakers import ends_of, kind_of, last_speakers, options_of
from stateflow.machine.flow import Flow
from stateflow.machine.state import Place
from stateflow.machine.transition import Transition
from stateflow.value import Json

__all__ = ["text_read"]

_TEXT: Constant = frozenset({"says", "matches", "equals"})
_TYPED: Constant = frozenset(
    {"failed", "succeeded", "exit_code", "answered", "ended", "replied", "timed_out"}
)


def text_read(flow: Flow) -> Iterator[Finding]:
    """Find the guards of *flow* that read words and should not, or do not say whose."""
    speakers = last_speakers(flow)
    for place in flow.places.values():
        for transition in place.transitions:
            yield from _read(place, transition, speakers[place.name])


def _read(place: Place, transition: Transition, speakers: Sequence[Agent]) -> Iterator[Finding]:
    """Find one thing of each kind that is wrong with the words that *transition* reads."""
    atoms = list(asked(transition.when))
    text = [atom for atom in atoms if word(atom) in _TEXT]
    if not text:
        return
    typed = any(word(atom) in _TYPED for atom in atoms)
    for atom in text:
        instead = "" if typed else _instead(_heard(atom, speakers))
        if instead:
            told = f"{shown(atom)} reads words where the outcome is typed"
            yield Finding("SF113", "warning", place.name, told, instead, origin=transition.origin)
            return
    for atom in text:
        if atom.get("by") is None and speakers:
            yield _unnamed(place, transition, atom, speakers)
            return


def _heard(atom: Mapping[str, Json], speakers: Sequence[Agent]) -> list[Agent]:
    """Return those of *speakers* whose words *atom* reads."""
    by = atom.get("by")
    return [agent for agent in speakers if by is None or agent.name == by]


def _instead(speakers: Sequence[Agent]) -> str:
    """Return what to ask where each of *speakers* has a typed outcome; ``""``: one has none."""
    cures = [_typed(agent) for agent in speakers]
    return cures[0] if cures and all(cures) else ""


def _typed(agent: Agent) -> str:
    kind = kind_of(agent)
    if kind == "code" and hasattr(agent, "sandbox"):
        return "ask how the code ended: failed, succeeded or exit_code(...)"
    if kind == "human" and options_of(agent):
        return f"ask for the option: answered({options_of(agent)[0]!r})"
    if getattr(agent, "schema", None) is not None:
        return "ask for a field of the reply: replied('field', ...)"
    finals = [one for one in ends_of(agent) if one != "done"]
    return f"ask for the end it came to: ended({finals[0]!r})" if finals else ""


def _unnamed(
    place: Place, transition: Transition, atom: Mapping[str, Json], speakers: Sequence[Agent]
) -> Finding:
    names = list(dict.fromkeys(agent.name for agent in speakers))
    quoting = [agent.name for agent in speakers if kind_of(agent) in {"human", "flow"}]
    quotable = quoting and word(atom) != "equals"
    severity: Severity = "warning" if len(names) > 1 or quotable else "note"
    text = f"{shown(atom)} names no speaker, and holds wherever {listed(names)} quotes the words"
    if len(names) > 1:
        text = f"{shown(atom)} names no speaker: any of {listed(names)} can set it off by quoting"
    cure = f"say whose words count: {word(atom)}({args(atom)[0]!r}, by={names[-1]!r})"
    witness = f"{names[0]!r} says {f'I was told to say {args(atom)[0]}'!r}"
    if word(atom) != "says":
        witness = ""
    return Finding("SF112", severity, place.name, text, cure, witness, origin=transition.origin)
