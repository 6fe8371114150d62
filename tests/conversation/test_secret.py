"""What secrets look like, and what only looks like one."""

from __future__ import annotations

import pytest

from stateflow.conversation.secret import secrets_in

MIXED = "Zq81mNb4Xc7Lr2Tw9Kd5Hs3Vg6Pf0Jy"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        pytest.param(f"sk-{MIXED}", "a key of OpenAI", id="openai"),
        pytest.param(f"sk-ant-api03-{MIXED}", "a key of Anthropic", id="anthropic"),
        pytest.param("AKIA" + "Z7Q2M4X6C8R1T3K5", "a key of AWS", id="aws"),
        pytest.param(f"ghp_{MIXED}{MIXED}", "a token of GitHub", id="github"),
        pytest.param(f"github_pat_{MIXED}_{MIXED}", "a token of GitHub", id="github-fine"),
        pytest.param(f"glpat-{MIXED}", "a token of GitLab", id="gitlab"),
        pytest.param(f"xoxb-12345678-{MIXED}", "a token of Slack", id="slack"),
        pytest.param(f"AIza{MIXED}Abcd", "a key of Google", id="google"),
        pytest.param(f"rk_live_{MIXED}", "a key of Stripe", id="stripe"),
        pytest.param(f"hf_{MIXED}", "a token of Hugging Face", id="hugging-face"),
        pytest.param(f"SG.{MIXED}.{MIXED}", "a key of SendGrid", id="sendgrid"),
        pytest.param(f"eyJ{MIXED}.eyJ{MIXED}.{MIXED}", "a signed token", id="jwt"),
        pytest.param("-----BEGIN RSA PRIVATE KEY-----", "a private key", id="private-key"),
        pytest.param("postgres://ann:Hunter22@db/x", "a password in an address", id="address"),
    ],
)
def test_a_secret_is_told_by_its_kind_and_its_beginning(text: str, kind: str) -> None:
    (secret,) = secrets_in(f"Use {text} for it; again: {text}.")

    assert secret.kind == kind
    assert len(secret.shown) <= 5


@pytest.mark.parametrize(
    "text",
    [
        "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "sk-...",
        "AKIAIOSFODNN7EXAMPLE",
        "task-force-of-the-very-long-name",
        "postgres://user:password@localhost/db",
        "https://example.org/a:b@c",
        "mailto:ann@example.org",
        "Say DONE when all is done.",
    ],
)
def test_placeholders_and_plain_words_are_none(text: str) -> None:
    assert list(secrets_in(text)) == []
