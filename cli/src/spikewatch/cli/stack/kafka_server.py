"""One real Apache Kafka node (KRaft, broker and controller in one) on loopback, its records in one folder."""

import base64
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from spikewatch.cli.stack import kafka_probe
from spikewatch.cli.stack.child_process import ChildProcess, StartFailed
from spikewatch.cli.stack.jars import kafka_class_path
from spikewatch.cli.stack.java import java_binary
from spikewatch.cli.stack.ports import LOOPBACK, kept_port

__all__ = ["KafkaServer"]

_START_S: Final = 180.0  # 3 s on an idle machine; recovery after SIGKILL and a busy laptop take longer
_STOP_S: Final = 20.0
_MAX_RECORD_BYTES: Final = 12 * 1_048_576  # a record of 9 MiB must reach a dead-letter topic with its headers
_SETTINGS: Final[Mapping[str, str]] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "offsets.topic.num.partitions": "5",
    "transaction.state.log.num.partitions": "5",
    "group.initial.rebalance.delay.ms": "0",
    "auto.create.topics.enable": "false",
    # After SIGKILL the node comes back only when its old session has run out: 6 s with these, 14 s with the defaults.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
    "message.max.bytes": str(_MAX_RECORD_BYTES),
    "replica.fetch.max.bytes": str(_MAX_RECORD_BYTES),
    # A topic's segment file is preallocated on some file systems: small segments keep fifty topics small.
    "log.segment.bytes": str(64 * 1_048_576),
}
# Without the second compiler: in a stack's first minutes it takes a quarter of a core, more than the broker's own work at 100 records a
# second, and there are two cores for everything.
_VM: Final = ("-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError")
_LOG4J: Final = """\
Configuration:
  status: warn
  Appenders:
    Console: {name: out, target: SYSTEM_OUT, PatternLayout: {pattern: "%d{ISO8601} %p %c: %m%n"}}
  Loggers:
    Root: {level: info, AppenderRef: {ref: out}}
    Logger:
      - {name: org.apache.kafka.common.config, level: warn}
      - {name: kafka.server.KafkaConfig, level: warn}
"""


class KafkaServer:
    """Apache Kafka on ``127.0.0.1``; port 0 takes the one the folder had before, else a free one. Restarting keeps all."""

    def __init__(self, folder: Path, port: int = 0, *, heap_mb: int = 512) -> None:
        self._folder = folder
        self.port = port or kept_port(folder, "kafka")
        self._controller_port = kept_port(folder, "kafka-controller")
        self._heap_mb = heap_mb
        self._process = ChildProcess("kafka", folder)

    @property
    def bootstrap(self) -> str:
        """The address for clients, host:port."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def process(self) -> ChildProcess:
        """The broker's process."""
        return self._process

    def start(self) -> None:
        """Start and wait until the broker serves clients.

        Raises:
            StartFailed: it ended, or was not ready in time.
            CannotRun: Java or the jars are missing.
        """
        java, class_path = java_binary(), kafka_class_path()
        configuration = self._write_configuration("server.properties", self._folder / "records")
        base = [java, "-cp", class_path, f"-Dlog4j2.configurationFile={self._folder / 'log4j2.yaml'}"]
        if not (self._folder / "records" / "meta.properties").exists():
            self._format([*base, "-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"])
        heap = (f"-Xmx{self._heap_mb}m", f"-Xms{self._heap_mb // 2}m")
        self._process.launch([*base, *heap, *_VM, "kafka.Kafka", str(configuration)])
        self._process.wait_until(self._is_ready, timeout_s=_START_S)

    def stop(self) -> bool:
        """Stop cleanly; true when SIGTERM sufficed."""
        return self._process.stop(timeout_s=_STOP_S)

    def kill(self) -> None:
        """End the broker with SIGKILL."""
        self._process.kill()

    def restart(self) -> None:
        """Stop when it runs, then start on the same folder and ports."""
        self.stop()
        self.start()

    def _is_ready(self) -> bool:
        return (LOOPBACK, self.port) in kafka_probe.brokers(LOOPBACK, self.port)

    def _write_configuration(self, name: str, records: Path) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "log4j2.yaml").write_text(_LOG4J, encoding="utf-8")
        settings = {
            **_SETTINGS,
            "controller.quorum.bootstrap.servers": f"{LOOPBACK}:{self._controller_port}",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{LOOPBACK}:{self._controller_port}",
            "log.dirs": str(records),
        }
        path = self._folder / name
        path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()), encoding="utf-8")
        return path

    def _format(self, java: list[str]) -> None:
        """Format in a folder beside the records and move it there whole: a format that was cut off must not be started on."""
        partial = self._folder / "records.partial"
        shutil.rmtree(partial, ignore_errors=True)
        configuration = self._write_configuration("format.properties", partial)
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        formatting = ChildProcess("kafka-format", self._folder)
        # Joined by "=": one id of 64 begins with a hyphen, which would pass for an option.
        formatting.launch([*java, "kafka.tools.StorageTool", "format", "--standalone", f"--cluster-id={cluster}", "-c", str(configuration)])
        if formatting.wait(timeout_s=_START_S) != 0:
            formatting.kill()
            raise StartFailed("Kafka could not format its folder:\n" + formatting.log_tail(3))
        partial.rename(self._folder / "records")
