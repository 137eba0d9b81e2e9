"""An agency's own table, from the profile in the directory to the reports on the topic, by the commands and addresses an agency uses."""

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from spikewatch_testing.patience import PATIENCE_S
from spikewatch_testing.pipeline import Pipeline, wait_until
from spikewatch_testing.senders import COUNTY, enrol, receipt_when_processed

from spikewatch.cli.main import main as spikewatch

pytestmark = pytest.mark.integration

NAME = "tablet-export"
# Its second version also reads the column of naloxone, which the first left out.
PROFILE = f"""name: {NAME}
version: {{version}}
time_zone: Etc/GMT+3
declared: true
record_id: Run Number
occurred_at: {{{{column: Call Date, formats: [{{form}}], basis: psap_call}}}}
place: {{{{county_fips: County}}}}
outcome: {{{{column: Patient Status, values: {{{{Alive: nonfatal, Deceased: fatal}}}}}}}}
{{more}}"""
MORE = "reversal_given: {column: Narcan, values: {Given: yes}, missing: no}\n"


@pytest.fixture
def agency(stack: Pipeline, tmp_path: Path) -> str:
    agency = f"tablet-{uuid.uuid4().hex[:8]}"
    enrol(stack, tmp_path, agency)
    return agency


def put(stack: Pipeline, agency: str, folder: Path, version: int, form: str, more: str = "") -> int:
    """Put a version of the profile into the directory as an operator does, and return the exit status."""
    file = folder / f"{NAME}-{version}.yaml"
    file.write_text(PROFILE.format(version=version, form=form, more=more), encoding="utf-8")
    return spikewatch(["profile", "put", agency, str(file), "--address", stack.directory_address])


def table(prefix: str, form: str) -> str:
    """Return a table of three rows as the agency's tablets export it; the last one's time cannot be read by any version."""
    day = datetime.now(UTC) - timedelta(days=50)
    rows = [
        f"{prefix}-1,{day:{form}} 10:00,{COUNTY},Alive,Given,Zebulon Quillfeather",
        f"{prefix}-2,{day:{form}} 11:30,{COUNTY},Deceased,,Zebulon Quillfeather",
        f"{prefix}-3,yesterday,{COUNTY},Alive,,Zebulon Quillfeather",
    ]
    return "\r\n".join(["Run Number,Call Date,County,Patient Status,Narcan,Patient Name", *rows]) + "\r\n"


def send(stack: Pipeline, agency: str, body: str, named: str, **options: str) -> httpx.Response:
    """POST a table that is read by a profile."""
    return httpx.post(
        f"{stack.gateway_url}/v1/submissions",
        params={"profile": named, **options},
        content=body,
        headers={"Authorization": f"Bearer {stack.issue_key(agency)}", "Content-Type": "text/csv"},
        timeout=PATIENCE_S,
    )


def accepted(stack: Pipeline, agency: str, body: str, named: str) -> dict[str, Any]:
    """Send a table until the gateway knows the profile, and return what it answered."""
    answers: list[httpx.Response] = []

    def is_taken() -> bool:
        answers.append(send(stack, agency, body, named))
        return answers[-1].status_code == 202

    wait_until(is_taken, f"the gateway knows {named}")
    return dict(answers[-1].json())


def reports_of(stack: Pipeline, agency: str) -> dict[tuple[str, int], dict[str, Any]]:
    """Return the agency's reports by the agency's own id and revision."""
    own = [body for body in stack.reports().values() if body["source_agency_id"] == agency]
    return {(body["source_record_id"], body["revision"]): body for body in own}


