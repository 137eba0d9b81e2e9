"""The whole local stack in one folder: mongod, Kafka, topics, services, traces; starts in parallel what does not need the other.

Invariant: one folder runs one stack at a time, and everything a stack started ends with it.
"""

import asyncio
import fcntl
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ALL_COMPLETED, FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.stack import stack_file
from spikewatch.cli.stack.kafka_server import KafkaServer
from spikewatch.cli.stack.mongo_server import MongoServer
from spikewatch.cli.stack.ports import LOOPBACK, free_port, kept_port
from spikewatch.cli.stack.secret_key import seal_key
from spikewatch.cli.stack.service_process import ServiceProcess
from spikewatch.cli.stack.traces import TraceReceiver

__all__ = ["SERVICES", "Stack", "StackOptions", "apply_topics"]

SERVICES: Final = ("directory", "ingest", "enrichment", "alerts")  # the order in which they depend on each other


def apply_topics(bootstrap: str) -> None:
    """Create the declared topics, from any thread.

    Raises:
        CannotRun: the broker does not answer, or refuses.
    """
    from spikewatch.chassis.kafka.connection import KafkaConnection  # noqa: PLC0415  # a second of imports that overlaps Kafka's start
    from spikewatch.chassis.kafka.topics_admin import Refused, apply  # noqa: PLC0415
    from spikewatch.chassis.outcome import Transient  # noqa: PLC0415

    try:
        asyncio.run(apply(KafkaConnection(bootstrap=tuple(bootstrap.split(",")), client_id="spikewatch-up")))
    except Refused as error:
        raise CannotRun(f"the topics could not be created at {bootstrap}: {error}") from None
    except Transient as error:
        raise CannotRun(f"the topics could not be created at {bootstrap} ({error}); is the address right?") from None


@dataclass(frozen=True, slots=True)
class StackOptions:
    """What may be chosen about a stack; port 0 means a free one.

    Attributes:
        mongodb_cache_gb: what mongod may hold in memory; None: a share of the machine's.
        instances: how many processes of a service, by its name; 1 where not named.
        env: further settings for every service, for example an alerts clock or limits.
        services: which services to start; none gives the servers alone.
    """

    kafka_port: int = 0
    mongodb_port: int = 0
    ingest_port: int = 0
    directory_port: int = 0
    alerts_port: int = 0
    traces_port: int = 0
    mongodb_cache_gb: float | None = None
    instances: Mapping[str, int] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    services: tuple[str, ...] = SERVICES


