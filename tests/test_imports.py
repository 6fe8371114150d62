from __future__ import annotations

import os
import subprocess
import sys

import pytest

HEAVY = (
    "anthropic",
    "azure",
    "cyclopts",
    "docker",
    "genai_prices",
    "graphviz",
    "httpx2",
    "mcp",
    "networkx",
    "openai",
    "rich",
    "sqlite3",
    "stateflow.engine.run",
    "stateflow.journal.event",
    "structlog",
    "tenacity",
    "xllamacpp",
)


@pytest.fixture(scope="module")
def loaded() -> frozenset[str]:
    command = [sys.executable, "-c", "import stateflow, sys; print(*sys.modules)"]
    unmeasured = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=unmeasured)
    printed = done.stdout
    return frozenset(printed.split())


@pytest.mark.parametrize("module", HEAVY)
def test_importing_stateflow_does_not_import(module: str, loaded: frozenset[str]) -> None:
    assert "stateflow.agents.assistant" in loaded
    assert module not in loaded


@pytest.mark.parametrize(
    ("model", "others"),
    [
        ("openai:gpt-5", {"anthropic", "azure", "mcp", "xllamacpp"}),
        ("anthropic:claude-opus-5", {"openai", "azure", "mcp", "xllamacpp"}),
    ],
)
def test_using_one_provider_imports_no_other(model: str, others: set[str]) -> None:
    run = (
        "import sys; from stateflow import *; "
        f"stop = run_sync(Flow('f', State('s', Assistant('a', {model!r}), to(None))), 'go').stop; "
        "assert stop.fault.name == 'AuthFailed', stop; print(*sys.modules)"
    )
    quiet = {k: v for k, v in os.environ.items() if not k.endswith(("_API_KEY", "_BASE_URL"))}
    command = [sys.executable, "-c", run]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, env=quiet).stdout
    loaded = set(printed.split())
    assert model.partition(":")[0] in loaded
    assert not loaded & others
