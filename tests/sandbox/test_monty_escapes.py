"""The embedded sandbox under hostile code: nothing is reached, every limit holds, the next runs."""

from __future__ import annotations

import resource
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from stateflow.conversation.execution import Execution
from stateflow.sandbox.blocks import Block
from stateflow.sandbox.monty import MontySandbox, MontySession

LONGEST_S = 50.0
"""No block may take longer, on a slow machine neither."""


@pytest.fixture
async def session() -> AsyncIterator[MontySession]:
    """Return a session with little memory, and check that the next block works."""
    async with following(MontySandbox(time_limit_s=40, memory_mb=64)) as opened:
        yield opened


@pytest.fixture
async def hasty() -> AsyncIterator[MontySession]:
    """Return a session with little time, and check that the next block works."""
    async with following(MontySandbox(time_limit_s=0.5, memory_mb=256)) as opened:
        yield opened


@asynccontextmanager
async def following(sandbox: MontySandbox) -> AsyncGenerator[MontySession]:
    opened = await sandbox.open()
    yield opened
    after = await opened.run(Block("print('next')", "python"))
    assert (after.stdout, after.exit_code) == ("next\n", 0)
    await opened.aclose()


async def ran(session: MontySession, code: str) -> Execution:
    begun = time.monotonic()
    done = await session.run(Block(code, "python"))
    assert time.monotonic() - begun < LONGEST_S
    return done


@pytest.mark.parametrize(
    "module",
    [
        "subprocess", "ctypes", "builtins", "importlib", "socket", "urllib.request", "http.client",
        "shutil", "tempfile", "signal", "gc", "inspect", "pickle", "threading", "multiprocessing",
        "_io", "posix", "site", "code", "pydantic_monty", "stateflow",
    ],
)  # fmt: skip
async def test_no_module_leads_out(session: MontySession, module: str) -> None:
    done = await ran(session, f"import {module}\nprint('in')")

    assert (done.stdout, done.exit_code) == ("", 1)
    assert "ModuleNotFoundError" in done.stderr


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("__import__('os')", id="dunder-import"),
        pytest.param("().__class__.__bases__[0].__subclasses__()", id="subclasses"),
        pytest.param("''.__class__.__mro__[1]", id="mro"),
        pytest.param("getattr((), '__cl' + 'ass__')", id="getattr"),
        pytest.param("object.__subclasses__()", id="object"),
        pytest.param("print(__builtins__)", id="builtins"),
        pytest.param("(lambda: 0).__globals__", id="globals-of-a-function"),
        pytest.param("(lambda: 0).__code__", id="code-of-a-function"),
        pytest.param("globals()", id="globals"),
        pytest.param("vars()", id="vars"),
        pytest.param("compile('1', '', 'eval')", id="compile"),
        pytest.param("breakpoint()", id="breakpoint"),
        pytest.param("print.__self__", id="self-of-a-builtin"),
        pytest.param(
            "try:\n  1 / 0\nexcept Exception as e:\n  e.__traceback__.tb_frame", id="frame"
        ),
        pytest.param("'{0.__class__}'.format(1)", id="format-attribute"),
        pytest.param("'{a.__init__.__globals__}'.format(a=print)", id="format-globals"),
        pytest.param("f'{().__class__}'", id="f-string"),
        pytest.param("eval(\"__import__('os')\")", id="in-eval"),
        pytest.param("exec('import subprocess')", id="in-exec"),
        pytest.param("import os\nos.system('id')", id="system"),
        pytest.param("import os\nos.popen('id')", id="popen"),
        pytest.param("import os\nos.execv('/bin/sh', ['sh'])", id="execv"),
        pytest.param("import os\nos.kill(1, 9)", id="kill"),
        pytest.param("import os\nprint(os.environ)", id="environ"),
        pytest.param("import os\nprint(os.getenv('PATH'))", id="getenv"),
        pytest.param("import os\nprint(os.listdir('/'))", id="listdir"),
        pytest.param("import sys\nprint(sys.modules)", id="sys-modules"),
        pytest.param("import sys\nsys._getframe()", id="getframe"),
        pytest.param("print(open('/etc/passwd').read())", id="open"),
        pytest.param("print(open('/proc/self/environ').read())", id="proc"),
        pytest.param("open('/tmp/x', 'w').write('x')", id="write"),
        pytest.param(
            "from pathlib import Path\nprint(Path('/etc/passwd').read_text())", id="pathlib"
        ),
        pytest.param("from pathlib import Path\nprint(list(Path('/').iterdir()))", id="iterdir"),
        pytest.param("ｏｐｅｎ('/etc/passwd')", id="wide-letters"),  # noqa: RUF001 - the trick
        pytest.param("import os\nos.ｓｙｓｔｅｍ('id')", id="wide-attribute"),  # noqa: RUF001 - the trick
    ],
)
async def test_no_trick_reaches_anything(session: MontySession, code: str) -> None:
    done = await ran(session, code)

    assert (done.stdout, done.exit_code, done.fault) == ("", 1, "")
    assert "Error" in done.stderr
    assert "root:" not in done.stderr


