"""A cassette that was edited by hand: what is wrong is told with its line and its cure."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stateflow import canonical
from stateflow.testing import CassetteError, read_cassette

GOLDEN = Path(__file__).parent / "golden"


def copy(tmp_path: Path, text: str, name: str = "x.yaml") -> Path:
    """Put *text* where the golden files lie beside it."""
    if not (tmp_path / "files").exists():
        (tmp_path / "files").symlink_to(GOLDEN / "files")
    (tmp_path / name).write_bytes(text.encode("utf-8"))
    return tmp_path / name


def refusal(path: Path) -> str:
    """Return why the cassette at *path* is refused; empty where it is not."""
    try:
        read_cassette(path)
    except CassetteError as error:
        return str(error)
    return ""


def golden(name: str = "guarded_change") -> str:
    return (GOLDEN / f"{name}.yaml").read_text("utf-8")


CHANGES = [
    pytest.param(
        "by: planner", "bi: planner", "'bi' is no key of a turn; did you mean 'by'?", id="key"
    ),
    pytest.param(
        "- state: plan\n", "- state: plam\n", "no state 'plam'; did you mean 'plan'?", id="state"
    ),
    pytest.param(
        "  to: approve\n", "  to: aprove\n", "no state 'aprove'; did you mean", id="target"
    ),
    pytest.param(
        "  to: approve\n", "  to: test\n", "no transition of 'plan' leads to 'test'", id="way"
    ),
    pytest.param("  to: approve\n", "", "'to' is missing", id="no-target"),
    pytest.param(
        "cassette: 1",
        "cassette: 7",
        "written in version 7; this stateflow reads up to 1",
        id="newer",
    ),
    pytest.param("cassette: 1", "cassette: one", "the version is 'one'", id="version"),
    pytest.param("cassette: 1\n", "", "this is no cassette", id="no-version"),
    pytest.param("flow: g", "turns: []\nflow: g", "'turns' stands here twice", id="twice"),
    pytest.param("  by: planner", "\tby: planner", "not YAML.*never with tabs", id="tab"),
    pytest.param("by: planner", "by: &a planner", "&a is an anchor", id="anchor"),
    pytest.param("by: planner", "by: *a", r"\*a is an alias", id="alias"),
    pytest.param("by: planner", "by: !!str planner", "is a tag", id="tag"),
    pytest.param("by: planner", "by: 2020", "'by' is 2020, and should be a text", id="type"),
    pytest.param(
        "exit_code: 0", "exit_kode: 0", "'exit_kode' is no key of an effect", id="effect-key"
    ),
    pytest.param("\nend: done", "\nend: final", "'final' does not follow", id="end"),
    pytest.param("\nend: done", "", "cut in the middle", id="cut"),
    pytest.param("files/guarded", "files/other", "cannot be read", id="missing-file"),
    pytest.param(
        "files/guarded", "../guarded", "names nothing beside a cassette", id="out-of-folder"
    ),
    pytest.param("turns:\n", "turns: 5\nx:\n", "'x' is no key of a cassette", id="root-key"),
    pytest.param("\nend: done", "\nend: done\n---\na: 1", "a second document", id="documents"),
    pytest.param("flow: g", "flow: h", "the table is one of flow", id="other-flow"),
    pytest.param("\nend: done", "\nend: waiting", "no question is open", id="nobody-asked"),
    pytest.param("\nend: done", "\nend: {pause: 5}", "'pause' is 5, and should be", id="pause"),
    pytest.param("turns:\n", "budget: {trns: 5}\nturns:\n", "did you mean 'turns'", id="budget"),
    pytest.param("turns:\n", "budget: {turns: x}\nturns:\n", "a limit is a number", id="limit"),
    pytest.param("turns:\n", "models: {ann: 5}\nturns:\n", "should be a text", id="model"),
    pytest.param("turns:\n", "version: 99\nturns:\n", "schema version 99", id="schema"),
    pytest.param("turns:\n", "events: []\nturns:\n", "no event stands here", id="no-events"),
    pytest.param("turns:\n", "events: [1]\nturns:\n", "an event is 1", id="odd-event"),
    pytest.param("  to: approve\n", "  taken: x\n  to: approve\n", "'taken' is 'x'", id="taken"),
    pytest.param("  to: approve\n", "  tried: [x]\n  to: approve\n", "'tried' is 'x'", id="tried"),
    pytest.param("  to: approve\n", "  steps: 5\n", "steps: Input should be", id="steps"),
]


@pytest.mark.parametrize(("old", "new", "sentence"), CHANGES)
def test_a_slip_is_told_with_its_line_and_its_cure(
    old: str, new: str, sentence: str, tmp_path: Path
) -> None:
    text = golden()
    assert old in text
    path = copy(tmp_path, text.replace(old, new, 1))

    with pytest.raises(CassetteError) as caught:
        read_cassette(path)

    assert re.search(sentence, str(caught.value))
    assert str(path) in str(caught.value)
    assert caught.value.line is not None


def test_the_line_is_that_of_the_slip(tmp_path: Path) -> None:
    text = golden().replace("  by: tester", "  buy: tester", 1)
    line = text[: text.index("  buy: tester")].count("\n") + 1

    with pytest.raises(CassetteError, match=f"line {line}: 'buy' is no key"):
        read_cassette(copy(tmp_path, text))


@pytest.mark.parametrize("name", ["writer_critic", "guarded_change", "incident-wait"])
def test_a_cassette_cut_anywhere_is_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    text = golden(name).rstrip("\n")

    for at in range(0, len(text), 29):
        with pytest.raises(CassetteError):
            read_cassette(copy(tmp_path, text[:at]))


def test_of_a_cut_cassette_the_last_turn_is_named(tmp_path: Path) -> None:
    text = golden()
    text = text[: text.rindex("- state: ")]
    line = text[: text.rindex("- state: ")].count("\n") + 1

    assert f"line {line}: 'end' is missing" in refusal(copy(tmp_path, text))


def test_line_ends_of_windows_read_the_same(tmp_path: Path) -> None:
    path = copy(tmp_path, golden().replace("\n", "\r\n"))

    assert canonical(read_cassette(path)) == canonical(
        read_cassette(GOLDEN / "guarded_change.yaml")
    )


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        pytest.param(b"", "the cassette is empty", id="empty"),
        pytest.param(b"# only this\n", "the cassette is empty", id="comment"),
        pytest.param(b"a\n\xff\n", "line 2: this is not UTF-8", id="bytes"),
        pytest.param(b"hello", "this is no cassette", id="text"),
        pytest.param(b"[" * 20000, "nested more than 1000 deep", id="deep"),
        pytest.param(b"a: \x00", "not YAML", id="nul"),
        pytest.param(b"? [a]\n: 1\n", "a key is a text", id="odd-key"),
    ],
)
def test_what_is_no_cassette_is_refused_in_a_sentence(
    data: bytes, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "x.yaml").write_bytes(data)

    with pytest.raises(CassetteError, match=sentence):
        read_cassette(tmp_path / "x.yaml")


def test_a_missing_cassette_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match="there is no such cassette"):
        read_cassette(tmp_path / "x.yaml")


def test_a_table_that_was_changed_is_told_by_its_hash(tmp_path: Path) -> None:
    path = copy(tmp_path, golden())
    (tmp_path / "files").unlink()
    (tmp_path / "files").mkdir()
    for kept in (GOLDEN / "files").iterdir():
        (tmp_path / "files" / kept.name).write_bytes(kept.read_bytes() + b" ")

    with pytest.raises(CassetteError, match="is not what its hash says"):
        read_cassette(path)


def test_words_that_older_yaml_takes_for_others_are_texts(tmp_path: Path) -> None:
    text = golden().replace("answer: approve", "answer: no", 1)
    path = copy(tmp_path, text)

    assert '"answer":"no"' in canonical(read_cassette(path))


def test_no_change_of_a_line_ends_in_a_traceback(tmp_path: Path) -> None:
    """Each line is left out, doubled, and made a number, a list and nothing."""
    for name in ("writer_critic", "guarded_change"):
        lines = golden(name).splitlines()
        for number, line in enumerate(lines):
            key = line.partition(":")[0]
            for other in (
                [],
                [line, line],
                [f"{key}: 5"],
                [f"{key}: []"],
                [f"{key}: ~"],
                [f"{key}: {{a: 1}}"],
            ):
                changed = [*lines[:number], *other, *lines[number + 1 :]]
                told = refusal(copy(tmp_path, "\n".join(changed)))
                assert "could not be followed" not in told, changed[number : number + 2]
