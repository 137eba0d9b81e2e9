"""The interceptors and the client against each other, over a real loopback connection."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr
from spikewatch_testing.patience import PATIENCE_S

from spikewatch.chassis.grpc import telemetry
from spikewatch.chassis.grpc.authentication import Permission, permission_of
from spikewatch.chassis.grpc.client import connect
from spikewatch.chassis.grpc.refusal import Refused, Violation, explain
from spikewatch.chassis.grpc.server import GrpcServer, make_server
from spikewatch.chassis.outcome import Transient

pytestmark = pytest.mark.asyncio(loop_scope="module")  # gRPC's poller is made for one loop a process (grpc#25364)

SERVICE = "test.v1.EchoService"
Handler = Callable[[bytes, Any], Awaitable[bytes]]
TOKEN, READ_TOKEN = SecretStr("whole"), SecretStr("read-only")


async def echo(request: bytes, _: Any) -> bytes:
    return request


@asynccontextmanager
async def serving(*, get: Handler = echo, create: Handler = echo, port: int = 0, **options: Any) -> AsyncIterator[tuple[GrpcServer, str]]:
    def register(server: grpc.aio.Server) -> None:
        methods: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            name: grpc.unary_unary_rpc_method_handler(handler) for name, handler in (("GetEcho", get), ("CreateEcho", create))
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))

    server = make_server(**({"token": None, "reflection": True, "names": [SERVICE]} | options))
    bound = await server.start(register, "127.0.0.1", port)
    try:
        yield server, f"127.0.0.1:{bound}"
    finally:
        await server.stop(0)


async def call(channel: grpc.aio.Channel, method: str = "GetEcho", timeout: float | None = PATIENCE_S) -> bytes:
    multicallable: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/{SERVICE}/{method}")
    return await multicallable(b"hello", timeout=timeout)


async def refusal(address: str, method: str = "GetEcho", **options: Any) -> grpc.aio.AioRpcError:
    async with connect(address, **options) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(channel, method)
    return caught.value


async def test_a_call_is_answered() -> None:
    async with serving() as (_, address), connect(address) as channel:
        assert await call(channel) == b"hello"


async def test_a_new_channel_does_not_inherit_the_failure_of_another_to_the_same_port() -> None:
    async with serving() as (_, address):
        port = int(address.rpartition(":")[2])
    async with connect(address) as failing:
        with pytest.raises(grpc.aio.AioRpcError):
            await call(failing)  # nobody listens: this channel now waits before it tries again
        async with serving(port=port), connect(address) as channel:
            assert await call(channel) == b"hello"


async def test_a_refusal_carries_reason_and_fields() -> None:
    async def refuse(_: bytes, __: Any) -> bytes:
        raise Refused(
            grpc.StatusCode.INVALID_ARGUMENT,
            "the record is not right",
            reason="INVALID_FIELDS",
            violations=[Violation("role", "is missing", "a role", "duty_desk")],
        )

    async with serving(get=refuse) as (_, address):
        told = explain(await refusal(address))
    assert told.code is grpc.StatusCode.INVALID_ARGUMENT
    assert told.reason == "INVALID_FIELDS"
    assert told.violations == (("role", "is missing; expected a role, for example duty_desk"),)


async def test_an_unexpected_failure_is_internal_and_its_text_stays_inside(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(_: bytes, __: Any) -> bytes:
        raise ValueError("secret of a person")

    async with serving(get=fail) as (_, address):
        with caplog.at_level(logging.ERROR):
            error = await refusal(address)
    assert error.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in (error.details() or "")
    assert [record.message for record in caplog.records] == ["a call failed unexpectedly"]


async def test_a_passing_fault_is_unavailable_and_retried_where_it_is_safe() -> None:
    attempts = {"get": 0, "create": 0}

    def failing_twice(name: str) -> Handler:
        async def work(request: bytes, _: Any) -> bytes:
            attempts[name] += 1
            if attempts[name] < 3:
                raise Transient("mongodb: gone")
            return request

        return work

    async with serving(get=failing_twice("get"), create=failing_twice("create")) as (_, address):
        async with connect(address, idempotent=[f"{SERVICE}/GetEcho"]) as channel:
            assert await call(channel) == b"hello"
        error = await refusal(address, "CreateEcho", idempotent=[f"{SERVICE}/GetEcho"])
    assert attempts == {"get": 3, "create": 1}
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert explain(error).reason == "TRY_AGAIN"


async def test_a_call_without_a_deadline_is_cut_at_the_default() -> None:
    async def hang(_: bytes, __: Any) -> bytes:
        await asyncio.Event().wait()
        return b""

    options: dict[str, Any] = {"get": hang, "default_deadline": timedelta(milliseconds=50)}
    async with serving(**options) as (_, address), grpc.aio.insecure_channel(address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(channel, timeout=None)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert explain(caught.value).reason == "DEADLINE_EXCEEDED"  # told by the server, not by the client's own clock


async def test_the_client_gives_every_call_a_deadline() -> None:
    seen: list[float | None] = []

    async def look(request: bytes, context: Any) -> bytes:
        seen.append(context.time_remaining())
        return request

    async with serving(get=look) as (_, address), connect(address, deadline=timedelta(seconds=PATIENCE_S)) as channel:
        await call(channel, timeout=None)
    assert seen[0] is not None
    assert 0 < seen[0] < PATIENCE_S + 1  # gRPC rounds a deadline up by some milliseconds


@pytest.mark.parametrize(
    ("token", "method", "code"),
    [
        (None, "GetEcho", grpc.StatusCode.UNAUTHENTICATED),
        (SecretStr("other"), "GetEcho", grpc.StatusCode.UNAUTHENTICATED),
        (READ_TOKEN, "CreateEcho", grpc.StatusCode.PERMISSION_DENIED),
    ],
)
async def test_a_token_is_needed(token: SecretStr | None, method: str, code: grpc.StatusCode) -> None:
    async with serving(token=TOKEN, read_token=READ_TOKEN) as (_, address):
        assert (await refusal(address, method, token=token)).code() is code


@pytest.mark.parametrize(("token", "method"), [(TOKEN, "GetEcho"), (TOKEN, "CreateEcho"), (READ_TOKEN, "GetEcho")])
async def test_the_right_token_is_enough(token: SecretStr, method: str) -> None:
    async with serving(token=TOKEN, read_token=READ_TOKEN) as (_, address), connect(address, token=token) as channel:
        assert await call(channel, method) == b"hello"


async def test_health_is_open_and_reflection_is_not() -> None:
    async with serving(token=TOKEN) as (_, address), grpc.aio.insecure_channel(address) as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=SERVICE), timeout=PATIENCE_S)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([request]), timeout=PATIENCE_S):
                pass
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_reflection_lists_the_service_and_can_be_switched_off() -> None:
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    async with serving() as (_, address), grpc.aio.insecure_channel(address) as channel:
        stream = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([request]), timeout=PATIENCE_S)
        names = [service.name async for answer in stream for service in answer.list_services_response.service]
    assert SERVICE in names
    async with serving(reflection=False) as (_, address), grpc.aio.insecure_channel(address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([request]), timeout=PATIENCE_S):
                pass
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_stop_tells_health_first_and_lets_the_running_call_end() -> None:
    entered, release = asyncio.Event(), asyncio.Event()

    async def wait(request: bytes, _: Any) -> bytes:
        entered.set()
        await release.wait()
        return request

    async with serving(get=wait) as (server, address), connect(address) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=SERVICE), timeout=PATIENCE_S)
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        running = asyncio.create_task(call(channel))
        await entered.wait()
        stopping = asyncio.create_task(server.stop(PATIENCE_S))
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watch.cancel()
        release.set()
        assert await running == b"hello"
        await stopping


async def test_one_trace_holds_client_server_and_what_happens_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "_tracer", provider.get_tracer("test"))
    inside: list[int] = []

    async def look(request: bytes, _: Any) -> bytes:
        inside.append(trace.get_current_span().get_span_context().span_id)
        return request

    async with serving(get=look) as (_, address), connect(address) as channel:
        await call(channel)
        await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE_S)
    spans = {(span.name, span.kind): span for span in exporter.get_finished_spans()}
    client, server = (spans[f"{SERVICE}/GetEcho", kind] for kind in (trace.SpanKind.CLIENT, trace.SpanKind.SERVER))
    assert server.parent is not None
    assert server.parent.span_id == client.context.span_id
    assert server.context.trace_id == client.context.trace_id
    assert inside == [server.context.span_id]
    assert (server.attributes or {})["rpc.response.status_code"] == "OK"
    assert ("grpc.health.v1.Health/Check", trace.SpanKind.SERVER) not in spans


async def test_a_taken_port_is_an_error() -> None:
    async with serving() as (_, address):
        with pytest.raises(RuntimeError):
            await make_server(token=None, reflection=False, names=[]).start(lambda _: None, "127.0.0.1", int(address.rpartition(":")[2]))


@pytest.mark.parametrize(
    ("method", "permission"),
    [
        ("/a.B/GetThing", Permission.READ),
        ("/a.B/ListThings", Permission.READ),
        ("/a.B/CreateThing", Permission.WRITE),
        ("/a.B/Frobnicate", Permission.WRITE),
        ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", Permission.READ),
        ("/grpc.health.v1.Health/Check", None),
    ],
)
async def test_each_method_has_its_permission(method: str, permission: Permission | None) -> None:
    assert permission_of(method) is permission
