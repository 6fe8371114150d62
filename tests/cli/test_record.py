"""``stateflow record``, and ``export --to test``: a run becomes a test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stateflow.journal.canonical import canonical
from stateflow.stores.file import read_file
from stateflow.testing.cassette.cassette import read_cassette
from tests.cli.made import Call, environment

TO = "tests/cassettes/x.yaml"


def ran(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Return what pytest, in a process of its own, says of the tests in *folder*."""
    (folder / "pytest.ini").write_text("[pytest]\n", "utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_run_becomes_a_cassette_and_a_green_test(sf: Call, folder: Path) -> None:
    came = sf("record", "done.py", "--input", "Go.", "--to", TO)

    assert came.code == 0
    assert "tests/test_x.py::test_x" in came.out
    assert read_cassette(folder / TO).started.source == "done.py"
    text = (folder / "tests/test_x.py").read_text("utf-8")
    assert 'assert_path(result, "(write → review){2}")' in text
    assert f"stateflow record done.py --input Go. --to {TO}" in text
    tested = ran(folder)
    assert tested.returncode == 0, tested.stdout
    assert "1 passed" in tested.stdout


def test_the_test_turns_red_when_a_prompt_changes(sf: Call, folder: Path) -> None:
    sf("record", "model.py", "--to", TO)
    before = (folder / "model.py").read_text("utf-8")
    changed = before.replace('prompt="Write."', 'prompt="Write at length."')
    assert changed != before
    (folder / "model.py").write_text(changed, "utf-8")

    tested = ran(folder)

    assert tested.returncode == 1
    assert "Write at length." in tested.stdout


STOPS = (
    ("done.py", 0, 'stop.kind == "done"'),
    ("stuck.py", 5, 'stop.kind == "stuck"'),
    ("fails.py", 1, 'stop.fault.name == "ValueError"'),
    ("gives_up.py", 1, 'stop.state == "no"'),
    ("asks.py", 4, 'stop.kind == "waiting"'),
    ("slow.py --budget turns=1", 3, 'stop.which == "turns"'),
)


def test_however_a_run_stops_it_makes_a_green_test_of_that(sf: Call, folder: Path) -> None:
    for number, (words, code, said) in enumerate(STOPS):
        test = folder / "tests" / f"test_{number}.py"

        came = sf("record", *words.split(), "--to", f"tests/cassettes/{number}.yaml", "--no-input")

        assert came.code == code
        assert said in test.read_text("utf-8")
        assert ("note" in came.out) == (code != 0)
    tested = ran(folder)
    assert (tested.returncode, f"{len(STOPS)} passed" in tested.stdout) == (0, True), tested.stdout


def test_two_runs_go_into_one_file_under_two_names(sf: Call, folder: Path) -> None:
    words = ("--test", "tests/test_all.py", "--name", "it_is_done")
    sf("record", "done.py", "--to", "tests/cassettes/a.yaml", *words)
    sf("record", "done.py", "--to", "tests/cassettes/b.yaml", *words)

    text = (folder / "tests/test_all.py").read_text("utf-8")

    assert "def test_it_is_done(" in text
    assert "def test_it_is_done_2(" in text
    assert 'replay("b.yaml")' in text


def test_a_cassette_that_is_there_is_kept(sf: Call, folder: Path) -> None:
    sf("record", "done.py", "--to", TO)
    before = (folder / TO).read_bytes()

    came = sf("record", "stuck.py", "--to", TO)

    assert came.code == 1
    assert "add --force" in came.err
    assert (folder / TO).read_bytes() == before


def test_forced_it_is_recorded_anew_and_its_test_is_left(sf: Call, folder: Path) -> None:
    sf("record", "done.py", "--to", TO)
    test = (folder / "tests/test_x.py").read_bytes()

    came = sf("record", "done.py", "--input", "other", "--to", TO, "--force")

    assert came.code == 0
    assert read_cassette(folder / TO).started.task == "other"
    assert (folder / "tests/test_x.py").read_bytes() == test
    assert "left as it was" in came.out


def test_forced_after_another_run_its_test_is_that_of_the_new_one(sf: Call, folder: Path) -> None:
    sf("record", "stuck.py", "--to", TO)

    came = sf("record", "done.py", "--to", TO, "--force")

    assert came.code == 0
    text = (folder / "tests/test_x.py").read_text("utf-8")
    assert text.count("def test_x(") == 1
    assert '"(write → review){2}"' in text
    assert "stuck" not in text


def test_forced_a_test_that_somebody_changed_is_left(sf: Call, folder: Path) -> None:
    sf("record", "stuck.py", "--to", TO)
    test = folder / "tests/test_x.py"
    ours = test.read_text("utf-8").replace('"stuck"', '"done"')
    test.write_text(ours, "utf-8")

    sf("record", "done.py", "--to", TO, "--force")

    assert test.read_text("utf-8") == ours


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        pytest.param(["--to", "x.jsonl"], 2, "end it in .yaml", id="suffix"),
        pytest.param(["--to", "folder.yaml"], 1, "is a folder; name the cassette", id="folder"),
        pytest.param(["--to", "done.py/x.yaml"], 1, "is no folder", id="below-a-file"),
        pytest.param(["--to", TO, "--test", "bad.py"], 1, "bad.py', line 1 is no", id="syntax"),
        pytest.param(["--to", TO, "--test", "latin.py"], 1, "is not UTF-8", id="encoding"),
        pytest.param(["--to", TO, "--test", "tests.txt"], 2, "end it in .py", id="no-python"),
        pytest.param(["--to", TO, "--test", "folder.py"], 1, "is a folder", id="test-folder"),
        pytest.param(["--to", TO, "--name", "a b"], 2, "is no name of a Python", id="name"),
    ],
)
def test_what_is_in_the_way_is_told_before_anything_runs(
    words: list[str], code: int, sentence: str, sf: Call, folder: Path
) -> None:
    (folder / "folder.yaml").mkdir()
    (folder / "folder.py").mkdir()
    (folder / "bad.py").write_text("def (\n", "utf-8")
    (folder / "latin.py").write_bytes(b"x = '\xe9'\n")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    came = sf("record", "done.py", *words)

    assert (came.code, came.out) == (code, "")
    assert sentence in came.err
    assert came.err.count("\n") == 1
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_nobody_may_write_to_is_told_before_anything_runs(
    sf: Call, folder: Path
) -> None:
    (folder / "shut").mkdir(mode=0o555)

    came = sf("record", "done.py", "--to", "shut/x.yaml")

    assert (came.code, came.out) == (1, "")
    assert "cannot be written" in came.err


