"""What an error of a server that speaks OpenAI's APIs is in our tree.

The same error comes as a status of HTTP, as an object in a reply of status 200, or in the middle
of a stream; each names itself by a ``code`` and a ``type``, where the status says too little.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from stateflow.errors import (
    AuthFailed,
    BadReply,
    BadRequest,
    ContextTooLong,
    FaultError,
    ModelNotFound,
    Refused,
)
from stateflow.models.http import status_fault
from stateflow.models.openai_server import Vendor

__all__ = ["told_fault"]

_TOO_LONG: Final = {"context_length_exceeded", "exceed_context_size_error"}
_TOO_LONG_SAID: Final = ("maximum context length", "exceeds the context window")
_WRONG: Final = ("invalid_", "unsupported_")
_STATUS_OF: Final = {
    "authentication_error": 401,
    "billing_not_active": 402,
    "engine_overloaded": 503,
    "insufficient_quota": 429,
    "internal_error": 500,
    "internal_server_error": 500,
    "invalid_api_key": 401,
    "invalid_request_error": 400,
    "model_not_found": 404,
    "overloaded_error": 503,
    "permission_error": 403,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "request_timeout": 408,
    "server_error": 500,
    "server_overloaded": 503,
    "service_unavailable": 503,
    "slow_down": 503,
    "timeout": 408,
    "too_many_requests": 429,
}
"""The status of HTTP that a code or type stands for."""


def told_fault(
    name: str, vendor: Vendor, said: str, *, code: str, kind: str, status: int
) -> FaultError:
    """Return the fault that an error of a server is.

    Args:
        name: what error sentences call the model.
        vendor: whose server it is.
        said: its words, without secrets.
        code: its ``code``, if any.
        kind: its ``type``, if any.
        status: of HTTP; 200 where the error came instead of a reply, or in the middle of one.
    """
    marks = (code.lower(), kind.lower())
    if _TOO_LONG & {*marks} or any(phrase in said for phrase in _TOO_LONG_SAID):
        return ContextTooLong(
            f"{name}: the request holds more than it can read; "
            "let the state see less, as in sees=last(20)"
        )
    if any(mark == "content_filter" or "policy" in mark for mark in marks) or _flagged(said):
        return Refused(f"{name} declined: {said}; change the task or the prompt")
    if "v1/responses" in said or "not a chat model" in said:
        return BadRequest(
            f"{name}: the model does not take chat completions; "
            f"write '{vendor.prefix}-responses:NAME' as its name"
        )
    if code == "model_not_found":
        status = HTTPStatus.NOT_FOUND
    elif status < HTTPStatus.MULTIPLE_CHOICES:
        status = _status(*marks)
    return _by_status(name, vendor, said, status)


def _by_status(name: str, vendor: Vendor, said: str, status: int) -> FaultError:
    match status:
        case HTTPStatus.OK:
            return BadReply(f"{name} sent an error instead of a reply: {said}")
        case HTTPStatus.UNAUTHORIZED:
            return AuthFailed(f"{name}: the key was refused ({status}); {vendor.key_cure}")
        case HTTPStatus.NOT_FOUND:
            return ModelNotFound(
                f"{name}: the server has no such model ({status}); {vendor.absent_cure}"
            )
        case _:
            return status_fault(name, status, said)


def _flagged(said: str) -> bool:
    """Tell whether the words are those for a prompt that was flagged (``invalid_prompt``)."""
    return "usage policy" in said or "usage policies" in said


def _status(*marks: str) -> int:
    """Return the status that an error without one stands for; 200: nobody knows."""
    for mark in marks:
        if mark in _STATUS_OF:
            return _STATUS_OF[mark]
        if mark.isdecimal() and HTTPStatus.BAD_REQUEST <= int(mark) < 600:  # noqa: PLR2004 - the last status of HTTP
            return int(mark)
    if any(mark.startswith(_WRONG) or "image" in mark for mark in marks):
        return HTTPStatus.BAD_REQUEST
    return HTTPStatus.OK
