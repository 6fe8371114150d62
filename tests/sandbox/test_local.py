"""The local sandbox: what it asks for, what it runs, and what a block leaves behind."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from stateflow.conversation.file import File
from stateflow.errors import DefinitionError, Refused, SandboxUnavailable
from stateflow.sandbox.blocks import Block
from stateflow.sandbox.local import LocalSandbox, NotIsolated
from stateflow.sandbox.local_session import LocalSession

LOCAL = LocalSandbox(allowed=True, time_limit_s=20)


@pytest.fixture
async def session(folders: Path) -> AsyncIterator[LocalSession]:
    opened = await begin(LOCAL)
    yield opened
    await opened.aclose()
    assert left_in(folders) == []


def left_in(folder: Path) -> Sequence[Path]:
    return list(folder.iterdir())


async def begin(sandbox: LocalSandbox) -> LocalSession:
    with pytest.warns(NotIsolated):
        return await sandbox.open()


def sh(code: str) -> Block:
    return Block(code, "sh")


def python(code: str, name: str = "") -> Block:
    return Block(code, "python", name)


async def test_it_does_not_open_unless_it_is_allowed(folders: Path) -> None:
    with pytest.raises(Refused, match=r"allow it with LocalSandbox\(allowed=True\)"):
        await LocalSandbox().open()
    assert left_in(folders) == []


async def test_it_warns_that_nothing_is_isolated(folders: Path) -> None:
    with pytest.warns(NotIsolated, match="isolates nothing: code could read, change and send"):
        session = await replace(LocalSandbox(), allowed=True).open()
    await session.aclose()


def test_its_risk_is_told_until_it_is_allowed() -> None:
    assert "whatever this user can" in LocalSandbox().risk
    assert LOCAL.risk == ""


def test_its_blocks_share_a_folder() -> None:
    assert (LOCAL.name, LOCAL.keeps) == ("local", True)


def test_equal_settings_are_equal_values() -> None:
    assert hash(LocalSandbox(memory_mb=64)) == hash(LocalSandbox(memory_mb=64))
    assert LocalSandbox(memory_mb=64) != LocalSandbox()
    assert LocalSandbox(memory_mb=64).form != LocalSandbox().form


@pytest.mark.parametrize(
    "limit",
    [
        "time_limit_s",
        "memory_mb",
        "processes_limit",
        "file_size_mb",
        "open_files_limit",
        "output_limit_bytes",
        "files_limit_bytes",
        "files_limit",
    ],
)
def test_a_limit_of_nothing_is_refused_by_its_name(limit: str) -> None:
    with pytest.raises(DefinitionError, match=limit):
        LocalSandbox(**{limit: 0})  # type: ignore[arg-type]  # allowed= is not among them


async def test_another_system_is_told_what_to_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stateflow.sandbox.local.os.name", "nt")

    with pytest.raises(SandboxUnavailable, match="needs Linux or macOS"):
        await LOCAL.open()


async def test_no_room_for_a_folder_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))

    with (
        warnings.catch_warnings(action="ignore", category=NotIsolated),
        pytest.raises(SandboxUnavailable, match=r"missing.*set TMPDIR"),
    ):
        await LOCAL.open()


@pytest.mark.parametrize(
    ("language", "code"),
    [
        pytest.param("python", "print('hi')", id="python"),
        pytest.param("sh", "echo hi", id="sh"),
        pytest.param("bash", "[[ a == a ]] && echo hi", id="bash"),
    ],
)
async def test_it_runs(session: LocalSession, language: str, code: str) -> None:
    done = await session.run(Block(code, language))

    assert (done.stdout, done.stderr, done.exit_code, done.fault) == ("hi\n", "", 0, "")
    assert done.language == language
    assert done.files == ()


async def test_it_runs_javascript_where_this_machine_has_it(session: LocalSession) -> None:
    if shutil.which("node") is None:
        if os.environ.get("CI"):
            pytest.fail("there is no node; .ci/run installs nodejs")
        pytest.skip("there is no node; apt-get install nodejs")

    done = await session.run(Block("console.log(6 * 7)", "javascript"))

    assert (done.stdout, done.exit_code) == ("42\n", 0)


async def test_a_language_whose_program_is_missing_is_not_told(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    session = await begin(LOCAL)

    assert session.languages == ("python",)  # known by its whole path
    assert set(LOCAL.languages) == {"python", "sh", "bash", "javascript"}
    await session.aclose()


async def test_stdout_and_stderr_are_apart_and_the_exit_code_is_its_own(
    session: LocalSession,
) -> None:
    done = await session.run(Block("echo out; echo err >&2; exit 3", "sh"))

    assert (done.stdout, done.stderr, done.exit_code) == ("out\n", "err\n", 3)
    assert not done.ok


async def test_python_is_the_one_that_runs_us(session: LocalSession) -> None:
    done = await session.run(python("import sys; print(sys.executable)"))

    assert done.stdout.strip() == sys.executable
    assert session.identity["python"] == ".".join(map(str, sys.version_info[:3]))


async def test_standard_input_is_empty(session: LocalSession) -> None:
    done = await session.run(python("import sys; print(repr(sys.stdin.read()))"))

    assert done.stdout == "''\n"


async def test_a_named_block_is_kept_and_a_later_one_imports_it(session: LocalSession) -> None:
    first = await session.run(python("def twice(x):\n    return 2 * x\n", "lib/double.py"))
    second = await session.run(python("from lib.double import twice\nprint(twice(21))"))
    third = await session.run(python("from lib.double import twice\nprint(twice(4))", "lib/use.py"))

    assert (first.files, second.files, third.files) == ((), (), ())
    assert (second.stdout, third.stdout) == ("42\n", "8\n")


async def test_files_made_and_changed_come_back_with_their_content(session: LocalSession) -> None:
    made = await session.run(python("import os; os.mkdir('d'); open('d/a.txt', 'w').write('one')"))
    same = await session.run(python("open('d/a.txt').read()"))
    changed = await session.run(python("open('d/a.txt', 'a').write(' two')"))

    assert [(file.name, file.content) for file in made.files] == [("d/a.txt", b"one")]
    assert same.files == ()
    assert [(file.name, file.content) for file in changed.files] == [("d/a.txt", b"one two")]


async def test_a_data_file_is_written_and_not_run(session: LocalSession) -> None:
    written = await session.run(Block("a,b\n1,2\n", "file", "data.csv"))
    read = await session.run(python("print(open('data.csv').read())"))

    assert (written.exit_code, written.files, read.files) == (0, (), ())
    assert "1,2" in read.stdout


async def test_files_are_put_in_and_do_not_count_as_made(session: LocalSession) -> None:
    await session.put([File.from_bytes(b"\x00\xff", name="in/raw.bin")])

    done = await session.run(python("print(open('in/raw.bin', 'rb').read())"))

    assert done.stdout == "b'\\x00\\xff'\n"
    assert done.files == ()


async def test_what_is_left_at_home_or_in_tmp_is_no_file_made(session: LocalSession) -> None:
    done = await session.run(Block('echo x > "$HOME/a"; mktemp; rm -f "$TMPDIR/none"', "sh"))

    assert done.exit_code == 0
    assert done.files == ()


async def test_code_sees_nothing_of_the_environment(
    session: LocalSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    monkeypatch.setenv("PYTHONSTARTUP", "/elsewhere")

    done = await session.run(python("import os; print(dict(os.environ))"))

    assert "hunter2" not in done.stdout
    assert set(eval(done.stdout)) - {"LC_CTYPE"} == {  # noqa: S307 - a dict that we printed
        "HOME",
        "LANG",
        "PATH",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONNOUSERSITE",
        "PYTHONPATH",
        "PYTHONUNBUFFERED",
        "TMPDIR",
    }


async def test_files_past_the_limit_are_named(folders: Path) -> None:
    session = await begin(replace(LOCAL, files_limit=2, files_limit_bytes=100))

    done = await session.run(
        sh("for i in 0 1 2; do echo x > $i.txt; done; head -c 200 /dev/zero > big")
    )

    assert [file.name for file in done.files] == ["0.txt", "1.txt"]
    assert "'2.txt'" in done.detail
    assert "'big'" in done.detail
    await session.aclose()


async def test_closed_twice_it_is_gone_and_runs_nothing(folders: Path) -> None:
    session = await begin(LOCAL)
    await session.aclose()
    await session.aclose()

    with pytest.raises(SandboxUnavailable, match="cannot write to its folder"):
        await session.run(python("print(1)"))
    assert left_in(folders) == []


async def test_a_shell_that_is_gone_since_is_told_as_a_shell_tells_it(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "bash"
    fake.write_text("#!/bin/sh\n")
    fake.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    session = await begin(LOCAL)
    fake.unlink()

    done = await session.run(Block("echo hi", "bash"))

    assert done.exit_code == 127
    assert "No such file" in done.stderr
    await session.aclose()