class Stack:
    """A local stack; a context manager. ``tell`` gets one line for people at each step."""

    def __init__(self, folder: Path, options: StackOptions | None = None, *, tell: Callable[[str], None] = lambda _line: None) -> None:
        self.folder = folder.absolute()
        self.services: list[ServiceProcess] = []
        self.kafka: KafkaServer | None = None
        self.mongo: MongoServer | None = None
        self.traces: TraceReceiver | None = None
        self._options = StackOptions() if options is None else options
        self._tell = tell
        self._lock: IO[str] | None = None
        self._env: dict[str, str] = {}
        self._started_at = datetime.now(UTC)
        self.kafka_bootstrap = ""
        self.mongodb_uri = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything and wait until all of it is ready; on failure nothing is left running.

        Raises:
            CannotRun: says which part failed, with the end of its log and what to do.
        """
        self._take_folder()
        try:
            self._start_servers()
            self._start_services()
            self.write_file()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything: the services drain first, then the servers; safe to repeat."""
        with ExitStack() as last_first:  # each step runs even when one before it fails
            last_first.callback(self._release_folder)
            last_first.callback(self._stop_traces)
            last_first.callback(_together, [server.stop for server in (self.kafka, self.mongo) if server is not None])
            last_first.callback(_together, [service.stop for service in self.services])
            for service in self.services:
                service.process.ask_to_stop()

    def _stop_traces(self) -> None:
        if self.traces is not None:
            self.traces.stop()
            self.traces = None

    def _release_folder(self) -> None:
        if self._lock is not None:
            stack_file.remove(self.folder)
            self._lock.close()
            self._lock = None

    def add_instance(self, name: str) -> ServiceProcess:
        """Start one more instance of a service beside the others, and wait until it is ready."""
        service = self._service(name, 1 + sum(1 for service in self.services if service.name == name))
        self.services.append(service)
        service.start()
        self.write_file()
        return service

    def instances_of(self, name: str) -> list[ServiceProcess]:
        """Return the instances of one service."""
        return [service for service in self.services if service.name == name]

    def revive(self) -> list[str]:
        """Restart every part that ended by itself and return their names.

        Raises:
            CannotRun: one does not come back.
        """
        parts: list[tuple[str, bool, Callable[[], None]]] = [(s.instance, s.process.is_running, s.start) for s in self.services]
        if self.kafka is not None:
            parts.insert(0, ("kafka", self.kafka.process.is_running, self.kafka.start))
        if self.mongo is not None:
            parts.insert(0, ("mongod", self.mongo.process.is_running, self.mongo.start))
        ended = [(name, start) for name, is_running, start in parts if not is_running]
        for _, start in ended:
            start()
        if ended:
            self.write_file()
        return [name for name, _ in ended]

    def write_file(self) -> None:
        """Write addresses and pids to ``stack.json``."""
        supervisor = stack_file.process_of(os.getpid())
        assert supervisor is not None  # noqa: S101  # this process runs
        stack_file.write(
            self.folder,
            stack_file.StackFile(
                started_at=self._started_at,
                supervisor=supervisor,
                kafka_bootstrap=self.kafka_bootstrap,
                kafka=stack_file.process_of(self.kafka.process.pid) if self.kafka is not None else None,
                mongodb_uri=self.mongodb_uri,
                mongod=stack_file.process_of(self.mongo.process.pid) if self.mongo is not None else None,
                services=tuple(
                    stack_file.RunningService(
                        name=service.name,
                        instance=service.instance,
                        process=stack_file.process_of(service.process.pid),
                        health_port=service.health_port,
                        http_port=service.http_port,
                        grpc_port=service.grpc_port,
                        log=str(service.process.log),
                    )
                    for service in self.services
                ),
                traces_endpoint=self.traces.endpoint if self.traces is not None else None,
                traces_file=str(self.traces.file) if self.traces is not None else None,
            ),
        )

    def _take_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = (self.folder / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            advice = f"stop it with `spikewatch down --folder {self.folder}`, or choose another --folder"
            raise CannotRun(f"a stack runs in {self.folder} already; {advice}") from None
        self._lock = lock

    def _start_servers(self) -> None:
        self._started_at = datetime.now(UTC)
        starts: list[Callable[[], None]] = [self._start_kafka]
        given = os.environ.get("SPIKEWATCH_MONGODB_URI")
        if given:
            self.mongodb_uri = given
        else:
            self.mongo = MongoServer(self.folder / "mongo", self._options.mongodb_port, cache_gb=self._options.mongodb_cache_gb)
            self.mongodb_uri = self.mongo.uri
            starts.append(self.mongo.start)
        self.traces = TraceReceiver(self.folder / "traces.sqlite", self._options.traces_port or kept_port(self.folder, "traces"))
        self.traces.start()
        self._tell("starting mongod and Apache Kafka")
        _together(starts)
        self._tell(f"Kafka answers at {self.kafka_bootstrap}, its topics exist; MongoDB is {'given' if given else 'up'}")

    def _start_kafka(self) -> None:
        """Start Kafka, or take the given one; then its topics, while mongod may still be starting."""
        given = os.environ.get("SPIKEWATCH_KAFKA_BOOTSTRAP")
        if given:
            self.kafka_bootstrap = given
        else:
            self.kafka = KafkaServer(self.folder / "kafka", self._options.kafka_port)
            self.kafka_bootstrap = self.kafka.bootstrap
            self.kafka.start()
        apply_topics(self.kafka_bootstrap)

    def _start_services(self) -> None:
        directory_port = self._options.directory_port or kept_port(self.folder, "directory")
        self._env = {
            "SPIKEWATCH_KAFKA_BOOTSTRAP": self.kafka_bootstrap,
            "SPIKEWATCH_MONGODB_URI": self.mongodb_uri,
            "SPIKEWATCH_INGEST_PORT": str(self._options.ingest_port or kept_port(self.folder, "ingest")),
            "SPIKEWATCH_INGEST_SEAL_KEY": seal_key(self.folder),
            "SPIKEWATCH_DIRECTORY_PORT": str(directory_port),
            "SPIKEWATCH_ALERTS_PORT": str(self._options.alerts_port or kept_port(self.folder, "alerts")),
            "SPIKEWATCH_ALERTS_DIRECTORY_ADDRESS": f"{LOOPBACK}:{directory_port}",
            **self._telemetry(),
            **self._options.env,
        }
        for name in self._options.services:
            self.services += [self._service(name, number) for number in range(1, 1 + self._options.instances.get(name, 1))]
        for service in self.services:
            service.launch()
        self._tell(f"starting {', '.join(service.instance for service in self.services) or 'no services'}")
        _together((service.wait_ready for service in self.services), fails_fast=True)

    def _service(self, name: str, instance: int) -> ServiceProcess:
        env = {**self._env, "OTEL_SERVICE_NAME": name}
        if instance > 1:  # the first has the ports that are announced; the others take free ones
            env |= {f"SPIKEWATCH_{part}_PORT": str(free_port()) for part in ("INGEST", "DIRECTORY", "ALERTS")}
        return ServiceProcess(name, env, self.folder / "services", instance=instance)

    def _telemetry(self) -> dict[str, str]:
        """Send traces to the stack's own receiver, unless the caller's environment names a collector."""
        if self.traces is None or "OTEL_EXPORTER_OTLP_ENDPOINT" in os.environ:
            return {}
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.traces.endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_TRACES_EXPORTER": "otlp",
            # The receiver keeps traces only: what would be thrown away is not sent.
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
        }


def _together(calls: Iterable[Callable[[], object]], *, fails_fast: bool = False) -> None:
    """Run calls side by side and raise the first failure: once all have ended, or at once where the rest may be left waiting."""
    wanted = list(calls)
    if not wanted:
        return
    pool = ThreadPoolExecutor(max_workers=len(wanted))
    running = [pool.submit(call) for call in wanted]
    done, _ = wait(running, return_when=FIRST_EXCEPTION if fails_fast else ALL_COMPLETED)
    pool.shutdown(wait=False)
    for future in running:
        if future in done:
            future.result()
