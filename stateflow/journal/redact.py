"""Known secrets and unprintable bytes never reach a journal.

The door redacts before journaling *and* before the core sees a result, so a replayed run reads
the same texts as the live one did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stateflow.value import Json, canonical_json

__all__ = ["Redactor"]

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
            ((value, f"[{name}]") for name, value in secrets.items() if len(value) >= _SHORTEST),
            key=lambda pair: (-len(pair[0]), pair[1]),
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
        if not text.isascii():
            text = text.encode("utf-8", "replace").decode("utf-8")
        return text

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
