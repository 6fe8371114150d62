"""A pool of sessions on this machine: the documented REST API of Azure's, held to strictly.

It really runs the Python that it is sent, in an interpreter of its own for each execution, with a
folder for each session that stands for ``/mnt/data``.  It isolates nothing: only tests' own code
goes there.  What it answers follows ``DynamicSessions.json``, version 2025-10-02-preview, and where
that is silent, what users report of the service.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from stateflow.sandbox import azure_launch

__all__ = [
    "NAME",
    "TOKEN",
    "Asked",
    "Granted",
    "LocalPool",
    "Reply",
    "Signed",
    "local_pool",
    "reporting",
]

TOKEN = "eyJ0eXAiOiJKV1QifQ.made-up-token.c2lnbmF0dXJl"
NAME = "mypool"
_PATH = f"/subscriptions/0000/resourceGroups/mine/sessionPools/{NAME}"
_API = "2025-10-02-preview"
_IDENTIFIER = re.compile(r"""[a-zA-Z0-9_|}{\[\]:"';<>?/.,@#$%^&*()\-+=!~`]{4,128}""")
_FILE_NAME = re.compile(r"[\w\- .@$&=;,#%^()]+")
_MARK = "LOCAL_POOL_SESSION"
_LARGEST_UPLOAD = 128 * 1024 * 1024


@dataclass(frozen=True)
class Reply:
    """What the service says instead of doing what it is asked."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    cut: bool = False
    """Whether the connection breaks before all is said."""
    wait: threading.Event | None = None
    """Nothing is said before this is set."""

    @classmethod
    def error(cls, status: int, code: str, message: str = "", **headers: str) -> Reply:
        """Return an error in the form of the API."""
        body = json.dumps({"error": {"code": code, "message": message}}).encode()
        named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        return cls(status, body, (("Content-Type", "application/json"), *named))


@dataclass(frozen=True)
class Asked:
    """One request that came."""

    method: str
    path: str
    """Below the pool's endpoint."""
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Granted:
    """A token, as Azure's own tools give it."""

    token: str
    expires_on: int


class Signed:
    """A credential that needs nobody: gives *tokens* one after the other, the last for ever."""

    def __init__(self, *tokens: str, lasts_s: int = 3600) -> None:
        self.tokens = list(tokens or [TOKEN])
        self.lasts_s = lasts_s
        self.scopes: list[str] = []

    def get_token(self, *scopes: str) -> Granted:
        """Return a token."""
        self.scopes.extend(scopes)
        token = self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]
        return Granted(token, int(time.time()) + self.lasts_s)