async def test_eval_and_exec_are_those_of_the_interpreter(session: MontySession) -> None:
    done = await ran(
        session, "exec('x = 2')\nprint(eval('x + 1'))\nimport sys\nprint(sys.platform)"
    )

    assert done.stdout == "3\nmonty\n"


async def test_no_file_of_this_machine_is_seen_to_exist(session: MontySession) -> None:
    here = Path(__file__)

    done = await ran(session, f"import os\nprint(os.path.exists({str(here)!r}))")

    assert "True" not in done.stdout


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("while True: pass", id="loop"),
        pytest.param(
            "while True:\n  try:\n    while True: pass\n  except BaseException: pass", id="caught"
        ),
        pytest.param("try:\n  while True: pass\nfinally:\n  while True: pass", id="in-finally"),
        pytest.param("sum(range(10 ** 15))", id="in-a-builtin"),
        pytest.param("import time\ntime.sleep(1000)", id="sleep"),
        pytest.param("import time\nwhile True: time.sleep(0)", id="naps"),
        pytest.param("import asyncio\nawait asyncio.sleep(1000)", id="async-sleep"),
        pytest.param("while True: print('x' * 10 ** 6)", id="writes-much"),
        pytest.param("while True: print('x')", id="writes-often"),
        pytest.param("sorted(range(10 ** 6), key=lambda x: sum(range(x)))", id="in-a-callback"),
        pytest.param("x = 3\nwhile True: x = x * x % (7 ** 5000)", id="sums"),
    ],
)
async def test_what_does_not_end_is_ended(hasty: MontySession, code: str) -> None:
    done = await ran(hasty, code)

    assert (done.fault, done.exit_code) == ("TimedOut", None)
    assert done.detail == "It was ended after 0.5 s, its time limit."
    assert len(done.stdout) < 70_000


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("10 ** 10 ** 8", id="power"),
        pytest.param("2 ** 10 ** 9", id="power-of-two"),
        pytest.param("1 << 10 ** 10", id="shift"),
        pytest.param("'x' * 10 ** 10", id="text"),
        pytest.param("b'x' * 10 ** 10", id="bytes"),
        pytest.param("[0] * 10 ** 10", id="list"),
        pytest.param("list(range(10 ** 9))", id="range"),
        pytest.param("a = []\nwhile True: a.append('x' * 1000)", id="grows"),
        pytest.param("a = 'x'\nwhile True: a += a", id="doubles"),
        pytest.param("sum(x for x in range(10 ** 15))", id="generator"),  # it is a list here
        pytest.param("[a for a in range(10 ** 6) for b in range(10 ** 6)]", id="comprehension"),
        pytest.param("d = {}\nwhile True: d[len(d)] = 'x' * 100", id="dict"),
        pytest.param("x = []\nwhile True: x = [x]", id="nests"),
        pytest.param("'%1000000000d' % 1", id="old-format"),
        pytest.param("f'{1:1000000000}'", id="format"),
        pytest.param("'x'.rjust(10 ** 10)", id="rjust"),
        pytest.param(
            "try:\n  'x' * 10 ** 10\nexcept BaseException: pass\nprint('on')", id="caught"
        ),
        pytest.param("\n".join(f"x{i} = {i}" for i in range(300_000)), id="source"),
    ],
)
async def test_memory_has_an_end(session: MontySession, code: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    done = await ran(session, code)

    assert (done.fault, done.exit_code, done.stdout) == ("OutOfMemory", 1, "")
    assert done.detail == "It wanted more than 64 MiB, its memory limit."
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kb < 200_000  # it is not our memory that it took


@pytest.mark.parametrize(
    ("code", "error"),
    [
        pytest.param("def f(): return f()\nf()", "RecursionError", id="function"),
        pytest.param("f = lambda: f()\nf()", "RecursionError", id="lambda"),
        pytest.param(
            "class A:\n  def __repr__(self): return repr(self)\nrepr(A())",
            "RecursionError",
            id="repr",
        ),
        pytest.param("(" * 100_000 + "1" + ")" * 100_000, "SyntaxError", id="parentheses"),
        pytest.param("[" * 100_000, "SyntaxError", id="brackets"),
        pytest.param("-" * 100_000 + "1", "SyntaxError", id="signs"),
        pytest.param("not " * 100_000 + "1", "SyntaxError", id="nots"),
        pytest.param("+".join("1" * 100_000), "SyntaxError", id="sums"),
        pytest.param("x = " + "9" * 100_000, "SyntaxError", id="digits"),
        pytest.param("eval('(' * 10 ** 5 + ')' * 10 ** 5)", "SyntaxError", id="in-eval"),
        pytest.param("print(1)\0", "SyntaxError", id="null"),
        pytest.param("int('9' * 100_000)", "ValueError", id="int-of-text"),
        pytest.param("import json\njson.loads('[' * 10 ** 6)", "recursion limit", id="json"),
        pytest.param("import re\nre.compile('(' * 10 ** 6)", "too deeply nested", id="pattern"),
        pytest.param("import re\nre.match(r'(a|aa)+\\1b$', 'a' * 60)", "limit", id="backtracking"),
    ],
)
async def test_no_depth_crashes_it(session: MontySession, code: str, error: str) -> None:
    done = await ran(session, code)

    assert (done.exit_code, done.fault) == (1, "")
    assert error in done.stderr
    assert len(done.stderr) < 70_000


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import re\nprint(re.match('(a+)+$', 'a' * 60 + 'b'))", id="catastrophe"),
        pytest.param("import re\nprint(re.match('(a|a)*$', 'a' * 60 + 'b'))", id="alternatives"),
    ],
)
async def test_a_pattern_that_hangs_python_does_not_hang_it(
    session: MontySession, code: str
) -> None:
    assert (await ran(session, code)).stdout == "None\n"


