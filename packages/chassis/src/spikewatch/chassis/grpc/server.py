"""A gRPC server with health, reflection and the interceptors; it belongs to the event loop it is started on."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection as grpc_reflection
from pydantic import SecretStr

from spikewatch.chassis.grpc.authentication import Authentication
from spikewatch.chassis.grpc.interceptors import CallInterceptor

__all__ = ["GrpcServer", "Register", "make_server"]

Register = Callable[[grpc.aio.Server], None]
"""Adds a servicer to a server."""

_MOST_CALLS: Final = 256  # more at once are refused with RESOURCE_EXHAUSTED instead of growing memory without end
_LARGEST_MESSAGE: Final = 1_048_576  # a page of 1000 records stays below; a larger request is an error or an attack
_DEFAULT_DEADLINE: Final = timedelta(seconds=10)
_LONGEST_DEADLINE: Final = timedelta(minutes=5)
_OPTIONS: Final = (
    ("grpc.so_reuseport", 0),  # otherwise two processes share a port in silence and calls go to either
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 20_000),  # clients may ping so often; the default of 5 minutes drops them
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
)


class GrpcServer:
    """A server that is started once and stopped once."""

    def __init__(self, interceptor: CallInterceptor, *, reflection: bool, names: Sequence[str], most_calls: int) -> None:
        self._interceptor = interceptor
        self._reflection = reflection
        self._names = tuple(names)
        self._most_calls = most_calls
        self._server: grpc.aio.Server | None = None
        self._health = health.aio.HealthServicer()

    async def start(self, register: Register, host: str, port: int) -> int:
        """Serve and return the bound port; port 0 chooses a free one.

        Raises:
            RuntimeError: the address is taken or is none of this machine.
        """
        server = grpc.aio.server(interceptors=(self._interceptor,), maximum_concurrent_rpcs=self._most_calls, options=_OPTIONS)
        register(server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        if self._reflection:
            grpc_reflection.enable_server_reflection((*self._names, health.SERVICE_NAME, grpc_reflection.SERVICE_NAME), server)
        bound = int(server.add_insecure_port(f"{host}:{port}"))
        await server.start()
        self._server = server
        for name in self._names:
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        return bound

    async def stop(self, grace: float) -> None:
        """Tell health checks NOT_SERVING, refuse new calls, and wait at most ``grace`` seconds for the running ones."""
        await self._health.enter_graceful_shutdown()
        if self._server is not None:
            await self._server.stop(grace)
            self._server = None


def make_server(
    *,
    token: SecretStr | None,
    reflection: bool,
    names: Sequence[str],
    read_token: SecretStr | None = None,
    default_deadline: timedelta = _DEFAULT_DEADLINE,
    most_calls: int = _MOST_CALLS,
) -> GrpcServer:
    """Build a server.

    Args:
        token: allows every method. With neither token every call is allowed.
        reflection: whether clients may ask for the contract.
        names: full names of the services, for health and reflection.
        read_token: allows the methods that change nothing.
        default_deadline: what a call without a deadline is given.
        most_calls: how many calls run at once; more are refused with RESOURCE_EXHAUSTED.
    """
    interceptor = CallInterceptor(
        Authentication(token=token, read_token=read_token), default_deadline=default_deadline, longest_deadline=_LONGEST_DEADLINE
    )
    return GrpcServer(interceptor, reflection=reflection, names=names, most_calls=most_calls)
