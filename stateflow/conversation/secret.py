"""What secrets look like: the keys of well-known services, and passwords in addresses.

A pattern is only written down where a service gives its keys a form of their own, so that what
is found is one.  Placeholders, such as a row of x, are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["PASSWORD", "Secret", "secrets_in"]

PASSWORD: Final = re.compile(r"(?<=://)[^/@\s:]*:[^/@\s]*@")
"""User and password in an address."""

_LEAST: Final = 8
"""So many different characters a key has; a placeholder has fewer."""
_SHOWN: Final = 4
"""So many characters of a key are shown; they say whose key it is, and no more."""

_FORMS: Final = (
    ("a private key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    ("a key of Anthropic", r"sk-ant-[\w-]{20,}"),
    ("a key of OpenAI", r"sk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,}"),
    ("a key of Stripe", r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    ("a key of AWS", r"(?:AKIA|ASIA)[A-Z0-9]{16}"),
    ("a token of GitHub", r"gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{30,}"),
    ("a token of GitLab", r"glpat-[\w-]{20,}"),
    ("a token of Slack", r"xox[abeoprs]-[A-Za-z0-9-]{16,}"),
    ("a key of Google", r"AIza[\w-]{35}"),
    ("a token of Hugging Face", r"hf_[A-Za-z0-9]{30,}"),
    ("a token of npm", r"npm_[A-Za-z0-9]{36}"),
    ("a token of PyPI", r"pypi-AgEI[\w-]{50,}"),
    ("a key of SendGrid", r"SG\.[\w-]{16,}\.[\w-]{30,}"),
    ("a key of Azure storage", r"AccountKey=[A-Za-z0-9+/]{80,}={0,2}"),
    ("a signed token", r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{16,}"),
)
_PATTERNS: Final = tuple((kind, re.compile(rf"(?<![\w-])(?:{form})")) for kind, form in _FORMS)
_MADE_UP: Final = re.compile(
    r":(?:pass(?:word|wd)?|secret|pwd|\*+|x+|\.+|…|<[^>]*>|\{[^}]*\}|\$\w*)@", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret, without what is secret about it."""

    kind: str
    """What it is: ``a key of OpenAI``."""
    shown: str
    """Its beginning; never more."""


def secrets_in(text: str) -> Iterator[Secret]:
    """Yield the secrets that *text* holds, each once.

    Example:
        >>> [one.shown for one in secrets_in("Use sk-proj-Zq81mNb4Xc7Lr2Tw9Kd5 for it.")]
        ['sk-p…']
        >>> list(secrets_in("Use sk-xxxxxxxxxxxxxxxxxxxxxxxx for it."))
        []
    """
    seen: set[str] = set()
    for kind, pattern in _PATTERNS:
        for found in pattern.findall(text):
            made_up = len(set(found)) < _LEAST or found.endswith("EXAMPLE")
            if not made_up and not any(found in one for one in seen):
                seen.add(found)
                yield Secret(kind, f"{found[:_SHOWN]}…")
    if "://" in text and any(not _MADE_UP.search(one) for one in PASSWORD.findall(text)):
        yield Secret("a password in an address", "://…@")
