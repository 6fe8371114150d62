"""Known secrets and unprintable bytes never reach a journal.

The door redacts before journaling *and* before the core sees a result, so a replayed run reads
the same texts as the live one did.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from stateflow.conversation.secret import PASSWORD
from stateflow.value import Json, canonical_json

__all__ = ["Redactor", "Stream"]

_SHORTEST = 8
_WORDS = ("KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL")


class Redactor:
    """Replaces known secrets by their names.

    Example:
        >>> Redactor({"OPENAI_API_KEY": "sk-12345678"}).text("use sk-12345678!")
        'use [OPENAI_API_KEY]!'
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        """Take secrets by name; shorter ones than 8 characters would redact plain words."""
        self._secrets = sorted(
            (
                (form, f"[{name}]")
                for name, value in secrets.items()
                if len(value.strip()) >= _SHORTEST
                for form in _forms(value.strip())
            ),
            key=lambda pair: (-len(pair[0]), pair[1], pair[0]),
        )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], more: Iterable[str] = ()) -> Redactor:
        """Take the secrets that *environment* names as such, and *more* of the user's."""
        named = {
            name: value
            for name, value in sorted(environment.items())
            if any(word in name.upper() for word in _WORDS)
        }
        extra = {f"SECRET_{number}": value for number, value in enumerate(more, 1)}
        return cls({**named, **extra})

    def text(self, text: str) -> str:
        """Return *text* without secrets, and without surrogates that no file can hold."""
        for secret, name in self._secrets:
            if secret in text:
                text = text.replace(secret, name)
        if "://" in text and "@" in text:
            text = PASSWORD.sub("[password]@", text)
        if not text.isascii():
            text = text.encode("utf-8", "replace").decode("utf-8")
        return text

    def sound_end(self, text: str) -> int:
        """Return where to cut *text*, so that no secret is cut, nor what may become one."""
        end = len(text)
        for secret, _ in self._secrets:
            for length in range(min(len(secret) - 1, len(text)), 0, -1):
                if text.endswith(secret[:length]):
                    end = min(end, len(text) - length)
                    break
        return self._before(text, end)

    def _before(self, text: str, end: int) -> int:
        """Return *end*, or the beginning of a secret that it would cut."""
        for secret, _ in self._secrets:
            at = text.find(secret)
            while at >= 0:
                if at < end < at + len(secret):
                    return self._before(text, at)
                at = text.find(secret, at + 1)
        return end

    def leaves(self, value: Json) -> bool:
        """Tell whether *value* holds nothing to redact, so that it can be shared as it is."""
        text = canonical_json(value)
        return self.text(text) == text

    def json(self, value: Any) -> Any:  # noqa: ANN401 - any JSON value, its shape kept
        """Return *value* with every text in it redacted, keys of objects included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict | Mapping):  # dict first: an ABC is slow to ask
            return {self.text(str(key)): self.json(part) for key, part in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        if isinstance(value, list | tuple):
            return [self.json(part) for part in value]  # pyright: ignore[reportUnknownVariableType]
        return value


def _forms(secret: str) -> Iterable[str]:
    """Return *secret* as it is, and as errors and JSON in texts write it, such as arguments."""
    plain, ascii_only = (json.dumps(secret, ensure_ascii=flag) for flag in (False, True))
    return dict.fromkeys([secret, *(text[1:-1] for text in (repr(secret), plain, ascii_only))])


class Stream:
    """Redacts a text that comes in pieces; a secret may be cut anywhere.

    Example:
        >>> stream = Stream(Redactor({"KEY": "sk-12345678"}))
        >>> [stream.text(piece) for piece in ("use sk-123", "45678 and", " no more")]
        ['use ', '[KEY] and', ' no more']
        >>> stream.rest()
        ''
    """

    def __init__(self, redactor: Redactor) -> None:
        """Hold nothing back yet."""
        self._redactor = redactor
        self._held = ""

    def text(self, piece: str) -> str:
        """Return what can be told once *piece* is there."""
        text = self._held + piece
        end = self._redactor.sound_end(text)
        self._held = text[end:]
        return self._redactor.text(text[:end])

    def rest(self) -> str:
        """Return what was held back; nothing follows."""
        rest, self._held = self._held, ""
        return self._redactor.text(rest)
