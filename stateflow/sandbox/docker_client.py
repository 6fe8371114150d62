"""The SDK's client, with the two holes closed through which it lets sockets slip.

It forgets a socket that could not be connected, and leaves open what it streams and nobody reads
to its end.  Both show as warnings of Python when they are found, long after and far away.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any, Final, cast

import docker  # type: ignore[import-untyped]  # it ships no types
import docker.errors  # type: ignore[import-untyped]
import docker.transport.unixconn as sdk  # type: ignore[import-untyped]
import docker.utils  # type: ignore[import-untyped]
import requests
import urllib3

__all__ = ["TROUBLE", "Client", "address"]

TROUBLE: Final = (
    docker.errors.DockerException,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    OSError,
    ValueError,
)
"""Whatever the SDK, and what it stands on, may raise."""
_USUAL: Final = "unix:///var/run/docker.sock"


def address() -> str:
    """Return where the engine is: what ``DOCKER_HOST`` says, or its usual socket."""
    return str(docker.utils.kwargs_from_env().get("base_url", _USUAL))


class Client(docker.APIClient):  # type: ignore[misc]  # its types are not known
    """The SDK's client for the engine at :func:`address`, each answer within *answer_s* [s]."""

    def __init__(self, answer_s: float) -> None:
        self._streams: list[requests.Response] = []
        given: dict[str, Any] = dict(docker.utils.kwargs_from_env())
        ssh = address().startswith("ssh://")
        super().__init__(timeout=answer_s, use_ssh_client=ssh, **given)  # pyright: ignore[reportArgumentType] - fractions will do
        self.hooks["response"] = [self._note]

    def mount(self, prefix: str, adapter: Any) -> None:  # noqa: ANN401 - of many kinds
        """Use *adapter* for addresses that begin with *prefix*; called by the SDK."""
        if isinstance(adapter, sdk.UnixHTTPAdapter):
            adapter = _Adapter(f"http+unix://{adapter.socket_path}", adapter.timeout)
        super().mount(prefix, adapter)

    def close(self) -> None:
        """Close all that is open."""
        for response in self._streams:
            with suppress(*TROUBLE):
                response.close()
        with suppress(*TROUBLE):
            super().close()

    def _note(self, response: requests.Response, **_: object) -> None:
        self._streams = [one for one in self._streams if not one.raw.closed]
        self._streams.append(response)


class _Connection(sdk.UnixHTTPConnection):  # type: ignore[misc]  # its types are not known
    def connect(self) -> None:
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            opened.settimeout(self.timeout)
            opened.connect(self.unix_socket)
        except BaseException:
            opened.close()
            raise
        self.sock = opened


class _Pool(sdk.UnixHTTPConnectionPool):  # type: ignore[misc]  # its types are not known
    def _new_conn(self) -> Any:  # noqa: ANN401 - the SDK's own
        return _Connection(self.base_url, self.socket_path, cast("int", self.timeout))


class _Adapter(sdk.UnixHTTPAdapter):  # type: ignore[misc]  # its types are not known
    def get_connection(self, url: Any, proxies: Any = None) -> _Pool:  # noqa: ANN401 - the SDK's own
        del proxies  # there are none on the way to a socket
        pools = cast("Any", self.pools)  # pyright: ignore[reportUnknownMemberType] - like a dict
        with pools.lock:
            if url not in pools:
                pools[url] = _Pool(url, self.socket_path, self.timeout, maxsize=self.max_pool_size)
            return cast("_Pool", pools[url])
