"""Node.js, and the packages that read what is drawn and exported: Mermaid, XState."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

MODULES = Path(os.environ.get("STATEFLOW_NODE", "missing")) / "node_modules"
"""Where the packages are, which the session ``tests`` of the noxfile installs."""

_THERE = shutil.which("node") is not None and MODULES.is_dir()

needs_node = pytest.mark.skipif(
    not _THERE and not os.environ.get("CI"),
    reason="needs Node.js, and packages that `nox -s tests` installs; or install what PACKAGES in "
    "the noxfile names with `npm install --prefix DIR`, and set STATEFLOW_NODE=DIR",
)