def test_a_table_is_read_by_the_agencys_profile_and_by_its_next_version(stack: Pipeline, agency: str, tmp_path: Path) -> None:
    assert put(stack, agency, tmp_path, 1, "MM/DD/YYYY HH:mm") == 0
    american = table("T", "%m/%d/%Y")
    answer = accepted(stack, agency, american, f"{NAME}@1")
    assert (answer["profile"], answer["record_count"]) == (f"{NAME}@1", 3)
    receipt = receipt_when_processed(stack, agency, answer["submission_id"])
    assert [record["result"] for record in receipt["records"]] == ["report", "report", "rejected"]
    assert receipt["records"][2]["field"] == "Call Date", "the agency is told by its own column"
    stack.settle()
    first = reports_of(stack, agency)
    assert first.keys() == {("T-1", 1), ("T-2", 1)}
    assert {body["profile"] for body in first.values()} == {f"{NAME}@1"}
    assert [first[name, 1]["outcome"] for name in ("T-1", "T-2")] == ["nonfatal", "fatal"]
    assert [first[name, 1]["location"]["county_fips"] for name in ("T-1", "T-2")] == [COUNTY, COUNTY]
    assert datetime.fromisoformat(first["T-1", 1]["occurred_at"]).hour == 13, "ten o'clock three hours west of Greenwich"
    assert "Quillfeather" not in str(first)

    # The same once more is nothing new, whoever names no version gets the newest.
    again = accepted(stack, agency, american, NAME)
    assert again["profile"] == f"{NAME}@1"
    assert receipt_when_processed(stack, agency, again["submission_id"])["counts"] == {
        "report": 0,
        "duplicate": 2,
        "not_an_overdose": 0,
        "rejected": 1,
    }

    assert put(stack, agency, tmp_path, 2, "MM/DD/YYYY HH:mm", MORE) == 0
    wait_until(lambda: accepted(stack, agency, american, NAME)["profile"] == f"{NAME}@2", "the newest version is taken")
    stack.settle()
    second = reports_of(stack, agency)
    assert second.keys() == {("T-1", 1), ("T-2", 1), ("T-1", 2), ("T-2", 2)}, "another reading is a revision, not another report"
    assert {second[name, 2]["profile"] for name in ("T-1", "T-2")} == {f"{NAME}@2"}
    assert second["T-1", 2]["report_key"] == second["T-1", 1]["report_key"]
    assert [second[name, 2]["reversal"]["given"] for name in ("T-1", "T-2")] == ["yes", "no"]

    # What is kept does not change: an old version stays and can be named, the same number with other content is refused.
    assert accepted(stack, agency, table("U", "%m/%d/%Y"), f"{NAME}@1")["profile"] == f"{NAME}@1"
    assert put(stack, agency, tmp_path, 2, "DD/MM/YYYY HH:mm", MORE) != 0


@pytest.mark.parametrize(
    ("named", "options", "status", "field"),
    [
        ("no-such-profile", {}, 400, "profile"),
        (f"{NAME}@77", {}, 400, "profile"),
        (f"{NAME}@x", {}, 400, "profile"),
        ("Zebulon Quillfeather", {}, 400, "profile"),
        (f"{NAME}@1", {"format": "nemsis"}, 400, "format"),
    ],
)
def test_a_profile_that_cannot_be_used_is_one_problem(
    stack: Pipeline, agency: str, tmp_path: Path, named: str, options: dict[str, str], status: int, field: str
) -> None:
    assert put(stack, agency, tmp_path, 1, "MM/DD/YYYY HH:mm") == 0
    accepted(stack, agency, table("V", "%m/%d/%Y"), f"{NAME}@1")
    before = len(stack.records("overdose.submissions.v1"))
    answer = send(stack, agency, table("W", "%m/%d/%Y"), named, **options)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert problem["type"].endswith("bad-request")
    assert [error["field"] for error in problem["errors"]] == [field]
    assert problem["errors"][0]["expected"]
    assert "Quillfeather" not in answer.text
    assert len(stack.records("overdose.submissions.v1")) == before, "nothing was accepted"


def test_a_profile_of_another_agency_is_none(stack: Pipeline, agency: str, tmp_path: Path) -> None:
    assert put(stack, agency, tmp_path, 1, "MM/DD/YYYY HH:mm") == 0
    other = f"other-{uuid.uuid4().hex[:8]}"
    enrol(stack, tmp_path, other)
    accepted(stack, agency, table("X", "%m/%d/%Y"), f"{NAME}@1")
    answer = send(stack, other, table("X", "%m/%d/%Y"), f"{NAME}@1")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "profile")