def test_a_flow_outside_of_the_present_folder_is_refused(
    sf: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")

    came = sf("record", "../done.py", "--to", "x.yaml")

    assert came.code == 1
    assert "outside of the present folder" in came.err


def test_a_flow_in_json_is_refused_with_the_command_that_helps(sf: Call, folder: Path) -> None:
    sf("export", "model.py", "--out", "model.json")

    came = sf("record", "model.json", "--to", "x.yaml")

    assert came.code == 1
    assert "stateflow export model.json --out model.py" in came.err


def test_secrets_stand_neither_in_the_cassette_nor_in_the_test(
    sf: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_API_KEY", "hush-hush-123456")

    sf("record", "done.py", "--input", "my key is hush-hush-123456", "--to", TO)

    written = [path for path in (folder / "tests").rglob("*") if path.is_file()]
    assert len(written) > 1
    assert [one for one in written if "hush" in one.read_text("utf-8")] == []


def test_with_json_the_lines_have_stdout_for_themselves(sf: Call) -> None:
    came = sf("record", "done.py", "--to", TO, "--json")

    assert all(line.startswith("{") for line in came.out.splitlines())
    assert "test_x" in came.err


def test_an_interrupted_run_makes_no_test_and_stays_in_the_store(folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "stateflow", "record", "slow.py", "--to", TO],
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "turn 0" in line:
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "no cassette is written" in err
    assert "--to test --out tests/cassettes/x.yaml" in err
    assert not (folder / TO).exists()
    assert not (folder / "tests").exists()


def test_a_run_in_the_store_becomes_a_test(sf: Call, folder: Path) -> None:
    sf("run", "done.py", "--record", "x.jsonl")

    came = sf("export", "last", "--to", "test")

    assert came.code == 0
    assert canonical(read_cassette(folder / "tests/cassettes/tagline.yaml")) == canonical(
        read_file(folder / "x.jsonl")
    )
    assert ran(folder).returncode == 0


def test_a_second_run_of_a_flow_is_a_test_beside_the_first(sf: Call, folder: Path) -> None:
    for task in ("one", "two"):
        sf("run", "done.py", "--input", task)
        assert sf("export", "last", "--to", "test").code == 0

    tasks = [
        read_cassette(folder / f"tests/cassettes/tagline{number}.yaml").started.task
        for number in ("", "_2")
    ]
    assert tasks == ["one", "two"]


def test_a_file_of_json_lines_becomes_a_test(sf: Call, folder: Path) -> None:
    sf("run", "done.py", "--record", "x.jsonl")

    came = sf("export", "x.jsonl", "--to", "test", "--out", TO, "--name", "lines")

    assert came.code == 0
    assert "def test_lines(" in (folder / "tests/test_x.py").read_text("utf-8")


def test_a_test_that_is_red_from_the_start_is_told(sf: Call, folder: Path) -> None:
    sf("run", "done.py")
    text = (folder / "done.py").read_text("utf-8")
    (folder / "done.py").write_text(text.replace('says("APPROVED")', 'says("too")'), "utf-8")

    came = sf("export", "last", "--to", "test", "--out", TO)

    assert came.code == 1
    assert "does not replay" in came.err
    assert "review" in came.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param(["--to", "test"], "takes a RUN", id="no-run"),
        pytest.param(["last", "--to", "test", "--format", "json"], "takes a RUN", id="format"),
        pytest.param(["done.py", "--name", "x"], "go with --to test", id="without"),
        pytest.param(["nobody", "--to", "test"], "nobody", id="unknown"),
    ],
)
def test_exports_that_make_no_sense_are_refused(
    words: list[str], sentence: str, sf: Call, folder: Path
) -> None:
    sf("run", "done.py")

    came = sf("export", *words)

    assert came.code != 0
    assert sentence in came.err
    assert not (folder / "tests").exists()


