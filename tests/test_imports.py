from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "anthropic",
    "cyclopts",
    "docker",
    "graphviz",
    "networkx",
    "openai",
    "rich",
    "sqlite3",
    "structlog",
    "xllamacpp",
)


@pytest.fixture(scope="module")
def loaded() -> frozenset[str]:
    command = [sys.executable, "-c", "import stateflow, sys; print(*sys.modules)"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return frozenset(printed.split())


@pytest.mark.parametrize("module", HEAVY)
def test_importing_stateflow_does_not_import(module: str, loaded: frozenset[str]) -> None:
    assert "stateflow.engine.run" in loaded
    assert module not in loaded
