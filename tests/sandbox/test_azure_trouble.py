"""What a session at Azure comes to when the service, the way there or the code makes trouble."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import sys
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import httpx2
import pytest

from stateflow.conversation.file import File
from stateflow.errors import SandboxUnavailable
from stateflow.sandbox import azure_pool
from stateflow.sandbox.azure import AzureSandbox
from stateflow.sandbox.azure_plan import read_report
from stateflow.sandbox.azure_session import AzureSession
from stateflow.sandbox.blocks import Block
from tests.support.azure_pool import TOKEN, Granted, LocalPool, Reply, Signed, local_pool, reporting

HELLO = Block("print('hello')", "python")
EXECUTE = "POST executions"


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[LocalPool]:
    with local_pool(tmp_path / "pool") as pool:
        yield pool


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait long before asking again."""
    monkeypatch.setattr(azure_pool, "_WAITS_S", (0.01, 0.01))


@pytest.fixture
def silence() -> Iterator[threading.Event]:
    """Return what a reply waits for; in the end none does."""
    event = threading.Event()
    yield event
    event.set()


def sandbox(pool: LocalPool, **settings: Any) -> AzureSandbox:  # noqa: ANN401 - of the sandbox
    return AzureSandbox(pool.endpoint, credential=settings.pop("credential", Signed()), **settings)


@asynccontextmanager
async def opened(pool: LocalPool, **settings: Any) -> AsyncGenerator[AzureSession]:  # noqa: ANN401 - of the sandbox
    session = await sandbox(pool, **settings).open()
    try:
        yield session
    finally:
        await session.aclose()


async def refused(pool: LocalPool, **settings: Any) -> str:  # noqa: ANN401 - of the sandbox
    """Return the sentence with which a pool cannot be opened; it tells no secret."""
    with pytest.raises(SandboxUnavailable) as caught:
        await sandbox(pool, **settings).open()
    identifiers = {asked.query.get("identifier", "?") for asked in pool.asked}
    told = f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"
    assert not any(secret in told for secret in {TOKEN, *identifiers})
    assert str(caught.value).startswith("azure:mypool")
    return str(caught.value)


async def test_every_request_is_signed_and_in_the_form_of_the_api(pool: LocalPool) -> None:
    credential = Signed()

    async with opened(pool, credential=credential, time_limit_s=7.5) as session:
        await session.put([File.from_bytes(b"x", name="x.txt")])
        await session.run(Block("open('y.txt', 'w').write('y')", "python"))

    assert [(asked.method, asked.path.split("/")[0]) for asked in pool.asked] == [
        ("POST", "executions"),
        ("POST", "files"),
        ("POST", "executions"),
        ("GET", "files"),
        ("DELETE", "session"),
    ]
    assert {asked.headers["authorization"] for asked in pool.asked} == {f"Bearer {TOKEN}"}
    assert {asked.query["api-version"] for asked in pool.asked} == {"2025-10-02-preview"}
    assert len({asked.query["identifier"] for asked in pool.asked}) == 1
    body = json.loads(pool.asked[2].body)
    assert (body["codeInputType"], body["executionType"]) == ("Inline", "Synchronous")
    assert body["timeoutInSeconds"] == 23
    assert "\n" not in body["code"]
    assert credential.scopes == ["https://dynamicsessions.io/.default"]


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        pytest.param(400, "InvalidRequest", "does not accept the request", id="400"),
        pytest.param(401, "Unauthorized", "run `az login`", id="401"),
        pytest.param(403, "Forbidden", "Azure ContainerApps Session Executor", id="403"),
        pytest.param(404, "SessionPoolNotFound", "has no such pool", id="404"),
        pytest.param(409, "Conflict", "does not accept the request", id="409"),
        pytest.param(429, "TooManyRequests", "asks to slow down", id="429"),
        pytest.param(500, "InternalServerError", "cannot serve now", id="500"),
        pytest.param(503, "ServiceUnavailable", "cannot serve now", id="503"),
    ],
)
@pytest.mark.usefixtures("hasty")
async def test_an_error_of_the_service_tells_the_cure(
    pool: LocalPool, status: int, code: str, told: str
) -> None:
    reply = Reply.error(status, code, f"for {TOKEN}\nand more")
    pool.instead += [(EXECUTE, reply)] * 3

    sentence = await refused(pool)

    assert told in sentence
    assert f"({status}: {code}: for *** and more)" in sentence


