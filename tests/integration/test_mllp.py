"""A hospital sends HL7 messages over MLLP: AA means that the report will come, whatever breaks in between."""

import itertools
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from spikewatch_testing.patience import PATIENCE_S
from spikewatch_testing.pipeline import Pipeline, wait_until
from spikewatch_testing.senders import COUNTY, enrol

from spikewatch.cli.stack.ports import LOOPBACK, free_port

pytestmark = [pytest.mark.integration, pytest.mark.slow(60)]

HOSPITAL, FACILITY = "mllp-hospital", "Cedar Hospital"
MOST_BYTES = 100_000
ARRIVED = datetime.now(UTC) - timedelta(days=40)


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Pipeline]:
    """A pipeline with servers of its own, because a test kills one, and an MLLP listener."""
    folder = tmp_path_factory.mktemp("mllp")
    settings = {
        "SPIKEWATCH_INGEST_MLLP_PORT": str(port),
        "SPIKEWATCH_INGEST_MLLP_SENDERS": json.dumps({FACILITY: HOSPITAL}),
        "SPIKEWATCH_INGEST_MLLP_MESSAGE_SECONDS": "2",
        "SPIKEWATCH_INGEST_MAX_BODY_BYTES": str(MOST_BYTES),
        "SPIKEWATCH_INGEST_PUBLISH_SECONDS": "3",
    }
    running = Pipeline.start(folder, env=settings, own_servers=True)
    try:
        enrol(running, folder, HOSPITAL, source_type="ed")
        yield running
    finally:
        running.stop()


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y%m%d%H%M%S+0000")


def message(
    visit: str,
    *,
    minutes: int = 0,
    trigger: str = "A04",
    diagnosis: str = "",
    end: str = "",
    complaint: str = "heroin overdose by the fountain",
) -> bytes:
    made = stamp(ARRIVED + timedelta(minutes=minutes))
    lines = [
        f"MSH|^~\\&|EPIC|{FACILITY}^1234567893^NPI|||{made}||ADT^{trigger}^ADT_A01|C-{visit}-{minutes}|P|2.5.1",
        f"EVN||{made}",
        f"PID|1||MRN88442211||Quillfeather^Zebulon||19570311|M|||1 Main St^^X^^99777^^^^{COUNTY}",
        f"PV1|1|E|||||||||||||||||{visit}^^^^VN|||||||||||||||||{end}||||||||{stamp(ARRIVED)}",
        f"OBX|1|CWE|8661-1^^LN||^^^^^^^^{complaint}",
        *([f"DG1|1||{diagnosis}^^I10|||F"] if diagnosis else []),
    ]
    return ("\r".join(lines) + "\r").encode()


class Peer:
    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.received = b""

    def send(self, body: bytes) -> None:
        self.connection.sendall(b"\x0b" + body + b"\x1c\r")

    def answer(self) -> list[list[str]]:
        while b"\x1c\r" not in self.received:
            part = self.connection.recv(65_536)
            assert part, "the connection ended without an answer"
            self.received += part
        framed, _, self.received = self.received.partition(b"\x1c\r")
        return [segment.split("|") for segment in framed.decode().strip("\x0b\r").split("\r")]

    def ask(self, body: bytes) -> str:
        self.send(body)
        return self.answer()[1][1]


@contextmanager
def connected(port: int) -> Iterator[Peer]:
    with socket.create_connection((LOOPBACK, port), timeout=PATIENCE_S) as connection:
        yield Peer(connection)


def reports_by_key(pipeline: Pipeline) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for report in pipeline.reports().values():
        if report["source_agency_id"] == HOSPITAL:
            found.setdefault(report["report_key"], []).append(report)
    return found


