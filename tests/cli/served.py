"""A server on loopback that speaks chat completions, on a thread of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from stateflow.value import Json
from tests.support.openai_wire import chunk

__all__ = ["Served", "broken", "calling", "saying", "served"]

BUSY = json.dumps({"error": {"message": "slow \x1b[2Jdown", "code": "rate_limit_exceeded"}})


class Served:
    """The server: answers one request after the other, the last answer over and over."""

    def __init__(self, *answers: bytes | int) -> None:
        """Answer with streams of events, or with statuses of errors."""
        self.answers = list(answers)
        self.requests: list[bytes] = []
        self.url = ""

    def next_answer(self) -> bytes | int:
        """Return what is answered now."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def saying(*pieces: str) -> bytes:
    """Return a reply that comes in *pieces*."""
    usage = {"prompt_tokens": 5, "completion_tokens": 7}
    said = [chunk({"content": piece}) for piece in pieces]
    return b"".join(said) + chunk(None, "stop", usage=usage) + b"data: [DONE]\n\n"


def calling(text: str, *calls: tuple[str, str]) -> bytes:
    """Return a reply that says *text* and asks for *calls*: names and arguments."""
    asked: list[Json] = [
        {
            "index": n,
            "id": f"c{n}",
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        }
        for n, (name, arguments) in enumerate(calls)
    ]
    said = [chunk({"content": text}), *(chunk({"tool_calls": [one]}) for one in asked)]
    return b"".join(said) + chunk(None, "tool_calls") + b"data: [DONE]\n\n"


def broken(*pieces: str) -> bytes:
    """Return a reply that ends in an error after *pieces*."""
    error = {"error": {"message": "too busy", "type": "server_error", "code": 503}}
    said = [chunk({"content": piece}) for piece in pieces]
    return b"".join(said) + f"data: {json.dumps(error)}\n\n".encode()


@contextmanager
def served(*answers: bytes | int) -> Generator[Served]:
    """Run a server that gives *answers*."""
    script = Served(*answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            script.requests.append(self.rfile.read(int(self.headers["content-length"])))
            answer = script.next_answer()
            status, body = (answer, BUSY.encode()) if isinstance(answer, int) else (200, answer)
            kind = "application/json" if isinstance(answer, int) else "text/event-stream"
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        script.url = f"openai+http://127.0.0.1:{server.server_port}/v1#m"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()
