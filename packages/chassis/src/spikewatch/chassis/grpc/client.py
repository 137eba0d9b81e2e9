"""A channel that cannot be used wrongly: every call has a deadline, a span and the token; only safe calls are retried."""

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

import grpc
import grpc.aio
from pydantic import SecretStr
from typing_extensions import override

from spikewatch.chassis.grpc.authentication import AUTHORIZATION
from spikewatch.chassis.grpc.telemetry import client_call

__all__ = ["connect"]

_DEFAULT_DEADLINE: Final = timedelta(seconds=5)


def _service_config(idempotent: Sequence[str]) -> str:
    """Return gRPC's own configuration: which methods (``package.Service/Method``) are retried when the server is unavailable."""
    names = [{"service": name.partition("/")[0], "method": name.partition("/")[2]} for name in idempotent]
    policy = {
        "maxAttempts": 4,
        "initialBackoff": "0.1s",
        "maxBackoff": "1s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    config: dict[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}]}  # a headless Service then spreads the calls
    if names:
        config["methodConfig"] = [{"name": names, "retryPolicy": policy}]
        # When most calls fail, retries stop: they would only add to the load.
        config["retryThrottling"] = {"maxTokens": 10, "tokenRatio": 0.1}
    return json.dumps(config)


class _CallInterceptor(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, token: SecretStr | None, deadline: timedelta) -> None:
        self._token = token
        self._deadline = deadline.total_seconds()

    @override
    async def intercept_unary_unary(
        self, continuation: Callable[..., Any], client_call_details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        method: str | bytes = client_call_details.method  # bytes at run time, whatever the stubs say
        name = method.decode() if isinstance(method, bytes) else method
        carrier: dict[str, str] = {}
        with client_call(name, carrier) as observed:
            metadata = grpc.aio.Metadata(*tuple(client_call_details.metadata or ()))
            for key, value in carrier.items():
                metadata.add(key, value)
            if self._token is not None:
                metadata.add(AUTHORIZATION, f"Bearer {self._token.get_secret_value()}")
            timeout = self._deadline if client_call_details.timeout is None else client_call_details.timeout
            details = grpc.aio.ClientCallDetails(
                client_call_details.method, timeout, metadata, client_call_details.credentials, client_call_details.wait_for_ready
            )
            call = await continuation(details, request)
            observed.code = await call.code()  # waits for the end of the call, so that the span covers all of it
        return call


def connect(
    address: str,
    *,
    token: SecretStr | None = None,
    deadline: timedelta = _DEFAULT_DEADLINE,
    idempotent: Sequence[str] = (),
) -> grpc.aio.Channel:
    """Return a channel to ``host:port``; it connects with the first call and again by itself.

    Args:
        address: ``host:port``, or ``dns:///name:port`` of a headless Kubernetes Service.
        token: sent with each call.
        deadline: of each call that names none.
        idempotent: methods (``package.Service/Method``) that are retried while the server is unavailable, within the deadline.
    """
    options = (
        ("grpc.service_config", _service_config(idempotent)),
        ("grpc.enable_retries", 1),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        # Otherwise channels of a process share connections, and a new one inherits the back-off of a closed one to the same port.
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.max_reconnect_backoff_ms", 5_000),  # the default of two minutes outlasts a restart of the server by far
    )
    return grpc.aio.insecure_channel(address, options=options, interceptors=[_CallInterceptor(token, deadline)])
