"""The tables of reasons, as people write them and as they slip."""

from __future__ import annotations

from pathlib import Path

import pytest

from stateflow.testing.reasons import ReasonsError, acceptances, exemptions, pyproject_of


def test_reasons_are_read_by_flow_and_transition(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(
        '[tool.stateflow.coverage.exempt.essay]\n"a -> b" = "why"\n"a →  c [failed]" = "so"\n',
        "utf-8",
    )

    assert exemptions(file) == {"essay": {"a → b": "why", "a → c [failed]": "so"}}


def test_reasons_of_survivors_are_read_by_id(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    assert acceptances(file) == {}

    file.write_text('[tool.stateflow.mutate.accept]\n"drop-cap at a/b" = "so\\nit is"\n', "utf-8")

    assert acceptances(file) == {"drop-cap at a/b": "so it is"}


def test_no_file_and_no_table_exempt_nothing(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    assert exemptions(file) == {}

    file.write_text('[project]\nname = "x"\n', "utf-8")
    assert exemptions(file) == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[tool", "is no TOML: "),
        ("tool = 1", "[tool.stateflow.coverage] is 1, not a table"),
        ("[tool.stateflow]\ncoverage = 'x'", "[tool.stateflow.coverage] is 'x', not a table"),
        ("[tool.stateflow.coverage]\nexmpt = {}", "has 'exmpt', which means nothing; it has: exem"),
        ("[tool.stateflow.coverage]\nexempt = ['a']", "coverage.exempt] is ['a'], not a table"),
        ("[tool.stateflow.coverage.exempt]\nessay = 'a'", "exempt.essay] is 'a', not a table"),
        (
            "[tool.stateflow.coverage.exempt.essay]\n'a → b' = ' '",
            "exempt.essay] lists 'a → b' and does not say why",
        ),
        (
            "[tool.stateflow.coverage.exempt.essay]\n'a → b' = 3",
            "exempt.essay] lists 'a → b' and does not say why",
        ),
    ],
    ids=["toml", "tool", "coverage", "word", "exempt", "flow", "blank", "number"],
)
def test_a_table_of_another_shape_is_one_sentence(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(text, "utf-8")

    with pytest.raises(ReasonsError) as caught:
        exemptions(file)

    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_bytes(b"\xff\xfe")

    with pytest.raises(ReasonsError, match="cannot be read"):
        exemptions(file)


def test_the_nearest_file_above_is_meant(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("", "utf-8")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)

    assert pyproject_of(below) == tmp_path / "pyproject.toml"
