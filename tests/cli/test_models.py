"""Models, keys, files and the cache on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.made import HEAD, Call
from tests.cli.served import saying, served

PNG = b"\x89PNG\r\n\x1a\n"


def models_in(journal: str) -> list[str]:
    """Return the models that were asked, in order."""
    events = map(json.loads, journal.splitlines())
    return [e["args"]["model"] for e in events if e.get("op") == "model.call"]


def test_a_bare_model_is_for_everybody_who_asks_one_choosers_too(sf: Call) -> None:
    assert sf("run", "chat.py").code == 0
    assert models_in(sf("show", "last", "--json").out) == [
        "scripted:never",
        "scripted:said",
        "scripted:c",
    ]
    came = sf("run", "chat.py", "--model", "scripted:d")
    assert came.code == 0
    assert models_in(sf("show", "last", "--json").out) == ["scripted:d"] * 3
    assert "a → b → d" in came.out


@pytest.mark.parametrize("order", [1, -1])
def test_a_model_for_one_agent_wins_over_the_bare_one(sf: Call, order: int) -> None:
    words = [["--model", "two=scripted:hm"], ["--model", "scripted:c=d#e"]][::order]
    chooser = ["--model", "by_model('scripted:c')=scripted:d"]
    assert sf("run", "chat.py", *words[0], *words[1], *chooser).code == 0
    asked = models_in(sf("show", "last", "--json").out)
    assert asked == ["scripted:c=d#e", "scripted:hm", "scripted:d"]


def test_a_server_is_named_by_its_address(sf: Call) -> None:
    with served(saying("Good ", "day.")) as server:
        came = sf("run", "model.py", "--model", server.url)
    assert came.code == 0
    assert "writer · m  12 tok  cost unknown" in came.err
    assert "       Good day." in came.err
    assert "12 tok · cost unknown" in came.out
    assert "  write  12 tok  cost unknown" in sf("show", "last").out


@pytest.mark.parametrize(
    ("model", "variable"),
    [("openai:gpt-5", "OPENAI_API_KEY"), ("anthropic:claude-opus-5", "ANTHROPIC_API_KEY")],
)
def test_a_missing_key_is_told_with_its_cure_and_nothing_is_lost(
    sf: Call, monkeypatch: pytest.MonkeyPatch, model: str, variable: str
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    came = sf("run", "model.py", "--model", model)
    assert came.code == 1
    assert came.out.splitlines()[0] == (
        f"failed at 'write': AuthFailed: {model} needs a key: export {variable}=..."
    )
    assert "stateflow resume " in came.out
    assert "Traceback" not in came.err


def test_money_is_told_with_the_date_of_its_price_list(
    sf: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-key-12345")
    with served(saying("Hi.")) as server:
        base = server.url.removeprefix("openai+").removesuffix("#m")
        monkeypatch.setenv("OPENAI_BASE_URL", base)
        flow = (
            f"{HEAD}priced = Model('openai:gpt-4o', price=Price(2.0, 8.0, listed='2026-10-26'))\n"
            "one = Assistant('one', model=priced)\n"
            "flow = Flow('priced', State('a', one, to('b')), State('b', one, to(None)))\n"
        )
        (folder / "priced.py").write_text(flow, "utf-8")
        came = sf("run", "priced.py")
    assert came.code == 0
    assert "24 tok · $0.0001 at prices of 2026-10-26" in came.out
    shown = sf("show", "last").out
    assert "24 tok · $0.0001 at prices of 2026-10-26" in shown
    assert "  b  12 tok  $0.0001\n" in shown


def test_files_are_attached_shown_and_recorded(sf: Call, folder: Path) -> None:
    (folder / "a.png").write_bytes(PNG)
    (folder / "b.pdf").write_bytes(b"%PDF-1.7")
    came = sf(
        *("run", "done.py", "--input", "look", "--file", "a.png", "--file", "b.pdf"),
        *("--record", "kept/x.jsonl"),
    )
    assert came.code == 0
    assert "       with a.png, b.pdf\n" in came.err
    assert "user\n    look\n    with a.png, b.pdf\n" in sf("show", "last", "--messages").out
    kept = {path.read_bytes() for path in (folder / "kept/x.jsonl.files").iterdir()}
    assert kept == {PNG, b"%PDF-1.7"}
    assert sf("replay", "kept/x.jsonl").code == 0


def test_files_reach_the_model(sf: Call, folder: Path) -> None:
    (folder / "a.png").write_bytes(PNG)
    with served(saying("A picture.")) as server:
        assert sf("run", "model.py", "--model", server.url, "--file", "a.png").code == 0
    assert b"data:image/png;base64," in server.requests[0]
    assert sf("replay", "last").code == 0


def test_equal_requests_are_answered_from_the_cache(sf: Call) -> None:
    with served(saying("Once.")) as server:
        words = ["run", "model.py", "--model", server.url, "--cache", "kept/replies.db"]
        assert "answered from the cache" not in sf(*words).err
        again = sf(*words)
    assert "       answered from the cache\n       Once.\n" in again.err
    assert len(server.requests) == 1
    assert sf("fork", "last", "--at", "0", "--cache", "kept/replies.db").code == 0
    assert sf("replay", "last").code == 0


def test_a_cache_that_is_none_is_told(sf: Call) -> None:
    came = sf("run", "model.py", "--cache", "model.py")
    assert came.code == 1
    assert "'model.py'" in came.err
    assert "Traceback" not in came.err


def test_the_help_tells_the_options(sf: Call) -> None:
    out = " ".join(sf("run", "--help").out.replace("│", " ").split())
    assert "AGENT=NAME: only this agent" in out
    assert "Attach this image or document to the task" in out
    assert "equal requests get them again" in out
