"""The running service: what a composition root (`app.py`) wires to, and how it starts, drains and stops.

Start: settings, telemetry, MongoDB, producer, wiring, servers, consumers, ready. Stop, in reverse: not ready, consumers
finish the batch in hand, servers drain, producer flushes, telemetry flushes.
"""

import asyncio
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from aiokafka.errors import KafkaError

from spikewatch.chassis.clock import Clock, system_clock
from spikewatch.chassis.collector import collect_cycles
from spikewatch.chassis.freed_memory import give_back
from spikewatch.chassis.health import Checks, health_app
from spikewatch.chassis.http import HttpServer
from spikewatch.chassis.kafka.backoff import delays
from spikewatch.chassis.kafka.batch import BatchConsumer, BatchLimits
from spikewatch.chassis.kafka.broker import Consumption, make_broker, subscribe
from spikewatch.chassis.kafka.connection import KafkaConnection
from spikewatch.chassis.kafka.message import Event
from spikewatch.chassis.kafka.progress import Progress
from spikewatch.chassis.kafka.publisher import Publisher
from spikewatch.chassis.kafka.subscription import Subscription
from spikewatch.chassis.kafka.table import Table
from spikewatch.chassis.mongo import Mongo
from spikewatch.chassis.outcome import Transient
from spikewatch.chassis.process import until_stopped
from spikewatch.chassis.settings import ChassisSettings, load, masked
from spikewatch.chassis.telemetry.logs import configure
from spikewatch.chassis.telemetry.setup import service_version, start_telemetry
from spikewatch.contracts.topics import Topic

if TYPE_CHECKING:
    from spikewatch.chassis.grpc.server import GrpcServer

__all__ = ["Build", "Runtime", "run"]

_log: Final = logging.getLogger(__name__)
_LOOK_SECONDS: Final = 5.0
_COLLECT_SECONDS: Final = 60.0
_GIVE_BACK_SECONDS: Final = 60.0
# How long a start waits for Kafka and MongoDB before it gives up and says so; the orchestrator then tries again.
_START_SECONDS: Final = 120.0

S = TypeVar("S", bound=ChassisSettings)
Build = Callable[["Runtime", S], Awaitable[None]]