def test_a_run_records_a_cassette_by_its_suffix(sf: Call, folder: Path) -> None:
    sf("run", "done.py", "--record", "x.yaml")

    assert read_cassette(folder / "x.yaml").started.flow == "tagline"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        pytest.param("a\nb.yaml", r"'\n' stands in it", id="line"),
        pytest.param('a"b.yaml', "stands in it", id="quote"),
        pytest.param("con.yaml", "Windows keeps it", id="reserved"),
        pytest.param(f"{'x' * 300}.yaml", "at most 200 bytes", id="long"),
    ],
)
def test_a_name_that_not_every_system_takes_is_refused_before_the_run(
    sf: Call, folder: Path, name: str, why: str
) -> None:
    came = sf("record", "done.py", "--input", "Go.", "--to", f"tests/cassettes/{name}")

    assert came.code == 2
    assert why in came.err
    assert not (folder / "tests").exists()


def test_the_folders_of_this_machine_are_not_in_the_test(sf: Call, folder: Path) -> None:
    sf("record", "done.py", "--input", "Go.", "--to", str(folder / TO))

    text = (folder / "tests/test_x.py").read_text("utf-8")
    assert f"--to {TO}" in text
    assert str(folder) not in text


def test_a_cassette_with_a_file_becomes_another_without_the_store(sf: Call, folder: Path) -> None:
    (folder / "note.txt").write_text("hello", "utf-8")
    sf("record", "done.py", "--input", "Go.", "--file", "note.txt", "--to", TO)

    came = sf("export", TO, "--to", "test", "--out", "more/y.yaml", "--store", "empty.db")

    assert came.code == 0, came.err
    assert read_cassette(folder / "more/y.yaml").started.files
    kept = [one.read_text("utf-8") for one in (folder / "more/files").iterdir()]
    assert "hello" in kept