async def test_a_token_that_is_not_known_is_refused(pool: LocalPool) -> None:
    pool.tokens = {"another": True}

    assert "run `az login` in the tenant of the pool (401: Unauthorized" in await refused(pool)


async def test_a_token_without_the_role_is_refused(pool: LocalPool) -> None:
    pool.tokens = {TOKEN: False}

    assert "'Azure ContainerApps Session Executor'" in await refused(pool)


async def test_a_pool_that_is_not_there_is_told(pool: LocalPool) -> None:
    box = AzureSandbox(pool.endpoint.replace("/mine/", "/yours/"), credential=Signed())

    with pytest.raises(SandboxUnavailable, match="has no such pool"):
        await box.open()


async def test_a_token_that_was_taken_back_is_fetched_anew_once(pool: LocalPool) -> None:
    credential = Signed("old", TOKEN)

    async with opened(pool, credential=credential) as session:
        execution = await session.run(HELLO)

    tokens = [asked.headers["authorization"].removeprefix("Bearer ") for asked in pool.asked]
    assert tokens == ["old", TOKEN, TOKEN, TOKEN]
    assert execution.stdout == "hello\n"


async def test_a_token_is_kept_until_shortly_before_its_end(pool: LocalPool) -> None:
    pool.tokens = {"one": True, "two": True, "three": True, "four": True}
    lasting, short = Signed("one", "two"), Signed("one", "two", "three", "four", lasts_s=200)

    async with opened(pool, credential=lasting) as session:
        await session.run(HELLO)
    async with opened(pool, credential=short) as session:
        await session.run(HELLO)

    tokens = [asked.headers["authorization"].removeprefix("Bearer ") for asked in pool.asked]
    assert tokens == ["one", "one", "one", "one", "two", "three"]


class _Broken:
    def __init__(self, answer: str | Exception) -> None:
        self.answer = answer

    def get_token(self, *scopes: str) -> Granted:
        if isinstance(self.answer, Exception):
            raise self.answer
        return Granted(self.answer, 2**40)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(ValueError(f"no: {TOKEN}"), id="raises"),
        pytest.param(f"{TOKEN}\r\nX-Evil: 1", id="line-break"),
        pytest.param("", id="empty"),
        pytest.param("schlüssel", id="not-ascii"),
    ],
)
async def test_a_credential_that_gives_no_token_tells_the_cure(
    pool: LocalPool, answer: str | Exception
) -> None:
    sentence = await refused(pool, credential=_Broken(answer))

    assert "no token from Azure" in sentence
    assert "run `az login`" in sentence
    assert pool.asked == []