class Runtime:
    """One service process. The composition root calls the methods below once; the rest happens by itself."""

    def __init__(self, service: str, settings: ChassisSettings, *, clock: Clock = system_clock) -> None:
        self.service = service
        self.instance = settings.instance
        self.clock = clock
        self.mongo = Mongo(settings.mongodb_uri.get_secret_value(), settings.mongodb_database or f"spikewatch_{service}")
        self.connection = KafkaConnection.from_settings(settings, f"spikewatch-{service}-{settings.instance}")
        self.publisher = Publisher(self.connection)
        self._settings = settings
        self._broker = make_broker(self.connection, drain_seconds=settings.drain_seconds)
        self._consumptions: list[Consumption] = []
        self._https: list[HttpServer] = []
        self._grpcs: list[tuple[GrpcServer, Callable[[Any], None], str, int]] = []
        self._tables: list[Table] = []
        self._periodic: list[tuple[float, Callable[[], Awaitable[None]], str]] = []
        self._on_stop: list[Callable[[], Awaitable[None]]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._ports: dict[str, int] = {}
        self.failed = asyncio.Event()
        self._is_draining = False
        self._is_started = False
        self._progress: Progress | None = None

    def subscribe(self, subscription: Subscription[Any]) -> None:
        """Consume a topic from its committed offset on, from the earliest record at first."""
        limits = BatchLimits(
            max_record_bytes=self._settings.max_record_bytes,
            retry_seconds=self._settings.retry_seconds,
            circuit_ratio=self._settings.circuit_ratio,
            circuit_records=self._settings.circuit_records,
            circuit_pause_seconds=self._settings.circuit_pause_seconds,
        )
        consumer = BatchConsumer(
            subscription,
            publisher=self.publisher,
            limits=limits,
            service=f"{self.service} {service_version(self.service)}",
            clock=self.clock,
        )
        most = min(subscription.max_records, self._settings.batch_records)
        self._consumptions.append(subscribe(self._broker, consumer, max_records=most))

    def serve_http(self, app: Any, *, host: str, port: int, certificate: str | None = None, key: str | None = None) -> None:
        """Serve an ASGI app; port 0 chooses a free one."""
        server = HttpServer(app, host=host, port=port, drain_seconds=self._settings.drain_seconds, certificate=certificate, key=key)
        self._https.append(server)
        self._ports["http"] = server.port

    def serve_grpc(
        self,
        register: Callable[[Any], None],
        *,
        host: str,
        port: int,
        names: Sequence[str],
        token: Any = None,
        reflection: bool = True,
    ) -> None:
        """Serve gRPC services by their full names, with health, reflection and the chassis's interceptors."""
        # Imported here: only what serves gRPC installs it (extra `grpc`).
        from spikewatch.chassis.grpc.server import make_server  # noqa: PLC0415

        self._grpcs.append((make_server(token=token, reflection=reflection, names=names), register, host, port))

    def announce(self, kind: str, port: int) -> None:
        """Tell the port of a server that the service runs itself; it stops it with ``on_stop``."""
        self._ports[kind] = port

    async def read_table(self, topic: Topic, on_record: Callable[[Event[Any]], None]) -> None:
        """Feed a compacted topic to a function: return when caught up, then follow."""
        table = Table(self.connection, topic, on_record, most_bytes=self._settings.max_record_bytes)
        self._tables.append(table)
        await table.start()

    def every(self, seconds: float, work: Callable[[], Awaitable[None]], *, name: str) -> None:
        """Run something again and again while the service runs; a failure is logged and the next turn comes."""
        self._periodic.append((seconds, work, name))

    def on_stop(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run something after the last batch and before the producer closes."""
        self._on_stop.append(work)

    async def start(self, build: "Build[Any]") -> None:
        """Bring the service up; returns when it is consuming and serving.

        Raises:
            Transient: Kafka or MongoDB did not answer in time.
        """
        await _patiently(self.mongo.ping, "MongoDB")
        await _patiently(self.publisher.start, "Kafka")
        await build(self, self._settings)
        await self._start_servers()
        if self._consumptions:
            await _patiently(self._broker.start, "Kafka")
        self._progress = Progress(self._consumptions, limit_seconds=self._settings.stuck_seconds, answers=self.connection.answers)
        self._periodic += [
            (_LOOK_SECONDS, self._look, "lag"),
            (_COLLECT_SECONDS, collect_cycles, "cycles"),
            (_GIVE_BACK_SECONDS, give_back, "freed memory"),
        ]
        for seconds, work, name in self._periodic:
            self._tasks.append(asyncio.create_task(self._repeat(seconds, work, name), name=f"every:{name}"))
        self._is_started = True
        _log.info("started", extra={"ports": self._ports, "version": service_version(self.service)})

    async def stop(self) -> None:
        """Drain and stop: nothing that was taken is left half done."""
        self._is_draining = True
        started = time.monotonic()
        for server in self._https:
            await server.stop()
        for grpc_server, _, _, _ in self._grpcs:
            await grpc_server.stop(self._settings.drain_seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(part.batches.close() for part in self._consumptions))
        await self._broker.stop()
        for work in self._on_stop:
            await work()
        for table in self._tables:
            await table.stop()
        await self.publisher.stop()
        self.mongo.close()
        _log.info("stopped", extra={"seconds": round(time.monotonic() - started, 3)})

    async def wait_ready(self) -> None:
        """Return when all dependencies answer and every consumer has joined its group."""
        while await self._not_ready():  # noqa: ASYNC110  # readiness has no single moment to wait for: it is asked of others
            await asyncio.sleep(0.05)

    def ports(self) -> dict[str, int]:
        """Return the bound ports by kind: health, http, grpc, and what was announced."""
        return dict(self._ports)

    async def _start_servers(self) -> None:
        checks = Checks(live=self._not_live, ready=self._not_ready, facts={"service": self.service, "instance": self.instance})
        health = HttpServer(health_app(checks), host=self._settings.health_host, port=self._settings.health_port, drain_seconds=1)
        self._ports["health"] = health.port
        for server in (*self._https, health):
            await server.start()
        self._https.append(health)
        for grpc_server, register, host, port in self._grpcs:
            self._ports["grpc"] = await grpc_server.start(register, host, port)

    async def _look(self) -> None:
        """Look at the consumers' progress and end a process whose consumer has stopped: a new one is the only cure."""
        if self._progress is None:
            return
        await self._progress.look()
        if stuck := self._progress.stuck():
            _log.error("a consumer has stopped although records wait or the broker answers: ending the process", extra={"groups": stuck})
            self.failed.set()

    async def _repeat(self, seconds: float, work: Callable[[], Awaitable[None]], name: str) -> None:
        while True:
            try:
                await work()
            except Transient as error:
                _log.warning("periodic work will be tried again", extra={"work": name, "cause": str(error)})
            except Exception:  # noqa: BLE001  # one failed turn must not end all later ones
                _log.exception("periodic work failed", extra={"work": name})
            await asyncio.sleep(seconds)

    def _not_live(self) -> list[str]:
        if self._progress is None:
            return []
        return [
            f"{group}: records wait and none was processed for {self._settings.stuck_seconds:.0f} s" for group in self._progress.stuck()
        ]

    async def _not_ready(self) -> list[str]:
        if self._is_draining:
            return ["draining"]
        if not self._is_started or self._progress is None:
            return ["starting"]
        problems = [] if self._progress.joined() else ["a consumer has not joined its group yet"]
        try:
            await self.mongo.ping()
        except Transient as error:
            problems.append(str(error))
        return problems


async def _patiently(work: Callable[[], Awaitable[object]], what: str) -> None:
    """Do what needs an outside server, again and again until it answers.

    Raises:
        Transient: it did not answer in time.
    """
    for delay in delays(_START_SECONDS):
        try:
            await work()
        except (KafkaError, Transient) as error:
            _log.warning("waiting for a dependency", extra={"dependency": what, "error_type": type(error).__name__})
            await asyncio.sleep(delay)
        else:
            return
    raise Transient(f"{what} did not answer within {_START_SECONDS:.0f} s; is it running, and is its address right?")


async def _live(service: str, settings: S, build: "Build[S]") -> int:
    runtime = Runtime(service, settings)
    return await until_stopped(runtime, lambda: runtime.start(build))


def run(service: str, settings: type[S], build: "Build[S]") -> None:
    """Run a service until SIGTERM; the whole of a `__main__`.

    ``--print-config`` prints the settings with secrets masked and ends.

    Raises:
        SystemExit: with 0 after an orderly stop, 1 when a dependency never answered or a consumer stopped for good, 2 when a
            setting is wrong or does not fit what is stored.
    """
    values = load(settings)
    if "--print-config" in sys.argv[1:]:
        sys.stdout.write(json.dumps(masked(values), indent=2, default=str) + "\n")
        raise SystemExit(0)
    configure(service=service, level=values.log_level, form=values.log_format)
    stop_telemetry = start_telemetry(service, values.instance)
    try:
        # asyncio's own loop: on uvloop a write to a closed connection raises RuntimeError, which ends aiokafka's metadata task for good.
        status = asyncio.run(_live(service, values, build))
    finally:
        stop_telemetry()
    raise SystemExit(status)
