"""What `spikewatch doctor` looks at: each check says what it found and, when something is wrong, what to do."""

import asyncio
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.stack import jars, kafka_probe, stack_file
from spikewatch.cli.stack.cache_folder import cache_folder
from spikewatch.cli.stack.condition import State, condition
from spikewatch.cli.stack.java import java_binary, java_version
from spikewatch.cli.stack.mongo_server import mongod_binary
from spikewatch.cli.stack.ports import free_port

__all__ = ["Check", "Verdict", "run_checks"]

_OLDEST_PYTHON: Final = (3, 11)
_ENOUGH_DISK_GB: Final = 5.0  # Kafka's segments, mongod's journal and a day of replays
_CLOCK_OFF_S: Final = 5.0  # reports in the future are refused after a few minutes; long before that a clock is wrong


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Check:
    """One check's result; ``advice`` is empty when all is well."""

    check: str
    verdict: Verdict
    found: str
    advice: str = ""


def run_checks(folder: Path) -> Iterator[Check]:
    """Look at this machine, at the servers, and at the stack of a folder, one check after the other."""
    yield _python()
    yield _platform()
    yield _disk(folder)
    kafka, mongo = os.environ.get("SPIKEWATCH_KAFKA_BOOTSTRAP"), os.environ.get("SPIKEWATCH_MONGODB_URI")
    if not kafka:
        yield _attempt("java", _java)
        yield _attempt("kafka jars", _jars)
    if not mongo:
        yield _attempt("mongod", lambda: Check("mongod", Verdict.OK, mongod_binary()))
    yield _attempt("ports", lambda: Check("ports", Verdict.OK, f"port {free_port()} on 127.0.0.1 is free, for example"))
    try:
        stack = stack_file.read(folder)
    except CannotRun:
        yield Check("stack", Verdict.OK, f"none runs in {folder}")
    else:
        kafka, mongo = stack.kafka_bootstrap, stack.mongodb_uri
        yield from _stack(stack)
    if kafka:
        yield from _kafka(kafka)
    if mongo:
        yield _attempt("mongodb answers", lambda: _mongo_and_clock(mongo))


def _attempt(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except Exception as error:  # noqa: BLE001  # a doctor that falls over its patient's illness helps nobody
        is_told = isinstance(error, CannotRun)
        return Check(name, Verdict.PROBLEM, "not usable", str(error) if is_told else f"{type(error).__name__}: {error}")


def _python() -> Check:
    version = platform.python_version()
    if sys.version_info[:2] < _OLDEST_PYTHON:
        return Check("python", Verdict.PROBLEM, version, "install Python 3.11 or newer")
    return Check("python", Verdict.OK, version)


def _platform() -> Check:
    found = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    if sys.platform == "linux" and platform.machine() == "x86_64":
        return Check("platform", Verdict.OK, found)
    advice = "the packaged mongod runs on Linux x86-64 only: use `docker compose up`, or put mongod on the PATH"
    return Check("platform", Verdict.WARNING, found, advice)


def _disk(folder: Path) -> Check:
    nearest = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free_gb = shutil.disk_usage(nearest).free / 1e9
    found = f"{free_gb:.1f} GB free for {folder}"
    if free_gb < _ENOUGH_DISK_GB:
        return Check("disk", Verdict.WARNING, found, f"free at least {_ENOUGH_DISK_GB:.0f} GB, or choose another --folder")
    return Check("disk", Verdict.OK, found)


def _java() -> Check:
    binary = java_binary()
    return Check("java", Verdict.OK, f"Java {java_version(binary)} at {binary}")


def _jars() -> Check:
    if os.environ.get("KAFKA_HOME"):
        return Check("kafka jars", Verdict.OK, f"from KAFKA_HOME ({jars.kafka_class_path()})")
    folder = cache_folder() / f"kafka-{jars.KAFKA_VERSION}"
    if not folder.exists():
        return Check("kafka jars", Verdict.WARNING, "not downloaded yet", "the first `spikewatch up` downloads 43 MB; nothing else to do")
    jars.check(folder, jars.pinned_sums())
    return Check("kafka jars", Verdict.OK, f"all {len(jars.pinned_sums())} match their sums in {folder}")


def _stack(stack: stack_file.StackFile) -> Iterator[Check]:
    if not stack.supervisor.is_running:
        yield Check("stack", Verdict.PROBLEM, "its supervisor is gone", "run `spikewatch down`, then `spikewatch up`")
    for part in condition(stack):
        advice = "" if part.state is State.READY else f"see {part.log or 'its log in the folder'}"
        yield Check(part.part, Verdict.OK if part.state is State.READY else Verdict.PROBLEM, f"{part.state} ({part.address})", advice)


def _kafka(bootstrap: str) -> Iterator[Check]:
    host, _, port = bootstrap.split(",", maxsplit=1)[0].rpartition(":")
    found = kafka_probe.brokers(host, int(port) if port.isdecimal() else 9092)
    if not found:
        # The probe speaks no TLS: a secured listener is not ill because of that.
        yield Check("kafka answers", Verdict.WARNING, "no plain answer", "check address and firewall; a TLS listener is not asked here")
        return
    yield Check("kafka answers", Verdict.OK, f"{len(found)} broker(s)")
    yield _attempt("topics", lambda: _topics(bootstrap))


def _topics(bootstrap: str) -> Check:
    from spikewatch.chassis.kafka.connection import KafkaConnection  # noqa: PLC0415  # a second of imports that --help should not take
    from spikewatch.chassis.kafka.topics_admin import Refused, plan  # noqa: PLC0415
    from spikewatch.chassis.outcome import Transient  # noqa: PLC0415

    try:
        changes = asyncio.run(plan(KafkaConnection(bootstrap=tuple(bootstrap.split(",")), client_id="spikewatch-doctor")))
    except (Refused, Transient) as error:
        return Check("topics", Verdict.PROBLEM, "the broker does not tell its topics", f"may this user describe topics? ({error})")
    differing = [change for change in changes if change.action != "ok"]
    if differing:
        shown = "; ".join(f"{change.topic}: {change.action} {change.detail}".strip() for change in differing[:3])
        return Check("topics", Verdict.PROBLEM, f"{len(differing)} of {len(changes)} differ ({shown})", "run `spikewatch topics apply`")
    return Check("topics", Verdict.OK, f"all {len(changes)} as declared")


def _mongo_and_clock(uri: str) -> Check:
    from bson.codec_options import CodecOptions  # noqa: PLC0415  # as above
    from pymongo import MongoClient  # noqa: PLC0415
    from pymongo.errors import PyMongoError  # noqa: PLC0415

    try:
        with MongoClient[dict[str, object]](uri, serverSelectionTimeoutMS=3000) as client:
            hello: dict[str, object] = client.admin.command("hello", codec_options=CodecOptions(tz_aware=True))
    except PyMongoError as error:
        return Check(
            "mongodb answers", Verdict.PROBLEM, type(error).__name__, "check address, credentials and that the replica set has a primary"
        )
    if "setName" not in hello:
        return Check("mongodb answers", Verdict.PROBLEM, "standalone", "start it with --replSet: transactions need a replica set")
    there = hello["localTime"]
    apart = abs((datetime.now(UTC) - there).total_seconds()) if isinstance(there, datetime) else 0.0
    if apart > _CLOCK_OFF_S:
        return Check("clock", Verdict.PROBLEM, f"{apart:.0f} s from MongoDB's", "let both machines take their time from NTP")
    return Check("mongodb answers, clock", Verdict.OK, f"replica set {hello['setName']}, clocks {apart:.1f} s apart")
