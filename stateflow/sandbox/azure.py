"""A sandbox at Azure: a session of Azure Container Apps, made for code that nobody trusts.

Nothing runs on this machine.  A session is a machine of its own, behind a Hyper-V boundary; whether
it reaches the internet is a setting of its pool.  See ``docs/azure-sessions.md``.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from stateflow.conversation.file import LARGEST
from stateflow.errors import DefinitionError, SandboxUnavailable
from stateflow.sandbox.limits import check_limits
from stateflow.value import Json

if TYPE_CHECKING:
    import httpx2

    from stateflow.sandbox.azure_session import AzureSession
    from stateflow.sandbox.azure_token import Credential

__all__ = ["AzureSandbox"]

_VARIABLE: Final = "AZURE_SESSION_POOL_ENDPOINT"
_LONGEST_S: Final = 200.0
"""Longest time limit [s]: the service allows 220, and some of it goes on files."""
_HERE: Final = ("localhost", "127.0.0.1", "::1")
_AT_AZURE: Final = ".dynamicsessions.io"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureSandbox:
    """Runs blocks in a session of a pool at Azure.

    Args:
        pool: the pool's management endpoint, or its name, with the endpoint in the variable
            ``AZURE_SESSION_POOL_ENDPOINT`` of the environment.
        time_limit_s: longest that a block may take [s], at most 200.
        output_limit_bytes: most that is kept of each of its streams [bytes].
        files_limit_bytes: most that the files it makes may hold together [bytes].
        files_limit: most files that it may make.
        answer_limit_s: longest that Azure may take to answer, beside the block [s].
        credential: who we are, such as ``azure.identity.ManagedIdentityCredential()``; if not
            given, whatever Azure's own tools have on this machine (``az login``).
        http_client: the way there, where it needs proxies or certificates of your own; it stays
            yours to close.

    Raises:
        DefinitionError: the pool's address is none to send a token to, or a limit is no limit.

    Example:
        >>> AzureSandbox("mypool", time_limit_s=30.0).name
        'azure:mypool'
    """

    pool: str = field(kw_only=False)
    time_limit_s: float = 60.0
    output_limit_bytes: int = 16_384
    files_limit_bytes: int = 20_000_000
    files_limit: int = 50
    answer_limit_s: float = 30.0
    credential: Credential | None = field(default=None, repr=False, hash=False)
    http_client: httpx2.AsyncClient | None = field(default=None, repr=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pool", self.pool.rstrip("/"))
        if ":" in self.pool:
            _check_endpoint(self.pool)
        elif not _NAME.fullmatch(self.pool):
            raise DefinitionError(
                f"{self.pool[:80]!r} names no pool at Azure; give its name, such as "
                "'azure:mypool', or its management endpoint"
            )
        check_limits(
            "a sandbox at Azure",
            time_limit_s=self.time_limit_s,
            output_limit_bytes=self.output_limit_bytes,
            files_limit_bytes=self.files_limit_bytes,
            files_limit=self.files_limit,
            answer_limit_s=self.answer_limit_s,
        )
        if self.time_limit_s > _LONGEST_S:
            raise DefinitionError(
                f"time_limit_s={self.time_limit_s:g} is more than a session at Azure allows; give "
                f"at most {_LONGEST_S:g}"
            )
        if inspect.iscoroutinefunction(getattr(self.credential, "get_token", None)):
            raise DefinitionError(
                "credential= is one that must be awaited; give that of azure.identity, not of "
                "azure.identity.aio"
            )

    @property
    def name(self) -> str:
        """What flows, journals and sentences call it."""
        return f"azure:{self.pool}"

    @property
    def languages(self) -> Sequence[str]:
        """Languages it may run; a session tells which of them its image has."""
        return ("python", "sh", "bash", "javascript")

    @property
    def keeps(self) -> bool:
        """Blocks of one run share the work folder, ``/mnt/data``."""
        return True

    @property
    def risk(self) -> str:
        """None to this machine."""
        return ""

    @property
    def form(self) -> Mapping[str, Json]:
        """Its settings as small JSON; where the way there leads along is none."""
        return {
            "name": self.name,
            "time_limit_s": self.time_limit_s,
            "output_limit_bytes": self.output_limit_bytes,
            "files_limit_bytes": self.files_limit_bytes,
            "files_limit": self.files_limit,
        }

    @property
    def largest_bytes(self) -> int:
        """Most that one file may hold [bytes]."""
        return min(self.files_limit_bytes, LARGEST)

    async def open(self) -> AzureSession:
        """Begin a session in the pool.

        Raises:
            SandboxUnavailable: the pool cannot be reached, or does not let us in.
        """
        endpoint = self._endpoint()
        try:
            from stateflow.sandbox.azure_session import AzureSession
        except ModuleNotFoundError as error:
            raise SandboxUnavailable(
                f"{self.name} needs a package that is not installed ({error.name}): "
                "pip install 'stateflow-agents[azure]'"
            ) from None
        session = AzureSession(self, endpoint)
        try:
            await session.begin()
        except BaseException:
            await session.aclose()
            raise
        return session

    def _endpoint(self) -> str:
        if ":" in self.pool:
            return self.pool
        endpoint = os.environ.get(_VARIABLE, "").strip().rstrip("/")
        if not endpoint:
            raise SandboxUnavailable(
                f"{self.name} needs an address: export {_VARIABLE}=https://..., which `az "
                f"containerapp sessionpool show --name {self.pool} --resource-group GROUP --query "
                "properties.poolManagementEndpoint` prints"
            )
        try:
            _check_endpoint(endpoint)
        except DefinitionError as error:
            raise SandboxUnavailable(f"{self.name}: {_VARIABLE}: {error}") from None
        there = endpoint.rpartition("/")[2]
        if there.casefold() != self.pool.casefold():
            raise SandboxUnavailable(
                f"{self.name}: {_VARIABLE} is the address of the pool {there[:80]!r}; export that "
                f"of {self.pool!r}"
            )
        return endpoint


def _check_endpoint(endpoint: str) -> None:
    """Make sure that a token may be sent to *endpoint*."""
    try:
        parts = urlsplit(endpoint)
        host = parts.hostname or ""
        secure = parts.scheme == "https" and host.endswith(_AT_AZURE) and parts.port in {None, 443}
        sound = secure or (parts.scheme in {"http", "https"} and host in _HERE)
    except ValueError:  # no such port
        sound, parts, host = False, urlsplit(""), ""
    if not sound:
        raise DefinitionError(
            f"a token is only sent to https://REGION{_AT_AZURE}/..., not to {host[:80]!r}; give "
            "the pool's management endpoint"
        )
    if "@" in parts.netloc or parts.query or parts.fragment or not endpoint.isprintable():
        raise DefinitionError(
            f"the address of a pool at {host!r} holds more than the pool's management endpoint; "
            "leave out users, passwords and what follows '?' or '#'"
        )
