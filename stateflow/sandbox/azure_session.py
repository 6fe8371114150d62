"""A session at Azure, kept for a run: blocks and files go in, executions and files come out.

The identifier of a session is a secret of this object.  A session that may still run something,
because a block was cancelled or no answer came, is ended and never used again.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from stateflow.conversation.execution import Execution
from stateflow.conversation.file import File
from stateflow.errors import SandboxUnavailable
from stateflow.sandbox.azure import AzureSandbox
from stateflow.sandbox.azure_plan import Made, Plan, Report, most_said, read_report
from stateflow.sandbox.azure_pool import API_VERSION, Late, Pool
from stateflow.sandbox.azure_token import Token
from stateflow.sandbox.blocks import Block
from stateflow.sandbox.files import CODE_FILES, Folder, Found, code_name, inside
from stateflow.value import Json

__all__ = ["AzureSession"]

_MARGIN_S: Final = 15.0
"""What the service allows beside the time limit, for files and for ending what was started [s]."""
_PROBE_S: Final = 15.0
_FAREWELL_S: Final = 10.0
_TOLD: Final = 10


class AzureSession:
    """An open way to a session of *sandbox*, whose pool is at *endpoint*."""

    def __init__(self, sandbox: AzureSandbox, endpoint: str) -> None:
        self._sandbox = sandbox
        name = f"azure:{endpoint.rpartition('/')[2]}"
        self._name = name
        self._pool = Pool(
            endpoint,
            name=name,
            token=Token(name, sandbox.credential),
            client=sandbox.http_client,
            answer_limit_s=sandbox.answer_limit_s,
        )
        self._about: Report | None = None
        self._renew()

    def _renew(self) -> None:
        """Be in a session that does not exist yet."""
        self._identifier = secrets.token_hex(16)
        self._word = secrets.token_hex(6)
        self._begun = False
        self._asked = False  # whether Azure has heard of it
        self._place: list[tuple[str, str]] = []
        self._uploads = 0
        self._again: tuple[str, ...] = ()
        self._folder = Folder(
            limit=self._sandbox.files_limit, limit_bytes=self._sandbox.files_limit_bytes
        )

    @property
    def identity(self) -> Mapping[str, Json]:
        """The version of the API, and of Python in the session."""
        return {"api": API_VERSION, "python": self._about.python if self._about else ""}

    @property
    def languages(self) -> Sequence[str]:
        """Languages that the session's image has."""
        return self._about.languages if self._about else ()

    async def begin(self) -> None:
        """Begin a session, and see what it has.

        Raises:
            SandboxUnavailable: the pool cannot be reached, or does not let us in.
        """
        try:
            plan = Plan(session=self._word, nonce=secrets.token_hex(16), begin=True)
            self._about = await self._launch(plan, _PROBE_S)
        except Late:
            raise SandboxUnavailable(
                f"{self._name}: no session began within {_PROBE_S + self._sandbox.answer_limit_s:g}"
                " s; try later, or raise answer_limit_s"
            ) from None

    async def put(self, files: Sequence[File], /) -> None:
        """Put *files* into the work folder.

        Raises:
            SandboxUnavailable: Azure does not take them.
        """
        for file in files:
            name = inside(file.name)
            if name is not None and file.content is not None:
                await self._send(name, file.content)

    async def run(self, block: Block, /) -> Execution:
        """Run *block* to its end, or to a limit.

        Raises:
            SandboxUnavailable: the session is gone; what the block did is not known.
        """
        name = code_name(block)
        if not name:
            return Execution(
                block.language,
                fault="Refused",
                detail=f"{block.name[:80]!r} is no name that a file of the work folder may have.",
            )
        code = block.code.encode("utf-8", "replace")
        if block.language == "file":
            await self._send(name, code)
            return Execution("file", 0)
        try:
            return await self._run(block.language, name, code)
        except Late:
            await self._leave()
            return Execution(
                block.language,
                fault="TimedOut",
                detail=(
                    "Azure did not answer in time, so the session was ended; its work folder is "
                    "empty again."
                ),
                reset=True,
            )
        except asyncio.CancelledError:
            await self._leave()
            raise

    async def aclose(self) -> None:
        """End the session; where Azure does not hear it, the pool does so when it is idle."""
        try:
            await self._leave()
        finally:
            await self._pool.aclose()

    async def _run(self, language: str, name: str, code: bytes) -> Execution:
        limits = self._sandbox
        plan = Plan(
            session=self._word,
            nonce=secrets.token_hex(16),
            begin=not self._begun,
            place=tuple(self._place),
            code=base64.b64encode(code).decode(),
            name=name,
            language=language,
            time_limit_s=limits.time_limit_s,
            output_limit=limits.output_limit_bytes,
            files_limit=limits.files_limit,
            files_limit_bytes=limits.largest_bytes,
            again=self._again,
            skip=tuple(CODE_FILES.values()),
        )
        self._folder.note(name, code)
        report = await self._launch(plan, limits.time_limit_s + _MARGIN_S)
        files, left_out = await self._fetch(report.made)
        detail = [self._detail(report), left_out]
        if report.more > 0:
            detail.append(f"{report.more:,} more files were not looked at.")
        if report.dirty:
            await self._leave()
        return Execution(
            language,
            report.exit,
            report.text(0, limits.output_limit_bytes),
            report.text(1, limits.output_limit_bytes),
            report.fault,
            " ".join(filter(None, detail)),
            files,
            reset=report.dirty,
        )

    def _detail(self, report: Report) -> str:
        if report.dirty:
            return (
                "What the block started could not be ended, so the session was; its work folder "
                "is empty again."
            )
        if report.fault == "TimedOut":
            return f"It was ended after {self._sandbox.time_limit_s:g} s, its time limit."
        if report.fault == "Refused":
            return f"The files could not be written to the work folder: {report.why[:200]}."
        return ""

    async def _launch(self, plan: Plan, time_limit_s: float) -> Report:
        most = most_said(self._sandbox.output_limit_bytes)
        self._asked = True
        printed = await self._pool.execute(
            self._identifier, plan.code_text(), time_limit_s=time_limit_s, most_said=most
        )
        report = read_report(printed, plan.nonce, most)
        if report is None:
            raise SandboxUnavailable(
                f"{self._name}: what came of the code was cut off or is not to be read; lower "
                "output_limit_bytes, or check that the pool is one for Python"
            )
        if report.lost:
            raise SandboxUnavailable(
                f"{self._name}: Azure ended the session and its files, as the pool does with one "
                "that is idle; raise the pool's cooldown period"
            )
        self._begun = True
        self._place.clear()
        return report

    async def _send(self, name: str, content: bytes) -> None:
        """Upload *content*; the next block finds it as *name*."""
        staged = f"stateflow-{self._word}-in-{self._uploads}"
        self._uploads += 1
        self._asked = True
        await self._pool.upload(self._identifier, staged, content)
        self._place.append((staged, name))
        self._folder.note(name, content)

    async def _fetch(self, made: Sequence[Made]) -> tuple[tuple[File, ...], str]:
        """Return the files that were set out, and a sentence that names the others."""
        found: list[Found] = []
        crowded: list[str] = []
        for number, one in enumerate(made):
            if one.state == "crowded":
                crowded.append(one.name)
                continue
            read: Callable[[], bytes] | None = None if one.state == "other" else bytes
            if one.state == "out":
                out = f"stateflow-{self._word}-out-{number}"
                size = min(one.size, self._sandbox.largest_bytes)
                read = _holding(await self._pool.download(self._identifier, out, size))
            found.append(Found(one.name, one.size, read))
        self._again = tuple(crowded)
        files, left_out = self._folder.made(found)
        return files, " ".join(filter(None, [left_out, self._crowded(crowded)]))

    def _crowded(self, names: Sequence[str]) -> str:
        if not names:
            return ""
        told = ", ".join(repr(name[:60]) for name in names[:_TOLD])
        more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
        return (
            f"Files left for later: {told}{more} (more than {self._sandbox.files_limit} files or "
            f"{self._sandbox.files_limit_bytes:,} bytes together)."
        )

    async def _leave(self) -> None:
        """End the session, as well as may be, and be in a new one."""
        identifier, asked = self._identifier, self._asked
        self._renew()
        if not asked:
            return
        with suppress(SandboxUnavailable, TimeoutError):
            async with asyncio.timeout(_FAREWELL_S):
                await self._pool.end(identifier)


def _holding(content: bytes) -> Callable[[], bytes]:
    return lambda: content
