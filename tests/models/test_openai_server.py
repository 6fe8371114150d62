"""Whose server is where."""

from __future__ import annotations

import pytest

from stateflow.models.openai_server import OFFICIAL, OPENAI, OTHER, Vendor, ollama_url, vendor_at


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://127.0.0.1:11434/v1"),
        ("gpu-box", "http://gpu-box:11434/v1"),
        ("gpu-box:8080", "http://gpu-box:8080/v1"),
        ("http://gpu-box", "http://gpu-box:80/v1"),
        ("https://gpu-box", "https://gpu-box:443/v1"),
        ("https://gpu-box:99/llm/", "https://gpu-box:99/llm/v1"),
        (" 'gpu-box' ", "http://gpu-box:11434/v1"),
        (":8080", "http://127.0.0.1:8080/v1"),
        ("0.0.0.0", "http://127.0.0.1:11434/v1"),  # noqa: S104 - it is asked, not served
        ("0.0.0.0:8080", "http://127.0.0.1:8080/v1"),
        ("gpu-box:99999", "http://gpu-box:11434/v1"),
        ("gpu-box:port", "http://gpu-box:11434/v1"),
        ("::1", "http://[::1]:11434/v1"),
        ("[::1]:8080", "http://[::1]:8080/v1"),
        ("[::]", "http://[::1]:11434/v1"),
    ],
)
def test_ollama_is_looked_for_where_its_own_client_would(host: str, url: str) -> None:
    """The rules are those of its own variable."""
    assert ollama_url(host) == url


@pytest.mark.parametrize(
    ("url", "vendor"),
    [
        (OFFICIAL, OPENAI),
        ("https://eu.api.openai.com/v1", OPENAI),
        ("https://api.openai.com.evil.example/v1", OTHER),
        ("http://localhost:8000/v1", OTHER),
    ],
)
def test_the_address_tells_whose_server_it_is(url: str, vendor: Vendor) -> None:
    """A name that only begins alike is somebody else's."""
    assert vendor_at(url) is vendor
