"""Findings as SARIF 2.1.0, which code scanning reads.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from stateflow.cli.chart import clean
from stateflow.cli.findings import Told
from stateflow.machine.check.code import CODES, Code
from stateflow.value import digest

__all__ = ["as_sarif"]

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_ROOT: Final = "%SRCROOT%"


def as_sarif(found: Sequence[Told]) -> str:
    """Return *found* as one run of a log; what is accepted is suppressed, with the reason."""
    driver: dict[str, Any] = {
        "name": "stateflow",
        "rules": [_rule(code) for code in CODES.values()],
    }
    with suppress(PackageNotFoundError):  # run from its sources
        driver["version"] = version("stateflow-agents")
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(one) for one in found],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return f"{json.dumps(log, ensure_ascii=False, indent=2)}\n"


def _rule(code: Code) -> dict[str, Any]:
    told = f"{code.why} See section {code.code} of docs/check.md."
    return {
        "id": code.code,
        "name": "".join(word.capitalize() for word in code.title.split()),
        "shortDescription": {"text": f"{code.title[0].upper()}{code.title[1:]}."},
        "fullDescription": {"text": code.why},
        "help": {"text": told, "markdown": told},
        "defaultConfiguration": {"level": code.severity},
    }


def _result(told: Told) -> dict[str, Any]:
    finding = told.finding
    text = f"{finding.text}; {finding.cure}."
    text += f"\n{finding.witness}" if finding.witness else ""
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": list(CODES).index(finding.code),
        "level": finding.severity,
        "message": {"text": _text(f"At {finding.place!r}: {text}")},
        "locations": [_location(told)],
        "partialFingerprints": {
            "stateflow/v1": digest([told.flow, finding.code, finding.place, finding.text])
        },
    }
    if finding.accepted:
        result["suppressions"] = [{"kind": "inSource", "justification": _text(finding.accepted)}]
    return result


def _location(told: Told) -> dict[str, Any]:
    place = clean(told.finding.place)
    logical = {"name": place, "fullyQualifiedName": f"{clean(told.flow)}/{place}"}
    location: dict[str, Any] = {"logicalLocations": [logical]}
    if told.file:
        location["physicalLocation"] = {
            "artifactLocation": _artifact(told.file),
            "region": {"startLine": told.line},
        }
    return location


def _artifact(file: str) -> dict[str, str]:
    """Return where *file* is: below the root of the sources, or anywhere."""
    path = Path(file)
    if path.is_absolute():
        return {"uri": path.as_uri()}
    return {"uri": quote(path.as_posix()), "uriBaseId": _ROOT}


def _text(text: str) -> str:
    """Return *text* for a message, in which no name can pass for a link."""
    return clean(text).replace("](", "\\](")
