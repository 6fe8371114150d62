"""Files of the work folder: what a block makes comes out, and nothing else ever does."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from stateflow.conversation.file import File
from stateflow.sandbox.blocks import Block
from tests.support.boxes import Box, made, opened, small
from tests.support.engine import Engine


@pytest.fixture
async def box(engine: Engine) -> AsyncIterator[Box]:
    async with opened(engine, small(engine.image)) as box:
        yield box


async def test_files_that_a_block_makes_come_out_with_their_content(shared_box: Box) -> None:
    execution = await shared_box.python(
        "import os\nos.makedirs('out/deep')\nopen('out/deep/ü b.txt', 'w').write('hello')\n"
        "open('data.bin', 'wb').write(bytes(3))"
    )

    assert made(execution) == {"out/deep/ü b.txt": b"hello", "data.bin": bytes(3)}
    assert execution.detail == ""


async def test_only_what_a_block_changed_comes_out_of_it(box: Box) -> None:
    await box.session.put([File.from_bytes(b"given", name="in/given.txt")])
    run = box.session.run
    first = await run(Block("cat in/given.txt > copy; echo a > kept; echo b > changed", "sh"))
    second = await run(Block("cat kept; echo c > changed; rm copy", "sh"))
    third = await run(Block("printf now > in/given.txt", "sh"))

    assert made(first) == {"changed": b"b\n", "copy": b"given", "kept": b"a\n"}
    assert (second.stdout, made(second)) == ("a\n", {"changed": b"c\n"})
    assert made(third) == {"in/given.txt": b"now"}


async def test_a_named_block_is_kept_and_the_next_can_import_it(shared_box: Box) -> None:
    run = shared_box.session.run
    first = await run(Block("def double(x): return 2 * x", "python", "lib/twice.py"))
    second = await run(Block("from lib.twice import double; print(double(21))", "python"))
    third = await run(Block("import twice; print(twice.double(4))", "python", "lib/use.py"))

    assert (first.ok, second.stdout, third.stdout) == (True, "42\n", "8\n")


async def test_a_data_file_is_written_and_not_run(shared_box: Box) -> None:
    execution = await shared_box.session.run(Block("exit 7", "file", "data/a.csv"))

    assert (execution.exit_code, execution.stdout) == (0, "")
    assert (await shared_box.sh("cat data/a.csv")).stdout.rstrip("\n") == "exit 7"


@pytest.mark.parametrize(
    "name", ["../../x", "/etc/x", "a/../../x", "..", "a\nb", "x" * 300], ids=ascii
)
async def test_a_block_cannot_be_named_out_of_the_work_folder(shared_box: Box, name: str) -> None:
    execution = await shared_box.python("print('ran')", name)

    assert not execution.ok
    assert execution.stdout == ""
    assert execution.fault == "Refused"
    assert execution.detail


async def test_a_file_cannot_be_made_outside_of_the_work_folder(shared_box: Box) -> None:
    execution = await shared_box.python("open('../../x', 'w')")

    assert execution.exit_code == 1
    assert "Read-only file system" in execution.stderr


LINKS = """
import os
os.symlink("/etc/passwd", "to-a-file")
os.symlink("/etc", "to-a-folder")
os.symlink("itself", "itself")
os.mkfifo("fifo")
"""
SIZES = """
open("large", "wb").write(bytes(200_000))
open("y" * 255, "w").write("a")
open("-rf", "w")
"""
NAMES = r"""
open(b"\xff\xfe", "w").write("a")
open("line\nend", "w").write("a")
open("back\\slash", "w").write("a")
open("c:drive", "w").write("a")
"""
SPARSE = "open('sparse', 'w').truncate(1 << 40)  # a terabyte"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        pytest.param(LINKS, ["to-a-file", "to-a-folder", "itself", "fifo"], id="links"),
        pytest.param(SIZES, ["large", "y" * 60, "-rf"], id="sizes"),
        pytest.param(NAMES, ["line", "back", "c:drive"], id="names"),
        pytest.param(SPARSE, ["sparse"], id="sparse"),
    ],
)
async def test_what_cannot_come_out_is_left_out_and_named(
    shared_box: Box, code: str, told: list[str]
) -> None:
    execution = await shared_box.python(code)
    await shared_box.session.run(Block("rm -rf -- *", "sh"))

    assert execution.exit_code == 0, execution
    assert made(execution) == {}
    assert "left out" in execution.detail
    assert [one for one in told if one not in execution.detail] == []


async def test_of_ten_thousand_files_some_come_out_and_the_rest_is_told(box: Box) -> None:
    execution = await box.python(
        "import os\nos.mkdir('many')\nlast = 0\n"
        "try:\n    for last in range(10_000):\n        open(f'many/{last}', 'w').write('a')\n"
        "except OSError as error:\n    print(error.strerror)"
    )

    assert execution.exit_code == 0, execution
    assert len(execution.files) == 5
    assert "more" in execution.detail


async def test_a_socket_does_not_come_out(shared_box: Box) -> None:
    execution = await shared_box.python("import socket as s; s.socket(s.AF_UNIX).bind('socket')")

    assert execution.exit_code == 0
    assert made(execution) == {}


@pytest.mark.parametrize(("name", "deep"), [("d", 1_000), ("d" * 200, 50)], ids=["deep", "long"])
async def test_a_deep_folder_is_no_trouble(box: Box, name: str, deep: int) -> None:
    """The second is deeper than any one path may be."""
    execution = await box.python(
        f"import os\nfor _ in range({deep}):\n    os.mkdir({name!r})\n    os.chdir({name!r})\n"
        "open('bottom', 'w').write('a')\nprint('made')"
    )

    assert (execution.exit_code, execution.stdout) == (0, "made\n")


async def test_a_folder_that_nobody_may_enter_is_no_trouble(box: Box) -> None:
    execution = await box.sh("mkdir closed; echo a > closed/a; chmod 0 closed; echo b > open")

    assert execution.exit_code == 0
    assert made(execution)["open"] == b"b\n"


async def test_a_work_folder_that_was_closed_is_an_outcome(box: Box) -> None:
    await box.session.run(Block("chmod 0 /workspace", "sh"))

    execution = await box.session.run(Block("echo on", "sh"))

    assert execution.ok or execution.exit_code or execution.reset