def test_a_message_becomes_a_report_of_its_own_trace(hospital: Pipeline, port: int) -> None:
    before = set(reports_by_key(hospital))
    with connected(port) as peer:
        assert peer.ask(message("FIRST")) == "AA"
    wait_until(lambda: reports_by_key(hospital).keys() > before, "the report is there")
    [[report]] = [reports for key, reports in reports_by_key(hospital).items() if key not in before]
    assert datetime.fromisoformat(report["occurred_at"]) == ARRIVED.replace(microsecond=0)
    assert (report["submission_format"], report["source_type"], report["location"]["county_fips"]) == ("hl7_adt", "ed", COUNTY)
    assert "heroin" in {drug["drug_class"] for drug in report["drugs"]}
    for planted in ("Quillfeather", "1957", "88442211", "Main St", "FIRST", "fountain"):
        assert planted not in json.dumps(report)
    wait_until(lambda: "MLLP receive" in {span.name for span in hospital.spans(report["trace_id"])}, "its trace begins at the listener")


def test_revisions_end_in_the_same_report_whatever_their_order(hospital: Pipeline, port: int) -> None:
    def revisions(visit: str) -> list[bytes]:
        return [
            message(visit, minutes=1),
            message(visit, minutes=30, trigger="A08", diagnosis="T40.1X1A"),
            message(visit, minutes=90, trigger="A03", diagnosis="T40.411A", end="20"),
        ]

    before = set(reports_by_key(hospital))
    with connected(port) as peer:
        for number, order in enumerate(itertools.permutations(range(3))):
            sent = revisions(f"VISIT-{number}")
            assert [peer.ask(sent[place]) for place in order] == ["AA"] * 3

    def visits() -> list[list[dict[str, Any]]]:
        return [found for key, found in reports_by_key(hospital).items() if key not in before]

    wait_until(lambda: [len(found) for found in visits()] == [3] * 6, "six visits of three revisions each")
    own = {"report_id", "report_key", "source_record_id", "received_at", "submission_id", "trace_id"}
    last = [{key: value for key, value in max(found, key=lambda one: one["revision"]).items() if key not in own} for found in visits()]
    assert all(one == last[0] for one in last)
    assert last[0]["outcome"] == "fatal"
    assert [report["revision"] - last[0]["revision"] for report in sorted(visits()[0], key=lambda one: one["revision"])] == [
        -89 * 60,
        -60 * 60,
        0,
    ]


def test_garbage_harms_nobody(hospital: Pipeline, port: int) -> None:
    with connected(port) as silent, connected(port) as slow, connected(port) as broken:
        slow.connection.sendall(b"\x0bMSH|^~\\&|")
        broken.connection.sendall(b"\x0b" + message("CUT")[:200])
        broken.connection.shutdown(socket.SHUT_WR)
        with connected(port) as peer:
            peer.send(b"\x00\xff garbage")
            assert peer.answer()[1][1] == "AR"
            peer.send(message("HUGE") + b"x" * MOST_BYTES)
            _, msa, err = peer.answer()
            assert (msa[1:], err[8][:12]) == (["AR", "C-HUGE-0"], "message is t")
            assert peer.ask(message("")) == "AE"
            assert peer.ask(message("OTHER").replace(FACILITY.encode(), b"Elsewhere")) == "AR"
            assert peer.ask(message("GOOD-AFTER")) == "AA"
        assert broken.connection.recv(1) == b""
        assert slow.connection.recv(1) == b""  # after ingest_mllp_message_seconds
        assert silent.ask(message("SILENT-NO-MORE")) == "AA"
    before = len(reports_by_key(hospital))
    hospital.settle()
    assert len(reports_by_key(hospital)) >= before
    assert not [letter for letter in hospital.dead_letters() if (letter.key or b"") == HOSPITAL.encode()]


def test_a_broker_that_is_away_means_ae_and_nothing_is_lost(hospital: Pipeline, port: int) -> None:
    kafka = hospital.stack.kafka
    assert kafka is not None
    hospital.settle()
    before = len(reports_by_key(hospital))
    with connected(port) as peer:
        kafka.kill()
        peer.send(message("AWAY"))
        _, msa, err = peer.answer()
        assert (msa[1], err[3].split("^")[0]) == ("AE", "207")
        kafka.start()
        wait_until(lambda: peer.ask(message("AWAY")) == "AA", "the broker is back")
    # What the broker took late and what was sent again is one report.
    wait_until(lambda: len(reports_by_key(hospital)) == before + 1, "the report is there once")
    hospital.settle()
    assert len(reports_by_key(hospital)) == before + 1
