"""The HTTPS gateway: authenticates, reads the body within its limits, and answers 202 only for what the broker holds."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, Status, StatusCode
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from spikewatch.chassis.outcome import Permanent, Transient
from spikewatch.chassis.telemetry.messaging import extract
from spikewatch.contracts.directory import AgencyRecord
from spikewatch.ingest.adapters.openapi import document
from spikewatch.ingest.adapters.problem import Kind, Problem
from spikewatch.ingest.domain.receipt import Receipt, RecordOutcome
from spikewatch.ingest.domain.rejection import Rejected
from spikewatch.ingest.reception import SAME_MEDIA_TYPE, NotAuthenticated, Reception, Suspended, Unconfirmed

__all__ = ["GatewayLimits", "gateway"]

_log = logging.getLogger(__name__)
_tracer = trace.get_tracer("spikewatch.ingest")
_SUBMISSIONS: Final = "/v1/submissions"
_RETRY_SECONDS: Final = "5"
_LONGEST_KEY: Final = 255
# A connection that is closed while its sender still sends is reset, and the sender never sees the answer. So this many
# times the limit is read and thrown away first.
_DISCARDED_BODIES: Final = 8

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class GatewayLimits:
    """How much, and for how long, one request may send."""

    body_bytes: int
    body_seconds: float


def gateway(reception: Reception, limits: GatewayLimits) -> Starlette:
    """Return the ASGI app."""

    async def submit(request: Request) -> Response:
        agency = await _agency(request, reception)
        name = request.query_params.get("format") or request.headers.get("spikewatch-format")
        profile = request.query_params.get("profile") or request.headers.get("spikewatch-profile")
        if profile:
            profile, feed, media_type = reception.profiled(agency, profile, _media_type(request))
            _same_format(name, feed.name)
        else:
            profile = None
            feed, media_type = reception.feed(name or "statutory", _media_type(request))
        key = _idempotency_key(request)
        body = await _body(request, limits)
        accepted = await reception.accept(agency, feed, media_type, body, key, profile=profile)
        url = f"{_SUBMISSIONS}/{accepted.submission_id}"
        receipt = {
            "submission_id": str(accepted.submission_id),
            "status": "accepted",
            "status_url": url,
            "format": accepted.format,
            "profile": profile,
            "record_count": accepted.records,
            "received_at": accepted.received_at.isoformat().replace("+00:00", "Z"),
            "trace_id": _trace_id(),
        }
        return JSONResponse(receipt, status_code=202, headers={"Location": url})

    async def look_up(request: Request) -> Response:
        agency = await _agency(request, reception)
        try:
            submission_id = UUID(request.path_params["submission_id"])
        except ValueError:
            raise _no_submission() from None
        found = await reception.look_up(agency, submission_id)
        if isinstance(found, Receipt):
            return JSONResponse(_receipt(found))
        if not found:
            raise _no_submission()
        return JSONResponse({"submission_id": str(submission_id), "status": "accepted", "record_count": None, "counts": {}, "records": []})

    described = document(reception.feeds, SAME_MEDIA_TYPE)

    async def openapi(_: Request) -> Response:
        return Response(described, media_type="application/json")

    return Starlette(
        routes=[
            Route(_SUBMISSIONS, _traced(_SUBMISSIONS, submit), methods=["POST"]),
            Route(_SUBMISSIONS + "/{submission_id}", _traced(_SUBMISSIONS + "/{submission_id}", look_up), methods=["GET"]),
            Route("/openapi.json", openapi, methods=["GET"]),
        ],
        exception_handlers={HTTPException: _routing_problem},
    )


def _traced(route: str, endpoint: Endpoint) -> Endpoint:
    """Run an endpoint in a server span of a new trace; what the agency calls its trace is linked, never adopted."""

    async def run(request: Request) -> Response:
        # Its traceparent alone: tracestate and baggage may hold anything.
        theirs = extract(request.headers.get("traceparent", "").encode())
        with _tracer.start_as_current_span(
            f"{request.method} {route}",
            context=Context(),
            kind=SpanKind.SERVER,
            links=[Link(theirs)] if theirs is not None else [],
            attributes={"http.request.method": request.method, "http.route": route},
            record_exception=False,
        ) as span:
            response = await _answer(endpoint, request)
            span.set_attribute("http.response.status_code", response.status_code)
            if response.status_code >= 500:
                span.set_attribute("error.type", str(response.status_code))
                span.set_status(Status(StatusCode.ERROR))
            return response

    return run


async def _answer(endpoint: Endpoint, request: Request) -> Response:
    try:
        return await endpoint(request)
    except Problem as problem:
        return problem.response()
    except Rejected as rejected:
        return Problem.of(rejected).response()
    except Permanent as error:
        return Problem(Kind.TOO_LARGE, f"The submission {error.problem}; expected {error.expected}. Nothing was accepted.").response()
    except (Transient, Unconfirmed) as error:
        _log.warning("request cannot be served now", extra={"cause": type(error.__cause__ or error).__name__})
        what = "Kafka did not confirm" if isinstance(error, Unconfirmed) else "The database does not answer"
        detail = f"{what}: nothing was accepted. Send the same again, with the same Idempotency-Key if it had one."
        return Problem(Kind.UNAVAILABLE, detail, headers={"Retry-After": _RETRY_SECONDS}).response()
    except ClientDisconnect:
        return Problem(Kind.BAD_REQUEST, "The connection ended before the body did. Nothing was accepted.").response()
    except Exception as error:  # noqa: BLE001  # the sender gets an answer whatever failed
        # The type alone: the message may hold what was sent.
        _log.error("request failed", extra={"error_type": type(error).__name__})  # no traceback: its values may be personal
        return Problem(Kind.FAILED, "The failure was logged. Send the same again later.").response()


async def _routing_problem(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    kind = {404: Kind.NOT_FOUND, 405: Kind.NOT_ALLOWED}.get(status, Kind.FAILED)
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    return Problem(kind, "See /openapi.json for what there is.", headers=headers).response()


async def _agency(request: Request, reception: Reception) -> AgencyRecord:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    try:
        return await reception.authenticate(key.strip() if scheme.lower() == "bearer" else "")
    except NotAuthenticated:
        error = {
            "field": "Authorization",
            "problem": "is missing or holds no valid key",
            "expected": "Bearer and the agency's API key",
            "example": "Bearer swk_…",
        }
        headers = {"WWW-Authenticate": "Bearer"}
        raise Problem(Kind.NOT_AUTHENTICATED, "Send the API key that was issued to your agency.", (error,), headers) from None
    except Suspended:
        raise Problem(Kind.SUSPENDED, "Your key is good, but your agency is suspended; ask the operator. Nothing was accepted.") from None


def _media_type(request: Request) -> str:
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.lower().replace('"', "").replace(" ", "").partition("charset=")[2]
    if charset not in {"", "utf-8", "utf8", "us-ascii"}:
        raise _unsupported("content-type", "names an encoding that is not taken", "charset=utf-8", "text/csv; charset=utf-8")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise _unsupported("content-encoding", "is not taken", "an uncompressed body", "identity")
    return media_type.strip().lower()


def _unsupported(field: str, problem: str, expected: str, example: str) -> Problem:
    error = {"field": field, "problem": problem, "expected": expected, "example": example}
    return Problem(Kind.UNSUPPORTED, f"{field} {problem}; expected {expected}. Nothing was accepted.", (error,))


def _same_format(named: str | None, of_profile: str) -> None:
    if named not in {None, "", of_profile}:
        expected, example = f"{of_profile}, which the profile is based on, or no format", of_profile
        error = {"field": "format", "problem": "is another than the profile's", "expected": expected, "example": example}
        raise Problem(Kind.BAD_REQUEST, f"format is another than the profile's; expected {expected}. Nothing was accepted.", (error,))


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not (0 < len(key) <= _LONGEST_KEY and key.isascii() and key.isprintable()):
        expected = f"1 to {_LONGEST_KEY} printable ASCII characters"
        example = "0c9e4a52-6a60-4b0e-9d5c-6c6f1f4c2b11"
        error = {"field": "Idempotency-Key", "problem": "is not of the expected form", "expected": expected, "example": example}
        raise Problem(Kind.BAD_REQUEST, f"Idempotency-Key must be {expected}. Nothing was accepted.", (error,))
    return key


async def _body(request: Request, limits: GatewayLimits) -> bytes:
    declared = request.headers.get("content-length", "")
    is_over = declared.isdecimal() and int(declared[:20]) > limits.body_bytes
    if is_over and request.headers.get("expect", "").lower() == "100-continue":
        raise _too_large(limits)  # the sender waits for our word before it sends
    body = bytearray()
    discarded = 0
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for part in request.stream():
                is_over = is_over or len(body) + len(part) > limits.body_bytes
                if not is_over:
                    body += part
                    continue
                body.clear()
                discarded += len(part)
                if discarded > limits.body_bytes * _DISCARDED_BODIES:
                    break
    except TimeoutError:
        raise Problem(Kind.TOO_SLOW, f"Send the body within {limits.body_seconds:g} s. Nothing was accepted.") from None
    if is_over:
        raise _too_large(limits)
    return bytes(body)


def _too_large(limits: GatewayLimits) -> Problem:
    expected = f"at most {limits.body_bytes} bytes"
    error = {"field": "body", "problem": "is too large", "expected": expected, "example": "send the records in several submissions"}
    # What is left of the body is not read: the connection cannot be used again.
    return Problem(Kind.TOO_LARGE, f"The body must be {expected}. Nothing was accepted.", (error,), {"Connection": "close"})


def _no_submission() -> Problem:
    return Problem(Kind.NOT_FOUND, "Your agency has no submission of this id, or it is past its retention.")


def _receipt(receipt: Receipt) -> dict[str, object]:
    return {
        "submission_id": str(receipt.submission_id),
        "status": "processed",
        "format": receipt.format,
        "received_at": receipt.received_at.isoformat().replace("+00:00", "Z"),
        "record_count": receipt.records,
        "counts": receipt.counts(),
        "records": [_record(outcome) for outcome in receipt.outcomes],
    }


def _record(outcome: RecordOutcome) -> dict[str, object]:
    """Return an outcome; ``index`` is null for the submission as a whole."""
    record: dict[str, object] = {"index": outcome.index if outcome.index >= 0 else None, "result": outcome.result.value}
    if outcome.report_id is not None:
        record |= {"report_id": str(outcome.report_id), "revision": outcome.revision}
    for name in ("reason", "field", "problem", "expected", "example", "topic"):
        if (value := getattr(outcome, name)) is not None:
            record[name] = value
    return record


def _trace_id() -> str | None:
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None