class LocalPool:
    """The service: sessions by identifier, and what was asked of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.asked: list[Asked] = []
        self.instead: list[tuple[str, Reply]] = []
        """Replies to give once each, to the next request whose ``METHOD path`` begins so."""
        self.change: Callable[[dict[str, Any]], dict[str, Any]] = lambda answer: answer
        """Changes what is answered to executions."""
        self.tokens = {TOKEN: True}
        """Tokens that are taken, and whether their owner has the role."""
        pool = self

        class Handler(_Handler):
            service = pool

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def endpoint(self) -> str:
        """The pool's management endpoint."""
        return f"http://127.0.0.1:{self._server.server_port}{_PATH}"

    @property
    def sessions(self) -> list[str]:
        """Identifiers of the sessions that are there."""
        return sorted(path.name for path in self.folder.iterdir())

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """End all sessions, and serve no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        for identifier in self.sessions:
            self.end(identifier)

    def data(self, identifier: str) -> Path:
        """Return the folder that is ``/mnt/data`` of a session, which begins if it is not there."""
        path = self.folder / identifier / "data"
        path.mkdir(parents=True, exist_ok=True)
        (self.folder / identifier / "tmp").mkdir(exist_ok=True)
        return path

    def end(self, identifier: str) -> bool:
        """End a session with all that runs in it; return whether there was one."""
        for _ in range(20):
            left = list(_marked(identifier))
            for pid in left:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            if not left:
                break
        there = (self.folder / identifier).exists()
        shutil.rmtree(self.folder / identifier, ignore_errors=True)
        return there

    def running(self, identifier: str) -> list[int]:
        """Return the processes of a session."""
        return list(_marked(identifier))

    def execute(self, identifier: str, said: dict[str, Any]) -> dict[str, Any]:
        """Run code in a session, as the service tells of it."""
        data = self.data(identifier)
        env = {**os.environ, _MARK: identifier, "TMPDIR": str(data.parent / "tmp")}
        kernel = subprocess.Popen(
            [sys.executable, "-"],
            cwd=data.parent,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        code = said["code"].replace("/mnt/data", str(data))
        # what travels is measured as the file that it comes from
        code = code.replace("'stateflow', 'exec'", f"{azure_launch.__file__!r}, 'exec'")
        status, error = "Succeeded", None
        try:
            out, err = kernel.communicate(code, timeout=said["timeoutInSeconds"])
        except subprocess.TimeoutExpired:
            kernel.kill()
            kernel.communicate()
            status, out, err = "Failed", "", "Timeout"
            message = "Request timed out waiting for execution to complete"
            error = {"error": {"code": "Timeout", "message": message}}
        else:
            if kernel.returncode:
                status = "Failed"
        most = said.get("outputStreamsMaxLength", 4096)
        answer: dict[str, Any] = {
            "id": "4c1f",
            "identifier": identifier,
            "executionType": "Synchronous",
            "status": status,
            "result": {
                "stdout": out[:most],
                "stderr": err[:most],
                "executionResult": "",
                "executionTimeInMilliseconds": 4,
            },
        }
        return self.change(answer if error is None else {**answer, "error": error})


def _marked(identifier: str) -> Iterator[int]:
    mark = f"{_MARK}={identifier}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: LocalPool

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is called there
        """Say nothing."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = unquote(parts.path.removeprefix(f"{_PATH}/"))
        asked = Asked(self.command, path, query, headers, body)
        self.service.asked.append(asked)
        reply = self._instead(asked) or self._refusal(asked, parts.path)
        with suppress(BrokenPipeError, ConnectionResetError):
            self._say(reply or self._answer(asked))

    def _instead(self, asked: Asked) -> Reply | None:
        for one in self.service.instead:
            if f"{asked.method} {asked.path}".startswith(one[0]):
                self.service.instead.remove(one)
                return one[1]
        return None

    def _refusal(self, asked: Asked, path: str) -> Reply | None:
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.service.tokens:
            return Reply.error(401, "Unauthorized", f"The token {token} is not valid.")
        if not self.service.tokens[token]:
            return Reply.error(403, "Forbidden", f"No permission for {token}.")
        if not path.startswith(f"{_PATH}/"):
            return Reply.error(404, "SessionPoolNotFound", "The session pool was not found.")
        if asked.query.get("api-version") != _API:
            return Reply.error(400, "UnsupportedApiVersion", "The api-version is not supported.")
        if not _IDENTIFIER.fullmatch(asked.query.get("identifier", "")):
            return Reply.error(400, "SessionIdentifierMissing", "Give an identifier.")
        return None

    def _answer(self, asked: Asked) -> Reply:
        identifier = asked.query["identifier"]
        match asked.method, asked.path.split("/"):
            case "POST", ["executions"]:
                return self._execute(identifier, asked)
            case "POST", ["files"]:
                return self._upload(identifier, asked)
            case "GET", ["files", name, "content"]:
                return self._download(identifier, name)
            case "DELETE", ["session"]:
                return self._end(identifier)
            case _:
                return Reply.error(404, "NotFound", "There is no such operation.")

    def _execute(self, identifier: str, asked: Asked) -> Reply:
        if asked.headers.get("content-type") != "application/json":
            return Reply.error(415, "UnsupportedMediaType", "Send JSON.")
        said = json.loads(asked.body)
        needed = {
            "codeInputType": str,
            "executionType": str,
            "code": str,
            "timeoutInSeconds": int,
            "outputStreamsMaxLength": int,
        }
        if not all(isinstance(said.get(name), kind) for name, kind in needed.items()):
            return Reply.error(400, "SessionPropertiesMissing", "Properties are missing.")
        sound = said["codeInputType"] == "Inline" and said["executionType"] == "Synchronous"
        if not sound or set(said) != set(needed) or not 1 <= said["timeoutInSeconds"] <= 220:
            return Reply.error(400, "InvalidRequest", "The request is not valid.")
        answer = self.service.execute(identifier, said)
        return Reply(200, json.dumps(answer).encode())

    def _upload(self, identifier: str, asked: Asked) -> Reply:
        kind = asked.headers.get("content-type", "")
        found = re.fullmatch(r"multipart/form-data; boundary=(\S+)", kind)
        if found is None:
            return Reply.error(415, "UnsupportedMediaType", "Send multipart/form-data.")
        if len(asked.body) > _LARGEST_UPLOAD:
            return Reply.error(413, "FileTooLarge", "The file is too large.")
        head, _, rest = asked.body.partition(b"\r\n\r\n")
        content, _, _ = rest.rpartition(f"\r\n--{found[1]}--".encode())
        named = re.search(rb'name="file"; filename="([^"]*)"', head)
        if named is None or not _FILE_NAME.fullmatch(named[1].decode()):
            return Reply.error(400, "InvalidFileName", "The name of the file is not valid.")
        (self.service.data(identifier) / named[1].decode()).write_bytes(content)
        answer = {
            "name": named[1].decode(),
            "type": "File",
            "contentType": "application/octet-stream",
            "sizeInBytes": len(content),
            "lastModifiedAt": "2026-01-30T00:00:00.000Z",
        }
        return Reply(200, json.dumps(answer).encode())

    def _download(self, identifier: str, name: str) -> Reply:
        file = self.service.data(identifier) / name
        if not _FILE_NAME.fullmatch(name) or not file.is_file():
            return Reply.error(404, "FileNotFound", f"There is no file {name}.")
        return Reply(200, file.read_bytes(), (("Content-Type", "application/octet-stream"),))

    def _end(self, identifier: str) -> Reply:
        if self.service.end(identifier):
            return Reply(204)
        return Reply.error(404, "SessionWithIdentifierNotFound", f"No {identifier}.")

    def _say(self, reply: Reply) -> None:
        if reply.wait is not None:
            reply.wait.wait(20)
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body) + reply.cut * 1000))
        self.end_headers()
        self.wfile.write(reply.body)
        if reply.cut:
            self.wfile.flush()
            self.connection.shutdown(2)
            self.close_connection = True


def reporting(**changed: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:  # noqa: ANN401 - JSON
    """Return what changes these fields of the report in an answer, as a hostile session could."""

    def change(answer: dict[str, Any]) -> dict[str, Any]:
        nonce, _, packed = answer["result"]["stdout"].strip().partition("<")
        report = json.loads(zlib.decompress(base64.b64decode(packed.rstrip(">"))))
        text = json.dumps({**report, **changed}).encode()
        answer["result"]["stdout"] = f"{nonce}<{base64.b64encode(zlib.compress(text)).decode()}>"
        return answer

    return change


@contextmanager
def local_pool(folder: Path) -> Generator[LocalPool]:
    """Serve a pool, whose sessions are below *folder*."""
    pool = LocalPool(folder)
    pool.start()
    try:
        yield pool
    finally:
        pool.stop()
