"""Blocks in a session of a pool that holds to Azure's API and really runs them."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from stateflow.conversation.file import File
from stateflow.errors import DefinitionError, SandboxUnavailable
from stateflow.sandbox import azure_launch
from stateflow.sandbox.azure import AzureSandbox
from stateflow.sandbox.azure_plan import Plan, read_report
from stateflow.sandbox.azure_session import AzureSession
from stateflow.sandbox.blocks import Block
from tests.support.azure_pool import LocalPool, Signed, local_pool, reporting

ENDPOINT = "https://westeurope.dynamicsessions.io/subscriptions/0/resourceGroups/g/sessionPools/p"


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[LocalPool]:
    with local_pool(tmp_path / "pool") as pool:
        yield pool


@asynccontextmanager
async def opened(pool: LocalPool, **settings: Any) -> AsyncGenerator[AzureSession]:  # noqa: ANN401 - of the sandbox
    session = await AzureSandbox(pool.endpoint, credential=Signed(), **settings).open()
    try:
        yield session
    finally:
        await session.aclose()


def py(code: str, name: str = "") -> Block:
    return Block(code, "python", name)


async def test_a_block_is_a_program_with_an_exit_code_and_two_streams(pool: LocalPool) -> None:
    code = "import sys\nprint('out')\nprint('err', file=sys.stderr)\nsys.exit(3)"

    async with opened(pool) as session:
        execution = await session.run(py(code))

    assert (execution.language, execution.exit_code, execution.fault) == ("python", 3, "")
    assert (execution.stdout, execution.stderr) == ("out\n", "err\n")
    assert execution.files == ()


async def test_blocks_share_the_work_folder_and_no_variables(pool: LocalPool) -> None:
    async with opened(pool) as session:
        await session.run(py("x = 1\nopen('kept.txt', 'w').write('kept')"))
        execution = await session.run(py("print(open('kept.txt').read())\nprint(x)"))

    assert execution.stdout == "kept\n"
    assert "NameError" in execution.stderr
    assert execution.exit_code == 1


async def test_a_block_that_is_killed_has_the_exit_code_a_shell_gives(pool: LocalPool) -> None:
    async with opened(pool) as session:
        execution = await session.run(py("import os\nos.kill(os.getpid(), 9)"))

    assert (execution.exit_code, execution.fault) == (137, "")


@pytest.mark.parametrize(
    "content", [bytes(range(256)), b"a\r\n--x\r\n\r\n--", b"\r", "é€".encode()]
)
async def test_files_go_in_and_out_byte_for_byte(pool: LocalPool, content: bytes) -> None:
    code = "data = open('in/sub/a b.bin', 'rb').read()\nopen('out.bin', 'wb').write(data * 2)"

    async with opened(pool) as session:
        await session.put([File.from_bytes(content, name="in/sub/a b.bin")])
        execution = await session.run(py(code))

    assert [(file.name, file.content) for file in execution.files] == [("out.bin", content * 2)]


async def test_a_file_in_a_folder_with_a_dot_and_odd_characters_comes_out(pool: LocalPool) -> None:
    code = "import os\nos.makedirs('v1.2')\nopen('v1.2/what?*+.txt', 'w').write('x')"

    async with opened(pool) as session:
        execution = await session.run(py(code))

    assert [file.name for file in execution.files] == ["v1.2/what?*+.txt"]


async def test_only_what_is_new_or_changed_is_a_file_made(pool: LocalPool) -> None:
    async with opened(pool) as session:
        await session.put([File.from_bytes(b"put", name="put.txt")])
        await session.run(py("open('a.txt', 'w').write('1'); open('b.txt', 'w').write('1')"))
        execution = await session.run(
            py(
                "open('a.txt', 'w').write('2'); open('b.txt', 'w').write('1')\n"
                "open('put.txt', 'w').write('put')"
            )
        )

    assert [(file.name, file.content) for file in execution.files] == [("a.txt", b"2")]


async def test_a_named_block_is_kept_and_found_as_a_module(pool: LocalPool) -> None:
    async with opened(pool) as session:
        first = await session.run(py("def twice(x): return 2 * x", "helper.py"))
        second = await session.run(py("from helper import twice\nprint(twice(21))", "main.py"))

    assert (first.ok, first.files, second.stdout, second.files) == (True, (), "42\n", ())


async def test_a_data_file_is_written_and_not_run(pool: LocalPool) -> None:
    async with opened(pool) as session:
        written = await session.run(Block("raise SystemExit(1)", "file", "data/x.csv"))
        execution = await session.run(py("print(open('data/x.csv').read())"))

    assert (written.exit_code, written.fault) == (0, "")
    assert (execution.stdout, execution.files) == ("raise SystemExit(1)\n", ())


async def test_a_session_tells_the_languages_that_it_has(pool: LocalPool) -> None:
    async with opened(pool) as session:
        told = session.languages
        execution = await session.run(Block("echo $0 | tail -c 10; exit 4", "sh"))

    assert told[:2] == ("python", "sh")
    assert (execution.language, execution.exit_code) == ("sh", 4)
    assert execution.stdout == ".block.sh\n"


async def test_standard_input_is_empty(pool: LocalPool) -> None:
    async with opened(pool) as session:
        execution = await session.run(py("import sys\nprint(repr(sys.stdin.read()))"))

    assert execution.stdout == "''\n"


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("while True: pass", id="busy"),
        pytest.param(
            "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)",
            id="ignores-sigterm",
        ),
        pytest.param(
            "import os, time\nos.close(1)\nos.close(2)\ntime.sleep(60)", id="closes-streams"
        ),
    ],
)
async def test_a_block_ends_at_its_time_limit_and_the_session_goes_on(
    pool: LocalPool, code: str
) -> None:
    async with opened(pool, time_limit_s=2.0) as session:
        await session.run(Block("echo kept > kept.txt", "sh"))
        late = await session.run(py(code))
        after = await session.run(Block("cat kept.txt", "sh"))
        left = pool.running(pool.sessions[0])

    assert (late.fault, late.exit_code, late.reset) == ("TimedOut", None, False)
    assert late.detail == "It was ended after 2 s, its time limit."
    assert (after.stdout, left) == ("kept\n", [])


async def test_what_a_block_did_before_its_time_limit_is_kept(pool: LocalPool) -> None:
    async with opened(pool, time_limit_s=2.0) as session:
        late = await session.run(Block("echo begun | tee kept.txt; sleep 60", "sh"))

    assert (late.fault, late.stdout) == ("TimedOut", "begun\n")
    assert [(file.name, file.content) for file in late.files] == [("kept.txt", b"begun\n")]


async def test_output_is_kept_within_its_limit_head_and_tail(pool: LocalPool) -> None:
    code = (
        "import sys\nsys.stdout.write('BEGIN')\n"
        "for _ in range(320): sys.stdout.write('x' * 65536)\n"
        "sys.stdout.write('END')\nsys.stderr.buffer.write(bytes(range(256)) * 100)"
    )

    async with opened(pool, output_limit_bytes=1000) as session:
        execution = await session.run(py(code))

    assert execution.exit_code == 0
    assert execution.stdout.startswith("BEGINxxx")
    assert execution.stdout.endswith("xxxEND")
    assert "[... 20,970,528 bytes left out ...]" in execution.stdout
    assert len(execution.stdout) < 1100
    assert "bytes left out" in execution.stderr


ORPHANS = {
    "background": "import subprocess\nsubprocess.Popen(['sleep', '60.NUMBER'])",
    "own-session": "import os\nos.system('setsid sleep 60.NUMBER &')",
    "nothing-inherited": (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        os.execve('/bin/sleep', ['sleep', '60.NUMBER'], {'PATH': '/bin'})\n"
        "    os._exit(0)\n"
        "os.wait()"
    ),
    "many-forks": (
        "import os, time\n"
        "first = os.getpid()\n"
        "for _ in range(5): os.fork()\n"
        "if os.getpid() != first and os.getpid() % 2: os.setsid()\n"
        "time.sleep(60)"
    ),
}


@pytest.mark.parametrize("code", ORPHANS.values(), ids=ORPHANS.keys())
async def test_no_process_of_a_block_is_left(pool: LocalPool, code: str) -> None:
    number = str(secrets.randbelow(10**12))
    code = code.replace("NUMBER", number)

    async with opened(pool, time_limit_s=2.0) as session:
        execution = await session.run(py(f"{code}\nprint('over')"))
        left = pool.running(pool.sessions[0])

    assert execution.stdout == "over\n" or execution.fault == "TimedOut"
    assert not execution.reset
    assert left == []
    assert not _is_run(f"sleep 60.{number}")


def _is_run(command: str) -> bool:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if command in path.read_text(errors="replace").replace("\0", " "):
                return True
    return False


@pytest.mark.parametrize("name", ["../x.py", "/etc/x.py", "a/../../x.py", "x\n.py", "a\\..\\x.py"])
async def test_a_block_with_a_name_that_leads_out_is_refused(pool: LocalPool, name: str) -> None:
    async with opened(pool) as session:
        execution = await session.run(py("print(1)", name))

    assert (execution.fault, execution.exit_code) == ("Refused", None)
    assert repr(name) in execution.detail


async def test_a_block_cannot_be_put_where_a_link_leads_out(
    pool: LocalPool, tmp_path: Path
) -> None:
    outside = tmp_path / "elsewhere"
    outside.mkdir()

    async with opened(pool) as session:
        await session.run(py(f"import os\nos.symlink({str(outside)!r}, 'lib')"))
        execution = await session.run(py("print(1)", "lib/x.py"))

    assert execution.fault == "Refused"
    assert "a link leads out" in execution.detail
    assert list(outside.iterdir()) == []
    outside.rmdir()


async def test_links_and_devices_are_named_and_never_read(pool: LocalPool) -> None:
    code = (
        "import os\n"
        "os.symlink('/etc/passwd', 'passwd.txt')\n"
        "os.symlink('/etc', 'etc')\n"
        "os.mkfifo('pipe')\n"
        "open('good.txt', 'w').write('good')"
    )

    async with opened(pool) as session:
        execution = await session.run(py(code))

    assert [file.name for file in execution.files] == ["good.txt"]
    assert "'passwd.txt' (a link or a device)" in execution.detail
    assert "'pipe' (a link or a device)" in execution.detail
    assert "'etc' (a link or a device)" in execution.detail


async def test_names_that_are_not_safe_here_are_left_out(pool: LocalPool) -> None:
    code = (
        "for name in (b'bad\\xff.txt', b'a\\nb.txt', b'..\\\\x.txt', b'x' * 201):\n"
        "    open(name, 'wb').write(b'1')"
    )

    async with opened(pool) as session:
        execution = await session.run(py(code))

    assert execution.files == ()
    assert execution.detail.count("its name is not safe") == 4
    assert execution.detail.isprintable()


async def test_a_session_that_lies_about_names_writes_nowhere(pool: LocalPool) -> None:
    """The report comes from where untrusted code runs, so its names are only ever names."""
    async with opened(pool) as session:
        names = ["../../x", "/etc/passwd", "C:x", "a/../../b"]
        pool.change = reporting(files=[[name, 4, "other"] for name in names])
        execution = await session.run(py("open('good.txt', 'w').write('good')"))

    assert execution.files == ()
    assert execution.detail.count("its name is not safe") == 4
    fetched = [asked.path for asked in pool.asked if asked.method == "GET"]
    assert all(path.startswith("files/stateflow-") for path in fetched)


async def test_files_beyond_the_limits_are_named_and_come_later(pool: LocalPool) -> None:
    code = "for name in 'abcd': open(name + '.txt', 'w').write(name)\nopen('e', 'w')"

    async with opened(pool, files_limit=2) as session:
        first = await session.run(py(code))
        second = await session.run(py("pass"))

    assert [file.name for file in first.files] == ["a.txt", "b.txt"]
    assert "Files left for later: 'c.txt', 'd.txt' (more than 2 files" in first.detail
    assert "'e' (empty)" in first.detail
    assert [(file.name, file.content) for file in second.files] == [
        ("c.txt", b"c"),
        ("d.txt", b"d"),
    ]


async def test_a_file_that_is_too_large_stays_there(pool: LocalPool) -> None:
    code = "open('big.bin', 'wb').write(b'x' * 2000)\nopen('small.bin', 'wb').write(b'x' * 900)"

    async with opened(pool, files_limit_bytes=1000) as session:
        execution = await session.run(py(code))

    assert [(file.name, file.size) for file in execution.files] == [("small.bin", 900)]
    assert "'big.bin' (2,000 bytes, more than 1,000)" in execution.detail


async def test_thousands_of_files_are_told_in_a_sentence(pool: LocalPool) -> None:
    code = "for number in range(1_000): open(f'{number:05}.txt', 'w').write('x')"

    async with opened(pool, files_limit=3) as session:
        execution = await session.run(py(code))

    assert [file.name for file in execution.files] == ["00000.txt", "00001.txt", "00002.txt"]
    assert "800 more files were not looked at." in execution.detail
    assert len(execution.detail) < 1000


async def test_two_sessions_are_apart(pool: LocalPool) -> None:
    async with opened(pool) as one, opened(pool) as other:
        await one.run(py("open('secret.txt', 'w').write('mine')"))
        execution = await other.run(py("import os\nprint(os.path.exists('secret.txt'))"))
        sessions = pool.sessions

    assert execution.stdout == "False\n"
    assert len(set(sessions)) == 2
    assert all(len(identifier) == 32 for identifier in sessions)
    assert pool.sessions == []


async def test_closing_ends_the_session_and_what_runs_in_it(pool: LocalPool) -> None:
    async with opened(pool) as session:
        await session.run(py("print(1)"))

    assert pool.sessions == []
    assert (pool.asked[-1].method, pool.asked[-1].path) == ("DELETE", "session")


async def test_what_it_runs_on_is_told(pool: LocalPool) -> None:
    async with opened(pool) as session:
        identity = session.identity

    version = ".".join(map(str, sys.version_info[:3]))
    assert identity == {"api": "2025-10-02-preview", "python": version}


async def test_a_pool_is_found_by_its_name(
    pool: LocalPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_SESSION_POOL_ENDPOINT", f"{pool.endpoint}/")

    session = await AzureSandbox("mypool", credential=Signed()).open()
    execution = await session.run(py("print(1)"))
    await session.aclose()

    assert execution.stdout == "1\n"


@pytest.mark.parametrize(
    ("endpoint", "told"),
    [
        pytest.param("", "export AZURE_SESSION_POOL_ENDPOINT=https://", id="not-set"),
        pytest.param(ENDPOINT, "is the address of the pool 'p'", id="another-pool"),
        pytest.param("https://evil.example/mypool", "only sent to", id="not-azure"),
    ],
)
async def test_a_name_without_its_address_tells_the_cure(
    endpoint: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_SESSION_POOL_ENDPOINT", endpoint)

    with pytest.raises(SandboxUnavailable, match=told):
        await AzureSandbox("mypool", credential=Signed()).open()


@pytest.mark.parametrize(
    ("pool_", "told"),
    [
        pytest.param("", "names no pool", id="empty"),
        pytest.param("my pool", "names no pool", id="space"),
        pytest.param("http://westeurope.dynamicsessions.io/x", "a token is only sent", id="http"),
        pytest.param("https://evil.example/sessionPools/p", "evil.example", id="other-host"),
        pytest.param("https://dynamicsessions.io.evil.example/p", "evil.example", id="look-alike"),
        pytest.param("https://evildynamicsessions.io/p", "evildynamicsessions", id="no-dot"),
        pytest.param("https://x.dynamicsessions.io:99999/p", "a token is only sent", id="port"),
        pytest.param("https://x.dynamicsessions.io@evil.example/p", "evil.example", id="user"),
        pytest.param("https://me:hunter2@x.dynamicsessions.io/p", "leave out users", id="password"),
        pytest.param("https://x.dynamicsessions.io/p?a=b", "leave out users", id="query"),
        pytest.param("file:///etc/passwd", "a token is only sent", id="file"),
    ],
)
def test_an_address_that_gets_no_token_is_refused(pool_: str, told: str) -> None:
    with pytest.raises(DefinitionError, match=told) as caught:
        AzureSandbox(pool_)

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"time_limit_s": 201.0}, "at most 200"),
        ({"time_limit_s": 0}, "time_limit_s=0"),
        ({"output_limit_bytes": 1.5}, "output_limit_bytes=1.5"),
        ({"files_limit_bytes": -1}, "files_limit_bytes=-1"),
        ({"files_limit": "50"}, "files_limit='50'"),
        ({"answer_limit_s": float("inf")}, "answer_limit_s=inf"),
    ],
)
def test_a_wrong_limit_is_named(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(DefinitionError, match=told):
        AzureSandbox("mypool", **settings)


def test_a_credential_that_must_be_awaited_is_refused() -> None:
    class Awaited:
        async def get_token(self, *scopes: str) -> Any:  # noqa: ANN401 - never called
            raise AssertionError

    with pytest.raises(DefinitionError, match=r"not of azure\.identity\.aio"):
        AzureSandbox("mypool", credential=Awaited())  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] # the point of it


def test_a_sandbox_is_a_value() -> None:
    one, same = AzureSandbox(f"{ENDPOINT}/"), AzureSandbox(ENDPOINT)

    assert one == same
    assert hash(one) == hash(same)
    assert one != AzureSandbox(ENDPOINT, time_limit_s=5.0)
    assert (one.name, one.keeps, one.risk) == (f"azure:{ENDPOINT}", True, "")
    assert json.loads(json.dumps(one.form))["time_limit_s"] == 60.0
    assert "credential" not in repr(AzureSandbox(ENDPOINT, credential=Signed()))


def test_making_one_imports_neither_azure_nor_an_http_library() -> None:
    code = (
        "import sys\nfrom stateflow.sandbox.azure import AzureSandbox\nAzureSandbox('p')\n"
        "print(sorted({'azure', 'httpx2'} & set(sys.modules)))"
    )

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout == "[]\n"


def test_a_block_that_the_machine_ends_for_want_of_memory_is_told_as_such(tmp_path: Path) -> None:
    """No test can make a machine do so; a file stands for its count, which the block raises."""
    count = tmp_path / "memory.events"
    count.write_text("oom_kill 1\n")
    block = f"import os\nopen({str(count)!r}, 'w').write('oom_kill 2')\nos.kill(os.getpid(), 9)"
    plan = _plan(tmp_path, block)
    code = (
        "from pathlib import Path\nfrom stateflow.sandbox import azure_launch\n"
        f"azure_launch._OOM = (Path({str(count)!r}),)\nazure_launch.main({plan!r})"
    )

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    report = read_report(told.stdout, "nonce", 100_000)
    assert report is not None
    assert (report.exit, report.fault) == (137, "OutOfMemory")


def test_what_travels_stands_alone() -> None:
    """The interpreter at Azure has the standard library, of a version that we do not choose."""
    source = Path(azure_launch.__file__).read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 9))

    named = {
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert {name.partition(".")[0] for name in named} <= sys.stdlib_module_names


async def test_no_block_learns_the_word_that_its_report_begins_with(pool: LocalPool) -> None:
    code = "import os, sys\nprint(os.environ, sys.argv, sorted(os.listdir('.')))"

    async with opened(pool) as session:
        execution = await session.run(py(code))

    said = json.loads([asked for asked in pool.asked if asked.path == "executions"][-1].body)
    nonce = json.loads(ast.literal_eval(said["code"].partition("'PLAN': ")[2][:-2]))["nonce"]
    assert len(nonce) == 32
    assert nonce not in execution.stdout


def _plan(folder: Path, block: str) -> str:
    import base64
    from dataclasses import asdict

    work = folder / "work"
    work.mkdir()
    plan = Plan(
        session=hashlib.sha256(os.fsencode(folder)).hexdigest(),
        nonce="nonce",
        begin=True,
        code=base64.b64encode(block.encode()).decode(),
        name=".block.py",
        language="python",
        time_limit_s=10.0,
        output_limit=1000,
        folder=str(work),
    )
    return json.dumps(asdict(plan))
