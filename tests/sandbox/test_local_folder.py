"""The work folder of the local sandbox under hostile code: nothing is read or written past it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from stateflow.conversation.file import File
from stateflow.errors import Refused
from stateflow.sandbox import disk
from stateflow.sandbox.blocks import Block
from stateflow.sandbox.local import LocalSandbox
from stateflow.sandbox.local_session import LocalSession

LOCAL = LocalSandbox(allowed=True, time_limit_s=20)

pytestmark = pytest.mark.filterwarnings("ignore::stateflow.sandbox.local.NotIsolated")


@pytest.fixture
async def session(folders: Path) -> AsyncIterator[LocalSession]:
    opened = await LOCAL.open()
    yield opened
    await opened.aclose()
    assert left_in(folders) == []


def left_in(folder: Path) -> Sequence[Path]:
    return list(folder.iterdir())


def named(folder: Path, name: str) -> Sequence[Path]:
    return list(folder.rglob(name))


def sh(code: str) -> Block:
    return Block(code, "bash")


def python(code: str) -> Block:
    return Block(code, "python")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("../../x.py", id="above"),
        pytest.param("/etc/x.py", id="absolute"),
        pytest.param("a/../../x.py", id="around"),
        pytest.param("a\nb.py", id="line-break"),
        pytest.param("x" * 300, id="long"),
        pytest.param("d/", id="folder"),
    ],
)
async def test_a_name_that_leads_out_is_refused(
    session: LocalSession, folders: Path, name: str
) -> None:
    done = await session.run(Block("print(1)", "python", name))
    data = await session.run(Block("1", "file", name))

    assert (done.fault, done.exit_code, done.stdout) == ("Refused", None, "")
    assert data.fault == "Refused"
    assert repr(name) in done.detail
    assert named(folders, "x.py") == []
    with pytest.raises(Refused, match="cannot name a file"):
        await session.put([File.from_bytes(b"1", name=name)])


async def test_a_data_file_without_a_name_is_refused(session: LocalSession) -> None:
    assert (await session.run(Block("1", "file"))).fault == "Refused"


@pytest.mark.parametrize(
    ("code", "name"),
    [
        pytest.param("ln -s {outside} d", "d/x", id="folder-that-is-a-link"),
        pytest.param("echo > d", "d/x", id="folder-that-is-a-file"),
        pytest.param("mkdir -p d/x", "d/x", id="file-that-is-a-folder"),
    ],
)
async def test_nothing_is_written_past_what_is_in_the_way(
    session: LocalSession,
    folders: Path,
    tmp_path_factory: pytest.TempPathFactory,
    code: str,
    name: str,
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    await session.run(sh(code.format(outside=outside)))

    done = await session.run(Block("1", "file", name))

    assert done.fault == "Refused"
    assert "cannot be written" in done.detail
    assert left_in(outside) == []


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("ln -s {outside} x", id="link"),
        pytest.param("mkfifo x", id="pipe"),
        pytest.param("echo old > x; chmod 0 x", id="read-only"),
        pytest.param("ln {outside} x", id="hard-link"),
    ],
)
async def test_a_file_is_replaced_and_never_written_through(
    session: LocalSession, tmp_path_factory: pytest.TempPathFactory, code: str
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "file"
    outside.write_text("theirs")
    await session.run(sh(code.format(outside=outside)))

    done = await session.run(Block("ours", "file", "x"))

    assert done.exit_code == 0
    assert outside.read_text() == "theirs"
    assert (await session.run(sh("cat x"))).stdout == "ours"


async def test_links_pipes_and_strange_names_are_left_out_and_named(session: LocalSession) -> None:
    code = (
        "ln -s /etc/passwd link; ln -s /etc folder; mkfifo pipe; echo hi > fine; "
        "touch empty; echo x > $'odd\\n'; echo x > $'\\xff'"
    )

    done = await session.run(sh(code))

    assert [file.name for file in done.files] == ["fine"]
    for name in ("'link'", "'folder'", "'pipe'", "'empty'", "udcff"):
        assert name in done.detail
    assert "root:" not in repr(done)


async def test_a_folder_without_end_is_looked_through_and_removed(session: LocalSession) -> None:
    code = "import os\nfor _ in range(1500):\n    os.mkdir('dddd')\n    os.chdir('dddd')\n"

    done = await session.run(python(f"{code}open('deep', 'w').write('x')\n"))

    assert done.exit_code == 0
    assert done.files == ()
    assert "not safe" in done.detail


async def test_more_entries_than_anybody_wants_are_cut_short(
    session: LocalSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "_MOST", 20)

    done = await session.run(sh("for i in $(seq 30); do echo x > $i; done"))

    assert len(done.files) == 19  # one of them is the block itself
    assert "after 20 entries" in done.detail


async def test_what_nobody_may_write_to_is_removed(folders: Path) -> None:
    session = await LOCAL.open()

    await session.run(sh("mkdir -p a/b; echo x > a/b/c; chmod 0 a/b/c a/b; chmod 500 a; chmod 0 ."))
    await session.aclose()

    assert left_in(folders) == []


async def test_a_folder_swapped_for_a_link_does_not_lead_out(
    folders: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "precious").write_text("x")
    session = await LOCAL.open()

    swapped = await session.run(
        sh(f'root=$(dirname "$(pwd -P)"); mv "$root" "$root-moved"; ln -s {outside} "$root"')
    )
    await session.aclose()

    assert swapped.exit_code == 0
    assert (outside / "precious").read_text() == "x"
