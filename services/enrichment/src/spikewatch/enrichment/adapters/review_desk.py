"""The HTTP interface of those who review matches: for people with the responder's rights, on loopback unless a token is set.

It tells no address, no number of a call and no number of a record. Every read is logged with the account that says it reads.
"""

import hmac
import logging
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Final
from uuid import UUID

from pydantic import SecretStr, TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from spikewatch.chassis.outcome import Transient
from spikewatch.contracts.decision import Decision
from spikewatch.enrichment.domain.decision_faults import fault_of
from spikewatch.enrichment.domain.incident_explanation import IncidentExplanation
from spikewatch.enrichment.review import Question, Refused, ReviewMatches

__all__ = ["review_desk"]

_log: Final = logging.getLogger(__name__)
_EXPLANATION: Final = TypeAdapter(IncidentExplanation)
_QUESTIONS: Final = TypeAdapter(list[Question])
_MOST_BYTES: Final = 65_536
_MOST_QUESTIONS: Final = 1_000
_MOST_DAYS: Final = 400
_ACCOUNT: Final = re.compile(r"[a-z0-9-]{1,63}")

Endpoint = Callable[[Request], Awaitable[Response]]


class _Problem(Exception):  # noqa: N818  # the word of the RFC
    """A failure that is told (RFC 9457); the text never holds what was sent."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def review_desk(review: ReviewMatches, token: SecretStr | None) -> Starlette:
    """Return the ASGI app. Without a token everybody who reaches it is served: only on loopback."""

    async def explain(request: Request) -> Response:
        identity = _identity(request)
        told = await review.explain(identity)
        if told is None:
            raise _Problem(HTTPStatus.NOT_FOUND, f"{await review.why_absent(identity)}.")
        return _json(_EXPLANATION.dump_json(told))

    async def queue(request: Request) -> Response:
        days, limit = _number(request, "days", 7, _MOST_DAYS), _number(request, "limit", 20, _MOST_QUESTIONS)
        return _json(_QUESTIONS.dump_json(await review.queue(timedelta(days=days), limit)))

    async def look_up(request: Request) -> Response:
        found = await review.decision(_identity(request))
        if found is None:
            raise _Problem(HTTPStatus.NOT_FOUND, "There is no such decision, or it was not taken in yet.")
        return _json(found.to_json())

    async def decide(request: Request) -> Response:
        decision = await _decision(request)
        try:
            await review.decide(decision)
        except Refused as error:
            raise _Problem(HTTPStatus.UNPROCESSABLE_ENTITY if error.is_wrong else HTTPStatus.CONFLICT, f"{error}.") from None
        return _json(decision.to_json(), HTTPStatus.ACCEPTED)

    def guarded(endpoint: Endpoint) -> Endpoint:
        async def run(request: Request) -> Response:
            return await _answer(endpoint, request, token)

        return run

    return Starlette(
        routes=[
            Route("/v1/incidents/{id}", guarded(explain), methods=["GET"]),
            Route("/v1/queue", guarded(queue), methods=["GET"]),
            Route("/v1/decisions/{id}", guarded(look_up), methods=["GET"]),
            Route("/v1/decisions", guarded(decide), methods=["POST"]),
        ]
    )


async def _answer(endpoint: Endpoint, request: Request, token: SecretStr | None) -> Response:
    try:
        if token is not None:
            _admit(request, token.get_secret_value())
        response = await endpoint(request)
    except _Problem as problem:
        response = _told(problem)
    except Transient as error:
        _log.warning("request cannot be served now", extra={"cause": type(error.__cause__ or error).__name__})
        response = _told(_Problem(HTTPStatus.SERVICE_UNAVAILABLE, "Kafka or MongoDB does not answer; send the same again."))
    except Exception as error:  # noqa: BLE001  # the caller gets an answer whatever failed
        _log.error("request failed", extra={"error_type": type(error).__name__})  # no traceback: its values may be personal
        response = _told(_Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "The failure was logged."))
    account = request.headers.get("spikewatch-account", "")
    _log.info(
        "review asked",
        extra={
            "method": request.method,
            "path": request.url.path if response.status_code < HTTPStatus.BAD_REQUEST else "refused",
            "account": account if _ACCOUNT.fullmatch(account) else "unnamed",
            "status": response.status_code,
        },
    )
    return response


def _admit(request: Request, token: str) -> None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
        raise _Problem(HTTPStatus.UNAUTHORIZED, "Send the token of SPIKEWATCH_ENRICHMENT_TOKEN as a bearer token.")


async def _decision(request: Request) -> Decision:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            raise _Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A decision has at most {_MOST_BYTES} bytes.")
    try:
        return Decision.model_validate_json(bytes(body))
    except ValidationError as error:
        raise _Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{fault_of(error)}.") from None


def _identity(request: Request) -> UUID:
    try:
        return UUID(request.path_params["id"])
    except ValueError:
        raise _Problem(HTTPStatus.BAD_REQUEST, "id: is none; expected a UUID, for example 0b7f7a1e-58f5-5a4f-8c1c-8b6f5a0f9d11.") from None


def _number(request: Request, name: str, usual: int, most: int) -> int:
    text = request.query_params.get(name, str(usual))
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= most:
        raise _Problem(HTTPStatus.BAD_REQUEST, f"{name}: is no whole number; expected 1 to {most}, for example {usual}.")
    return int(text)


def _json(body: bytes, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(body, status_code=status, media_type="application/json", headers={"Cache-Control": "no-store"})


def _told(problem: _Problem) -> Response:
    body = {"type": "about:blank", "title": problem.status.phrase, "status": int(problem.status), "detail": problem.detail}
    return JSONResponse(body, status_code=problem.status, media_type="application/problem+json")
