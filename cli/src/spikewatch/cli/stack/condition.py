"""How each part of a running stack is right now, asked from outside: what `up` shows live and `status` prints."""

import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from spikewatch.cli.stack import kafka_probe, ports
from spikewatch.cli.stack.stack_file import RunningProcess, RunningService, StackFile

__all__ = ["PartCondition", "State", "condition"]

_PROBE_S: Final = 2.0


class State(StrEnum):
    """What a part answers."""

    READY = "ready"
    NOT_READY = "not ready"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class PartCondition:
    """One part of the stack; memory is resident, in MiB."""

    part: str
    state: State
    address: str
    pid: int | None
    memory_mb: int | None
    log: str | None = None


def condition(stack: StackFile) -> list[PartCondition]:
    """Ask every part, side by side."""
    with ThreadPoolExecutor(max_workers=2 + len(stack.services)) as pool:
        kafka = pool.submit(_kafka, stack)
        mongo = pool.submit(_mongo, stack)
        services = [pool.submit(_service, service) for service in stack.services]
        return [kafka.result(), mongo.result(), *(service.result() for service in services)]


def _kafka(stack: StackFile) -> PartCondition:
    host, _, port = stack.kafka_bootstrap.split(",")[0].rpartition(":")
    is_ready = bool(kafka_probe.brokers(host, int(port), timeout_s=_PROBE_S))
    return _part("kafka", stack.kafka, is_ready=is_ready, address=stack.kafka_bootstrap, is_given=stack.kafka is None)


def _mongo(stack: StackFile) -> PartCondition:
    where = urllib.parse.urlsplit(stack.mongodb_uri)
    host = where.netloc.rpartition("@")[2]  # without name and password
    name, _, port = host.split(",")[0].partition(":")
    is_ready = ports.answers(name, int(port or 27017), timeout_s=_PROBE_S)
    return _part("mongod", stack.mongod, is_ready=is_ready, address=host, is_given=stack.mongod is None)


def _service(service: RunningService) -> PartCondition:
    is_ready = False
    if service.health_port is not None:
        try:
            with urllib.request.urlopen(f"http://{ports.LOOPBACK}:{service.health_port}/ready", timeout=_PROBE_S) as answer:
                is_ready = answer.status == 200
        except (urllib.error.URLError, OSError):
            is_ready = False
    shown = [f"http://{ports.LOOPBACK}:{service.http_port}"] if service.http_port else []
    shown += [f"grpc {ports.LOOPBACK}:{service.grpc_port}"] if service.grpc_port else []
    shown += [f"health :{service.health_port}"] if service.health_port else []
    return _part(service.instance, service.process, is_ready=is_ready, address=", ".join(shown), log=service.log)


def _part(
    name: str, process: RunningProcess | None, *, is_ready: bool, address: str, is_given: bool = False, log: str | None = None
) -> PartCondition:
    is_there = is_given or (process is not None and process.is_running)
    memory = process.memory_bytes() if process is not None else None
    return PartCondition(
        part=f"{name} (given)" if is_given else name,
        state=(State.READY if is_ready else State.NOT_READY) if is_there else State.GONE,
        address=address,
        pid=process.pid if process is not None else None,
        memory_mb=None if memory is None else memory // 1_048_576,
        log=log,
    )
