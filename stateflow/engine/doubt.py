"""Effects that must not be made twice, found begun after a crash: was it done?

The run waits with that question for a person.  "no" makes it now; "yes" takes it as done;
"result: TEXT" takes it as done, and TEXT as what it came to.
"""

from __future__ import annotations

import re

from stateflow.conversation.effect import Effect
from stateflow.journal.event import EffectDone, HumanAsked
from stateflow.journal.redact import Redactor
from stateflow.value import Json, canonical_json

__all__ = ["confirmed", "is_doubtful", "was_it_done"]

YES, NO, RESULT = "yes", "no", "result"
_UNKNOWN = "It was done; what it came to is not known."
_LONGEST = 500
_NOT_DONE = re.compile(rf"{NO}\s*([,.;:!]|$)", re.IGNORECASE)
"""A plain "no", or one and a reason; "no receipt, but paid" must not have it done twice."""


def is_doubtful(effect: Effect) -> bool:
    """Tell whether *effect* is of the kind that a crash leaves in doubt."""
    return not effect.call.repeat and effect.call.op != "human.ask"


def was_it_done(effect: Effect, redactor: Redactor) -> HumanAsked:
    """Return the question about *effect*, under its own key."""
    call = effect.call
    shown = call.about or f"{call.op} with {canonical_json(redactor.json(call.args))}"
    text = (
        f"{redactor.text(shown)[:_LONGEST]} had begun when the run was cut off, and must not be "
        f"done twice. Was it done? {YES!r}: it was done, what it came to is not known; {NO!r}: it "
        f"was not, it will be done now; '{RESULT}: TEXT': it was done, and TEXT is what it came to."
    )
    return HumanAsked(effect.key, text, (YES, NO, RESULT))


def confirmed(effect: Effect, answer: str, redactor: Redactor) -> EffectDone | None:
    """Return *effect* as done, with what a person says it came to; ``None``: it was not done."""
    said = answer.strip()
    if _NOT_DONE.match(said):
        return None
    came_to = re.sub(rf"^{RESULT}\b\W?\s*", "", said, flags=re.IGNORECASE)
    result: Json = None if came_to.lower() in {YES, ""} else came_to
    if effect.call.op == "tool.call":
        result = {"text": _UNKNOWN if result is None else result}
    return EffectDone(effect.key, effect.call.op, result, redactor.json(effect.call.args))