async def test_a_credential_that_takes_for_ever_is_given_up(
    pool: LocalPool, silence: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow:
        def get_token(self, *scopes: str) -> Granted:
            silence.wait(20)
            return Granted(TOKEN, 2**40)

    monkeypatch.setattr("stateflow.sandbox.azure_token._FETCH_S", 0.1)

    assert "no token from Azure (it took too long)" in await refused(pool, credential=Slow())
    silence.set()


@pytest.mark.parametrize(
    ("module", "told"),
    [
        ("azure.identity", r"needs Azure's own tools to sign in: pip install .*\[azure\]"),
        ("stateflow.sandbox.azure_session", r"a package that is not installed .*\[azure\]"),
    ],
)
async def test_without_the_packages_the_extra_is_named(
    pool: LocalPool, module: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(SandboxUnavailable, match=told):
        await AzureSandbox(pool.endpoint).open()


async def test_without_a_credential_azures_own_tools_are_asked(
    pool: LocalPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    import azure.identity

    class Here(Signed):
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *error: object) -> None:
            pass

    monkeypatch.setattr(azure.identity, "DefaultAzureCredential", Here)

    async with opened(pool, credential=None) as session:
        execution = await session.run(HELLO)

    assert execution.stdout == "hello\n"


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_service_is_asked_again_when_it_says(pool: LocalPool, status: int) -> None:
    async with opened(pool) as session:
        pool.instead += [(EXECUTE, Reply.error(status, "Busy", Retry_After="0"))] * 2
        execution = await session.run(HELLO)

    assert execution.stdout == "hello\n"
    assert len([asked for asked in pool.asked if asked.path == "executions"]) == 4


async def test_a_service_that_stays_busy_is_asked_three_times(pool: LocalPool) -> None:
    pool.instead += [(EXECUTE, Reply.error(429, "Busy", Retry_After="0"))] * 9

    assert "asks to slow down" in await refused(pool)

    assert len([asked for asked in pool.asked if asked.path == "executions"]) == 3


@pytest.mark.parametrize(
    ("said", "waited"),
    [("0", 0.0), ("2.5", 2.5), ("86400", 10.0), ("-1", 7.0), ("nan", 7.0), ("soon", 7.0)],
)
def test_a_wait_is_what_the_service_says_within_reason(said: str, waited: float) -> None:
    assert azure_pool._asked_wait_s({"retry-after": said}, 7.0) == waited  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # no test should wait so long


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_no_redirect_is_followed(pool: LocalPool, tmp_path: Path, status: int) -> None:
    with local_pool(tmp_path / "elsewhere") as elsewhere:
        there = (("Location", f"{elsewhere.endpoint}/executions"),)
        pool.instead.append((EXECUTE, Reply(status, b"", there)))

        async with httpx2.AsyncClient(follow_redirects=True) as client:
            sentence = await refused(pool, http_client=client)

        assert elsewhere.asked == []
    assert f"sends us elsewhere ({status})" in sentence


SUCCEEDED = b'{"status": "Succeeded", "result": {"stdout": "%s"}}'


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param(b"", "not in the form of its API", id="empty"),
        pytest.param(b"<html>", "not in the form of its API", id="html"),
        pytest.param(b"[" * 100_000, "not in the form of its API", id="deep"),
        pytest.param(b'["x"]', "not in the form of its API", id="list"),
        pytest.param(b'{"status": 7}', "not in the form of its API", id="status"),
        pytest.param(
            b'{"status": "Succeeded", "result": {"stdout": {}}}',
            "not in the form of its API",
            id="stdout",
        ),
        pytest.param(b"\xff\xfe{}", "not in the form of its API", id="not-utf8"),
        pytest.param(SUCCEEDED % b"hello", "cut off or is not to be read", id="no-report"),
        pytest.param(b'{"status": "Succeeded"}', "cut off or is not to be read", id="no-result"),
        pytest.param(
            b'{"status": "Failed", "error": {"code": "ConnectionClosed", "message": "gone"}}',
            "could not run the code (Failed: ConnectionClosed: gone)",
            id="failed",
        ),
        pytest.param(
            b'{"status": "Failed", "result": {"stderr": "KernelDied"}}',
            "could not run the code (Failed: KernelDied)",
            id="failed-stderr",
        ),
        pytest.param(
            b'{"status": "Running"}', "could not run the code (Running)", id="not-over-yet"
        ),
        pytest.param(b'{"x": "' + b"x" * 9_000_000 + b'"}', "sent more than", id="huge"),
    ],
)
async def test_an_answer_that_is_none_is_told(pool: LocalPool, body: bytes, told: str) -> None:
    pool.instead.append((EXECUTE, Reply(200, body)))

    assert told in await refused(pool)


async def test_an_error_that_is_huge_or_no_json_is_told_without_it(pool: LocalPool) -> None:
    pool.instead.append((EXECUTE, Reply(500, b"<html>" + b"x" * 500_000)))

    sentence = await refused(pool)

    assert sentence == "azure:mypool: Azure cannot serve now; try later (500)"


async def test_a_connection_that_breaks_leaves_it_open_what_the_block_did(pool: LocalPool) -> None:
    async with opened(pool) as session:
        pool.instead.append((EXECUTE, Reply(200, b'{"status": "Succ', cut=True)))
        with pytest.raises(SandboxUnavailable, match="what became of the code is not known"):
            await session.run(HELLO)
        asked = len([asked for asked in pool.asked if asked.path == "executions"])

    assert asked == 2
    assert pool.sessions == []


@pytest.mark.usefixtures("hasty")
async def test_a_service_that_is_not_there_is_told(pool: LocalPool, tmp_path: Path) -> None:
    with local_pool(tmp_path / "gone") as gone:
        endpoint = gone.endpoint

    with pytest.raises(SandboxUnavailable, match="no connection to Azure"):
        await AzureSandbox(endpoint, credential=Signed()).open()


