"""What surrounds every unary call on the server: its span, its permission, its deadline, and the status of its failure."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final, NoReturn

import grpc
import grpc.aio
from typing_extensions import override

from spikewatch.chassis.grpc.authentication import Authentication, permission_of
from spikewatch.chassis.grpc.refusal import DETAILS_KEY, Refused
from spikewatch.chassis.grpc.telemetry import server_call
from spikewatch.chassis.outcome import Transient

__all__ = ["CallInterceptor", "refusal_of"]

_log: Final = logging.getLogger(__name__)
Behaviour = Callable[[Any, Any], Awaitable[Any]]


def refusal_of(error: Exception, method: str) -> Refused:
    """Return the answer to a failed call. Whatever is not foreseen is logged here and tells the caller nothing."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, Transient):
        _log.warning("a call met a passing fault", extra={"method": method, "cause": str(error)})
        return Refused(grpc.StatusCode.UNAVAILABLE, "something the service needs is not available; try again", reason="TRY_AGAIN")
    _log.error("a call failed unexpectedly", extra={"method": method}, exc_info=error)
    return Refused(grpc.StatusCode.INTERNAL, "the call failed; the service's log has the cause under this trace", reason="UNEXPECTED_ERROR")


def _too_late() -> Refused:
    return Refused(grpc.StatusCode.DEADLINE_EXCEEDED, "the deadline passed before the call was done", reason="DEADLINE_EXCEEDED")


class CallInterceptor(grpc.aio.ServerInterceptor):
    """One interceptor and not four, because their order matters: span, then permission, then deadline, then the handler.

    A call without a deadline is given the default, a longer one is cut to the longest. Streams (reflection, health watch) are
    checked for permission only. Health checks are neither traced nor measured.
    """

    def __init__(self, authentication: Authentication, *, default_deadline: timedelta, longest_deadline: timedelta) -> None:
        self._authentication = authentication
        self._default_seconds = default_deadline.total_seconds()
        self._longest_seconds = longest_deadline.total_seconds()

    @override
    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Return the handler with all that surrounds it; None where the method is unknown, which gives UNIMPLEMENTED."""
        method = str(handler_call_details.method)
        handler = await continuation(handler_call_details)
        if permission_of(method) is None or handler is None:
            return handler
        if handler.unary_unary is None:
            return self._stream(handler, handler_call_details)
        return grpc.unary_unary_rpc_method_handler(
            self._around(handler.unary_unary, method),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _stream(self, handler: Any, details: grpc.HandlerCallDetails) -> Any:
        try:
            self._authentication.check(str(details.method), list(details.invocation_metadata or ()))
        except Refused as refused:
            answer = refused

            async def refuse(_: object, context: Any) -> NoReturn:
                await _abort(context, answer)

            return grpc.stream_unary_rpc_method_handler(refuse)
        return handler

    def _around(self, behaviour: Behaviour, method: str) -> Behaviour:
        async def call(request: Any, context: Any) -> Any:
            metadata = list(context.invocation_metadata() or ())
            with server_call(method, metadata) as observed:
                try:
                    self._authentication.check(method, metadata)
                    return await self._in_time(behaviour, request, context)
                except Exception as error:  # noqa: BLE001  # the outermost place: every failure becomes a status
                    refused = refusal_of(error, method)
                    observed.code = refused.code
                return await _abort(context, refused)

        return call

    async def _in_time(self, behaviour: Behaviour, request: Any, context: Any) -> Any:
        remaining = context.time_remaining()
        seconds = self._default_seconds if remaining is None else min(remaining, self._longest_seconds)
        if seconds <= 0:
            raise _too_late()
        try:
            async with asyncio.timeout(seconds) as limit:
                return await behaviour(request, context)
        except TimeoutError:
            if limit.expired():
                raise _too_late() from None
            raise


async def _abort(context: Any, refused: Refused) -> NoReturn:
    await context.abort(refused.code, refused.message, ((DETAILS_KEY, refused.details()),))
    raise refused  # never reached: abort raises