async def test_five_megabytes_of_source_run(session: MontySession) -> None:
    done = await ran(session, f"x = '{'a' * 5_000_000}'\nprint(len(x))")

    assert (done.stdout, done.exit_code) == ("5000000\n", 0)


@pytest.mark.parametrize(
    ("code", "stdout"),
    [
        pytest.param("print('\ud800')", "?\n", id="half-a-pair"),
        pytest.param("print('\\ud800')", "\N{REPLACEMENT CHARACTER}\n", id="half-a-pair-escaped"),
        pytest.param("print('a\\x1b[31mb\\x00c')", "a[31mbc\n", id="terminal"),
        pytest.param("print('\N{GRINNING FACE}')", "\N{GRINNING FACE}\n", id="emoji"),
    ],
)
async def test_strange_text_comes_out_plain(session: MontySession, code: str, stdout: str) -> None:
    done = await ran(session, code)

    assert (done.stdout, done.exit_code) == (stdout, 0)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        pytest.param("raise TimeoutError('mine')", "", id="time"),
        pytest.param("raise RecursionError('mine')", "", id="recursion"),
        # documented: the library has one type for this and for its own limit
        pytest.param("raise MemoryError('mine')", "OutOfMemory", id="memory"),
    ],
)
async def test_an_error_that_code_raises_itself_is_no_limit_met(
    session: MontySession, code: str, fault: str
) -> None:
    done = await ran(session, code)

    assert (done.fault, done.exit_code) == (fault, 1)
    assert "mine" in done.stderr
