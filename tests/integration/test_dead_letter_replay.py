"""What waits in the dead letters becomes reports once its cause is mended, by the command an operator uses."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from spikewatch_testing.pipeline import Pipeline
from spikewatch_testing.senders import enrol, good, produce, receipt_when_processed, sealed, seals_of

from spikewatch.cli.main import main as spikewatch
from spikewatch.contracts import topics
from spikewatch.contracts.identifiers import report_id

pytestmark = [pytest.mark.integration, pytest.mark.slow(30)]

DEAD_LETTERS = "overdose.submissions.v1.ingest-normalise.dlq"


class Operator:
    """Runs ``spikewatch dlq`` on one stack and reads what it prints."""

    def __init__(self, pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
        self._pipeline = pipeline
        self._capsys = capsys

    def dlq(self, *arguments: str) -> Any:
        self._capsys.readouterr()
        assert spikewatch(["dlq", *arguments, "--json", "--bootstrap", self._pipeline.kafka_bootstrap]) == 0
        return json.loads(self._capsys.readouterr().out)


def said_by(pipeline: Pipeline, agency: str) -> list[dict[str, Any]]:
    """Return an agency's reports, without what belongs to the way they came and not to what they say."""
    way = {"received_at", "trace_id"}
    own = [body for body in pipeline.reports().values() if body["source_agency_id"] == agency]
    said = [{name: value for name, value in body.items() if name not in way} for body in own]
    return sorted(said, key=lambda body: str(body["source_record_id"]))


@pytest.fixture
def operator(stack: Pipeline, capsys: pytest.CaptureFixture[str]) -> Operator:
    return Operator(stack, capsys)


def test_records_of_an_agency_that_is_registered_late_become_reports(stack: Pipeline, operator: Operator, tmp_path: Path) -> None:
    agency, seals = f"late-{uuid.uuid4().hex[:8]}", seals_of(stack)
    submissions = [str(uuid.uuid4()) for _ in range(3)]
    selected = ("--reason", "unknown-agency", "--key", agency, "--topic", topics.SUBMISSIONS.name)
    produce(stack, topics.SUBMISSIONS.name, [sealed(seals, agency, good(f"L-{n}"), ce_id=one) for n, one in enumerate(submissions)])
    stack.settle()
    waiting = operator.dlq("ls", *selected)
    assert [(letter["reason"], letter["field"], letter["replayed_at"]) for letter in waiting] == [("unknown-agency", "ce_source", None)] * 3
    assert operator.dlq("ls", *selected, "--counts") == [
        {"topic": topics.SUBMISSIONS.name, "group": "ingest-normalise", "reason": "unknown-agency", "letters": 3}
    ]
    shown = operator.dlq("show", waiting[0]["id"][:13])
    headers = {header["header"]: header["value"] for header in shown["headers"]}
    assert (headers["ce_id"], headers["spikewatch-seal"], headers["dlq-reason"]) == (submissions[0], "a1", "unknown-agency")

    before = len(stack.records(DEAD_LETTERS))
    assert operator.dlq("replay", *selected, "--dry-run") == {"replayed": 0, "selected": 3}
    stack.settle()
    assert len(stack.records(DEAD_LETTERS)) == before, "a dry run wrote something"

    # Not mended yet: they come back as new letters, and the old ones are marked.
    assert operator.dlq("replay", *selected, "--by", "an operator") == {"replayed": 3, "selected": 3}
    stack.settle()
    again = operator.dlq("ls", *selected)
    assert len(again) == 3
    assert not {letter["id"] for letter in again} & {letter["id"] for letter in waiting}

    enrol(stack, tmp_path, agency)
    assert operator.dlq("replay", *selected, "--rate", "50") == {"replayed": 3, "selected": 3}
    for number, submission in enumerate(submissions):
        (record,) = receipt_when_processed(stack, agency, submission)["records"]
        assert (record["result"], record["report_id"]) == ("report", str(report_id(agency, f"L-{number}", 1)))
    stack.settle()
    own = said_by(stack, agency)
    assert {body["submission_id"] for body in own} == set(submissions)
    assert {body["report_id"] for body in own} == {str(report_id(agency, f"L-{number}", 1)) for number in range(3)}
    assert operator.dlq("replay", *selected) == {"replayed": 0, "selected": 0}
    marked = operator.dlq("ls", *selected, "--all")
    assert len(marked) == 6
    assert all(letter["replayed_at"] for letter in marked)

    # A letter replayed twice changes nothing but when and on which way it came.
    assert operator.dlq("replay", *selected, "--all")["replayed"] == 6
    stack.settle()
    assert said_by(stack, agency) == own


def test_one_record_of_many_is_mended_in_its_first_receipt(stack: Pipeline, operator: Operator, tmp_path: Path) -> None:
    agency = f"zone-{uuid.uuid4().hex[:8]}"
    enrol(stack, tmp_path, agency, time_zone="")
    naive = (datetime.now(UTC) - timedelta(days=45)).replace(microsecond=0, tzinfo=None)
    submission = stack.accept(agency, [good("Z-0"), good("Z-1", occurred_at=naive.isoformat()), good("Z-2")])
    assert receipt_when_processed(stack, agency, submission)["counts"]["rejected"] == 1
    enrol(stack, tmp_path, agency, time_zone="Etc/GMT+3")
    selected = ("--reason", "naive-time", "--key", agency)
    assert operator.dlq("replay", *selected) == {"replayed": 1, "selected": 1}
    stack.settle()
    receipt = stack.receipt(agency, submission)
    assert receipt["counts"] == {"report": 3, "duplicate": 0, "not_an_overdose": 0, "rejected": 0}
    assert [record["index"] for record in receipt["records"]] == [0, 1, 2]
    assert receipt["records"][1]["report_id"] == str(report_id(agency, "Z-1", 1))
    assert "problem" not in receipt["records"][1]
    assert operator.dlq("replay", *selected)["selected"] == 0
    (report,) = [body for body in stack.reports().values() if body["source_record_id"] == "Z-1" and body["source_agency_id"] == agency]
    assert report["submission_id"] == submission
