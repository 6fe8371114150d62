"""A work folder that is the host's own: code may plant links there, and the host follows none."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from stateflow.conversation.file import File
from stateflow.sandbox.blocks import Block
from tests.support.boxes import Box, made, opened, small
from tests.support.engine import Engine

SECRET = "a file of the host"


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o777)
    (folder / "given").write_text("from the host")
    yield folder
    subprocess.run(["rm", "-rf", folder], check=True)  # pytest cannot remove one that is deep


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Return a folder beside it, which anyone could write to who got there."""
    folder = tmp_path / "outside"
    folder.mkdir()
    folder.chmod(0o777)
    victim = folder / "victim"
    victim.write_text(SECRET)
    victim.chmod(0o666)
    return folder


@pytest.fixture
async def box(engine: Engine, shared: Path) -> AsyncIterator[Box]:
    if engine.folder is None and not engine.address.startswith("unix:"):
        pytest.skip("the engine is elsewhere: it cannot mount a folder of this machine")
    async with opened(engine, small(engine.image, folder=str(shared))) as box:
        yield box


async def test_files_lie_in_the_folder_and_come_out(box: Box, shared: Path) -> None:
    execution = await box.sh("cat given; mkdir d; echo made > d/new")

    assert execution.stdout == "from the host"
    assert made(execution) == {"d/new": b"made\n"}
    assert (shared / "d" / "new").read_text() == "made\n"


async def test_no_link_is_followed_to_read_a_file_of_the_host(
    box: Box, shared: Path, outside: Path
) -> None:
    execution = await box.sh(
        f"ln -s {outside}/victim file; ln -s {outside} folder; ln -s ../outside up; mkfifo pipe"
    )

    assert execution.exit_code == 0
    assert made(execution) == {}
    assert SECRET not in str(execution)
    assert (shared / "file").is_symlink()


async def test_no_link_is_followed_to_write_a_file_of_the_host(
    box: Box, shared: Path, outside: Path
) -> None:
    await box.session.run(
        Block(
            f"ln -s {outside} way; ln -s {outside}/victim named.py; mkdir real; "
            f"for one in py sh js; do ln -sf {outside}/victim .block.$one; done",
            "sh",
        )
    )
    for block in (
        Block("print('over')", "python"),
        Block("echo over", "sh"),
        Block("print('over')", "python", "named.py"),
        Block("print('over')", "python", "way/new.py"),
        Block("over", "file", "way/victim"),
    ):
        await box.session.run(block)
    await box.session.put([File.from_bytes(b"over", name="way/victim")])

    assert (outside / "victim").read_text() == SECRET
    assert names(outside) == ["victim"]


async def test_a_deep_folder_is_no_trouble(box: Box) -> None:
    execution = await box.python(
        "import os\nfor _ in range(1_200):\n    os.mkdir('d')\n    os.chdir('d')\nprint('made')"
    )

    assert (execution.exit_code, execution.stdout) == (0, "made\n")


async def test_the_folder_stays_when_the_session_ends(engine: Engine, shared: Path) -> None:
    async with opened(engine, small(engine.image, folder=str(shared))) as box:
        await box.sh("echo a > b")

    assert (shared / "b").read_text() == "a\n"


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())
