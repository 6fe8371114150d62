"""What a journal says of the machine it was recorded on: left out, or told as seen from here.

Where the flow lies is told relative to the present folder, or not at all.  Texts lose the present
folder and the home folder only where nothing that was asked holds a print of them: a replay could
not follow otherwise.
"""

# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# what is parsed is any JSON
from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePath, PureWindowsPath
from typing import Final

from stateflow.journal.codec import decode, encode
from stateflow.journal.event import EffectDone, EffectFailed, Journal, RunStarted

__all__ = ["homeless"]

_PRINTS: Final = ("messages", "code")
"""Arguments that hold a print of what was said before."""


def homeless(journal: Journal) -> Journal:
    """Return *journal* without the folders of this machine."""
    places = list(_places()) if not any(_hashed(one) for one in _all(journal)) else []
    return _cleaned(journal, places)


def _all(journal: Journal) -> Iterator[Journal]:
    yield journal
    for child in journal.children.values():
        yield from _all(child)


def _hashed(journal: Journal) -> bool:
    return any(
        isinstance(event := recorded.event, EffectDone | EffectFailed)
        and isinstance(event.args, dict)
        and any(name in event.args for name in _PRINTS)
        for recorded in journal.events
    )


def _places() -> Iterator[tuple[re.Pattern[str], str]]:
    """Yield what is replaced, as it stands in JSON, and by what."""
    for folder, short in ((Path.cwd(), ""), (Path.home(), "~/")):
        if len(folder.parts) > 1:  # the root of all files is no secret
            written = json.dumps(f"{folder}{os.sep}")[1:-1]
            yield re.compile(rf"(?<![\w.~/\\-]){re.escape(written)}"), short


def _cleaned(journal: Journal, places: list[tuple[re.Pattern[str], str]]) -> Journal:
    events = []
    for recorded in journal.events:
        event = recorded.event
        if isinstance(event, RunStarted) and event.source is not None:
            event = replace(event, source=_relative(event.source))
        if places:
            kind, body = encode(event)
            told = body
            for place, short in places:
                told = place.sub(short, told)
            event = event if told == body else decode(kind, told, place="a cassette")
        events.append(recorded._replace(event=event))
    children = {key: _cleaned(one, places) for key, one in journal.children.items()}
    return Journal(journal.run, tuple(events), children)


def _relative(source: str) -> str | None:
    """Return *source* as seen from the present folder; ``None`` where it lies elsewhere."""
    if not PurePath(source).is_absolute() and not PureWindowsPath(source).is_absolute():
        return source
    here = f"{Path.cwd()}{os.sep}"
    return source.removeprefix(here).replace(os.sep, "/") if source.startswith(here) else None