@pytest.mark.usefixtures("hasty")
async def test_a_service_without_tls_gets_no_token(pool: LocalPool) -> None:
    box = AzureSandbox(pool.endpoint.replace("http:", "https:"), credential=Signed())

    with pytest.raises(SandboxUnavailable, match="no connection to Azure"):
        await box.open()

    assert pool.asked == []


@pytest.mark.usefixtures("hasty")
async def test_a_certificate_that_is_not_good_gets_no_token() -> None:
    def untrusted(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("certificate verify failed") from ssl.SSLError(1, "bad")

    client = httpx2.AsyncClient(transport=httpx2.MockTransport(untrusted))
    endpoint = "https://x.dynamicsessions.io/subscriptions/0/resourceGroups/g/sessionPools/mypool"

    with pytest.raises(SandboxUnavailable, match="no connection to Azure"):
        await AzureSandbox(endpoint, credential=Signed(), http_client=client).open()

    await client.aclose()


async def test_a_client_that_was_given_stays_open(pool: LocalPool) -> None:
    async with httpx2.AsyncClient() as client:
        async with opened(pool, http_client=client) as session:
            await session.run(HELLO)

        assert not client.is_closed


async def test_the_services_own_time_limit_is_an_outcome(pool: LocalPool) -> None:
    message = "Request timed out waiting for execution to complete"
    body = {"status": "Failed", "error": {"error": {"code": "Timeout", "message": message}}}

    async with opened(pool) as session:
        await session.run(Block("open('x.txt', 'w').write('x')", "python"))
        first = pool.sessions
        pool.instead.append((EXECUTE, Reply(200, json.dumps(body).encode())))
        late = await session.run(HELLO)
        after = await session.run(Block("import os\nprint(os.listdir('.'))", "python"))
        second = pool.sessions

    assert (late.fault, late.exit_code, late.reset) == ("TimedOut", None, True)
    assert "its work folder is empty again" in late.detail
    assert after.stdout == "['.block.py']\n"
    assert len(first) == len(second) == 1
    assert first != second


@pytest.mark.parametrize("status", [408, 504])
async def test_a_gateway_that_gives_up_is_the_time_limit(pool: LocalPool, status: int) -> None:
    async with opened(pool) as session:
        pool.instead.append((EXECUTE, Reply(status)))
        execution = await session.run(HELLO)

    assert (execution.fault, execution.reset) == ("TimedOut", True)


async def test_an_answer_that_does_not_come_is_the_time_limit(
    pool: LocalPool, silence: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stateflow.sandbox.azure_session._MARGIN_S", 0.0)
    async with opened(pool, time_limit_s=0.2, answer_limit_s=1.0) as session:
        before = pool.sessions
        pool.instead.append((EXECUTE, Reply(200, wait=silence)))
        execution = await session.run(HELLO)
        ended = before[0] not in pool.sessions

    assert (execution.fault, execution.reset) == ("TimedOut", True)
    assert ended


async def test_a_session_that_does_not_begin_is_told(
    pool: LocalPool, silence: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stateflow.sandbox.azure_session._PROBE_S", 0.1)
    pool.instead.append((EXECUTE, Reply(200, wait=silence)))

    assert "no session began within 0.5 s" in await refused(pool, answer_limit_s=0.4)


async def test_a_block_that_cannot_be_ended_takes_its_session_along(pool: LocalPool) -> None:
    """What hides from our program is ended with the machine it is on."""
    async with opened(pool) as session:
        before = pool.sessions
        pool.change = reporting(dirty=True)
        execution = await session.run(HELLO)
        after = pool.sessions

    assert (execution.exit_code, execution.reset) == (0, True)
    assert "What the block started could not be ended" in execution.detail
    assert (len(before), after) == (1, [])


async def test_a_file_that_does_not_come_is_no_time_limit(
    pool: LocalPool, silence: threading.Event
) -> None:
    async with opened(pool, answer_limit_s=1.0) as session:
        pool.instead.append(("GET files", Reply(200, wait=silence)))
        with pytest.raises(SandboxUnavailable, match="did not answer within 1 s"):
            await session.run(Block("open('x.txt', 'w').write('x')", "python"))


async def test_cancelled_a_block_is_ended_with_its_session(pool: LocalPool, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    code = f"import time\nopen({str(begun)!r}, 'w').close()\ntime.sleep(60)"

    async with opened(pool) as session:
        before = pool.sessions
        with pytest.raises(asyncio.CancelledError):
            await _cancelled(session, Block(code, "python"), begun)
        left = pool.running(before[0])
        begun.unlink()
        after = await session.run(HELLO)

    assert left == []
    assert after.stdout == "hello\n"
    assert pool.sessions == []


async def _cancelled(session: AzureSession, block: Block, begun: Path) -> None:
    """Run *block* and cancel that as soon as it has *begun*."""
    here = asyncio.current_task()
    assert here is not None

    async def cancel() -> None:
        await asyncio.to_thread(_await_file, begun)
        here.cancel()

    async with asyncio.TaskGroup() as group:
        group.create_task(cancel())
        await session.run(block)


def _await_file(path: Path) -> None:
    until = time.monotonic() + 20
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.02)


async def test_a_session_that_the_pool_has_ended_is_lost(pool: LocalPool) -> None:
    async with opened(pool) as session:
        await session.run(Block("open('x.txt', 'w').write('x')", "python"))
        pool.end(pool.sessions[0])

        with pytest.raises(SandboxUnavailable, match="raise the pool's cooldown period"):
            await session.run(HELLO)


async def test_output_that_the_service_cuts_off_is_no_outcome(pool: LocalPool) -> None:
    def cut(answer: dict[str, Any]) -> dict[str, Any]:
        answer["result"]["stdout"] = answer["result"]["stdout"][:4096]
        return answer

    pool.change = cut
    async with opened(pool) as session:
        short = await session.run(HELLO)
        with pytest.raises(SandboxUnavailable, match="lower output_limit_bytes"):
            await session.run(
                Block("import os, sys\nsys.stdout.buffer.write(os.urandom(9000))", "python")
            )

    assert short.stdout == "hello\n"


@pytest.mark.parametrize(
    "packed",
    [
        pytest.param("", id="empty"),
        pytest.param("AAAA", id="not-zlib"),
        pytest.param("A", id="not-base64"),
        pytest.param("eJyrrgUAAXUA+Q==", id="nothing-in-it"),
    ],
)
def test_a_report_that_is_none_is_not_read(packed: str) -> None:
    assert read_report(f"nonce<{packed}>", "nonce", 1000) is None


def test_a_report_that_unpacks_without_end_is_not_read() -> None:
    import base64
    import zlib

    bomb = base64.b64encode(
        zlib.compress(b'{"python": "3", "languages": []}' + b" " * 50_000_000)
    ).decode()

    assert read_report(f"nonce<{bomb}>", "nonce", 100_000) is None


async def test_a_file_too_large_to_send_is_told(pool: LocalPool) -> None:
    async with opened(pool) as session:
        pool.instead.append(("POST files", Reply.error(413, "FileTooLarge")))
        with pytest.raises(SandboxUnavailable, match="does not take so large a file"):
            await session.put([File.from_bytes(b"x", name="x.txt")])


@pytest.mark.parametrize("content", [b"", b"ab", b"abcd" * 1_000_000], ids=["none", "less", "more"])
async def test_a_file_of_another_size_is_not_taken(pool: LocalPool, content: bytes) -> None:
    async with opened(pool) as session:
        pool.instead.append(("GET files", Reply(200, content)))
        with pytest.raises(SandboxUnavailable, match=r"file of another size|sent more than"):
            await session.run(Block("open('x.txt', 'w').write('abc')", "python"))


@pytest.mark.usefixtures("hasty")
async def test_closing_is_quiet_where_the_service_is_gone(tmp_path: Path) -> None:
    with local_pool(tmp_path) as pool:
        session = await sandbox(pool).open()

    await session.aclose()
    await session.aclose()


async def test_a_pool_that_cannot_be_opened_leaves_no_session(pool: LocalPool) -> None:
    def broken(answer: dict[str, Any]) -> dict[str, Any]:
        return {**answer, "result": {}}

    pool.change = broken

    await refused(pool)

    assert pool.sessions == []


async def test_no_secret_is_logged(
    pool: LocalPool, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)

    async with opened(pool) as session:
        pool.instead.append((EXECUTE, Reply.error(503, "Busy", Retry_After="0")))
        await session.run(Block("open('x.txt', 'w').write('secret content')", "python"))

    told = caplog.text + "".join(capfd.readouterr())
    secrets = {TOKEN, "secret content", *(asked.query["identifier"] for asked in pool.asked)}
    assert "HTTP Request: POST" in told
    assert "identifier=***" in told
    assert not [secret for secret in secrets if secret in told]
