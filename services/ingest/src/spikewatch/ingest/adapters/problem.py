"""Problem documents (RFC 9457): every failure of the gateway in one form, never with the value that was wrong."""

from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import Self

from starlette.responses import JSONResponse

from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = ["Kind", "Problem"]

_TYPES = "urn:spikewatch:problem:"


class Kind(Enum):
    """The kinds of problem: last part of ``type``, status, title."""

    NOT_AUTHENTICATED = ("not-authenticated", HTTPStatus.UNAUTHORIZED, "The request names no agency we know")
    SUSPENDED = ("suspended-agency", HTTPStatus.FORBIDDEN, "The agency is suspended")
    UNREADABLE = ("unreadable-body", HTTPStatus.BAD_REQUEST, "The body cannot be read")
    BAD_REQUEST = ("bad-request", HTTPStatus.BAD_REQUEST, "The request is not right")
    UNSUPPORTED = ("unsupported-content-type", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The content type is not taken")
    TOO_LARGE = ("too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The submission is too large")
    TOO_SLOW = ("too-slow", HTTPStatus.REQUEST_TIMEOUT, "The body did not arrive in time")
    NOT_FOUND = ("not-found", HTTPStatus.NOT_FOUND, "There is no such thing")
    NOT_ALLOWED = ("method-not-allowed", HTTPStatus.METHOD_NOT_ALLOWED, "The method is not allowed here")
    UNAVAILABLE = ("unavailable", HTTPStatus.SERVICE_UNAVAILABLE, "The service cannot take the request now")
    FAILED = ("unexpected-error", HTTPStatus.INTERNAL_SERVER_ERROR, "The service failed")

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(self.value[1])


@dataclass(eq=False)  # not frozen: an exception gets its traceback set
class Problem(Exception):  # noqa: N818  # the word of the RFC
    """A failure that is told to the sender."""

    kind: Kind
    detail: str
    errors: tuple[dict[str, str], ...] = ()
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, rejected: Rejected) -> Self:
        """Tell why a submission as a whole was refused."""
        error = {"field": rejected.field or "body", "problem": rejected.problem, "expected": rejected.expected, "example": rejected.example}
        kind = Kind.UNREADABLE
        if rejected.fault is Fault.TOO_LARGE:
            kind = Kind.TOO_LARGE
        elif rejected.fault is Fault.UNSUPPORTED_FORMAT:
            kind = Kind.UNSUPPORTED if rejected.field == "content-type" else Kind.BAD_REQUEST
        return cls(kind, f"{error['field']} {rejected.problem}; expected {rejected.expected}. Nothing was accepted.", (error,))

    def response(self) -> JSONResponse:
        """Return the HTTP response."""
        slug, status, title = self.kind.value
        body: dict[str, object] = {"type": _TYPES + slug, "title": title, "status": int(status), "detail": self.detail}
        body["errors"] = list(self.errors)
        return JSONResponse(body, status_code=int(status), headers=self.headers, media_type="application/problem+json")
