"""From an agency's HTTP request to an alert with its contacts, on real servers and real processes."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from spikewatch_testing.pipeline import Pipeline, spikewatch, wait_until
from spikewatch_testing.senders import enrol, good

from spikewatch.cli.county.geography import NEIGHBOURHOODS
from spikewatch.contracts import topics

pytestmark = [pytest.mark.integration, pytest.mark.slow(50)]

EMS = "cedar-county-ems"
FIRE = "cedar-county-fire"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """A pipeline with servers of its own: what other tests send today would count in the same county."""
    running = Pipeline.start(tmp_path_factory.mktemp("pipeline"), own_servers=True)
    yield running
    running.stop()


def overdose(number: int, at: datetime, *, record: str = "P", spread: float = 0.02, **more: object) -> dict[str, object]:
    """Make a record of one overdose, far enough from its neighbours in place to be an incident of its own."""
    place = NEIGHBOURHOODS[0]
    west, south = place.ring[0]
    east, north = place.ring[2]
    share = (number * 0.618) % 1
    return {
        "record_id": f"{record}-{number}",
        "occurred_at": at.isoformat(),
        "lat": south + (north - south) * (0.1 + 0.8 * share),
        "lon": west + (east - west) * (0.1 + 0.8 * ((number * 0.382) % 1)),
        "outcome": "nonfatal",
        "reversal_given": "yes",
        **more,
    }


def test_a_spike_becomes_one_alert_that_explains_itself(stack: Pipeline) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    records = [overdose(number, now - timedelta(minutes=20 * number)) for number in range(14)]
    submission = stack.accept(EMS, records)
    stack.settle()
    receipt = stack.receipt(EMS, submission)
    assert [record["result"] for record in receipt["records"]] == ["report"] * 14
    of_rule = [alert for alert in stack.alerts() if alert["rule"]["rule_id"] == "odmap-24h" and alert["area"] == "county:99001"]
    (alert,) = [alert for alert in of_rule if datetime.fromisoformat(alert["window"]["end"]) > now - timedelta(days=1)]
    assert alert["status"] == "open"
    assert alert["observed"] == 14
    assert alert["rule"]["version"] >= 1
    assert alert["threshold"] == 10
    assert alert["window"]["end"] == records[0]["occurred_at"].replace("+00:00", "Z")
    assert sum(part["overdoses"] for part in alert["contributors"]) == 14
    assert "14" in alert["explanation"]
    traces = {report["trace_id"] for part in alert["contributors"] for report in part["reports"]}
    assert all(report["first_received_at"] for part in alert["contributors"] for report in part["reports"]), "delays are learnt from it"
    assert len(traces) == 1
    assert [contact["role"] for contact in alert["contacts"]]
    assert all("example.org" in contact["email"] for contact in alert["contacts"])


def test_one_trace_runs_from_the_request_to_the_alert(stack: Pipeline) -> None:
    # Days before the other test's spike, so that neither counts the other's.
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(days=5)
    records = [overdose(number, now - timedelta(minutes=10 * number), record="T") for number in range(14)]
    answer = stack.post(EMS, json.dumps(records), traceparent=f"00-{'a' * 32}-{'b' * 16}-01")
    assert answer.status_code == 202
    stack.settle()
    reports = [report for report in stack.reports().values() if report["submission_id"] == answer.json()["submission_id"]]
    (trace,) = {report["trace_id"] for report in reports}
    assert trace != "a" * 32
    expected = {
        ("ingest", "POST /v1/submissions"),
        ("ingest", "send overdose.submissions.v1"),
        ("ingest", "process overdose.submissions.v1"),
        ("enrichment", "process overdose.reports.v1"),
        ("enrichment", "process overdose.reports.located.v1"),
        ("alerts", "process overdose.incidents.v1"),
        ("alerts", "process overdose.contributions.v1"),
    }

    def is_whole() -> bool:
        # A service sends its spans when some have come together: a child's may be there before its parent's.
        spans = stack.spans(trace)
        known = {span.span_id for span in spans}
        return expected <= {(span.service, span.name) for span in spans} and all(
            span.parent_id in known for span in spans if span.parent_id is not None
        )

    wait_until(is_whole, "the trace is complete and no span of it hangs in the air")
    spans = stack.spans(trace)
    roots = [span for span in spans if span.parent_id is None]
    assert [span.name for span in roots] == ["POST /v1/submissions"]
    assert any(link.trace_id == "a" * 32 for link in roots[0].links), "the agency's own trace is linked"
    assert not [span.name for span in spans if span.is_error]


def test_the_health_of_a_feed_is_told(stack: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    sender = "eastmark-police"
    address = ["--address", stack.directory_address]
    assert spikewatch(["directory", "agency", "update", f"agencies/{sender}", "--sends-every-s", "0.5", *address]) == 0
    # Neither within the windows nor among the overdoses of the other tests.
    now = datetime.now(UTC).replace(microsecond=0)
    aged = [overdose(number, now - timedelta(hours=hours), record="F") for number, hours in enumerate((90, 50))]
    stack.accept(sender, [*aged, {"record_id": "F-2"}])
    stack.settle()

    def health() -> dict[str, Any]:
        capsys.readouterr()
        assert spikewatch(["feeds", "--agency", sender, "--bootstrap", stack.kafka_bootstrap, "--json"]) == 0
        (told,) = json.loads(capsys.readouterr().out) or [{}]
        return dict(told)

    wait_until(lambda: health().get("records") == 3, "the feed is judged")
    told = health()
    assert (told["reports"], told["rejected"], told["later_than_72_h"], told["declared_gap_s"]) == (2, 1, 1, 0.5)
    assert told["state"] == "flowing", "no feed is silent within a quarter of an hour"
    assert told["rejected_by_reason"] == [{"reason": "missing-field", "records": 1}]
    before = datetime.fromisoformat(told["silent_after"]) - datetime.fromisoformat(told["last_received_at"])
    assert before == timedelta(minutes=15)


def test_a_person_decides_who_is_who_and_takes_it_back(stack: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    # Days before the other tests' overdoses. Dispatch and the ambulance tell of one woman.
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=9)
    call = {"cad_number": "26-000341", "sex": "female"}
    ambulance = [overdose(1, at + timedelta(minutes=7), record="D", age=34, **call)]
    stack.accept(EMS, [overdose(1, at, record="C", **call)])
    stack.accept(FIRE, ambulance)
    stack.settle()

    def ours() -> list[tuple[str, int, list[int]]]:
        known = {body["report_id"] for body in stack.reports().values() if body.get("cad_number") == "26-000341"}
        return [
            (identity, body["version"], sorted(len(part["reports"]) for part in body["overdoses"]))
            for identity, body in stack.incidents().items()
            if any(link["report_id"] in known for part in body["overdoses"] for link in part["reports"])
        ]

    def run(*arguments: str) -> str:
        capsys.readouterr()
        assert spikewatch(["incident", *arguments, "--folder", str(stack.stack.folder)]) == 0
        stack.settle()
        return capsys.readouterr().out

    ((incident, version, people),) = ours()
    assert people == [2], "two reports about one person"
    who = ("--author", "reviewer-7", "--reason", "two sisters, both were treated")
    decision = run("split", f"{incident}:2", *who).strip()
    assert ours() == [(incident, version + 1, [1, 1])]
    assert "two sisters" in run("show", incident)
    # A correction comes, and the decision stays; so does the undo when everything is told again.
    stack.accept(FIRE, [{**ambulance[0], "age": 35}])
    stack.settle()
    assert ours() == [(incident, version + 2, [1, 1])]
    assert len(stack.current(topics.DECISIONS)) == 1
    run("undo", decision, *who)
    assert ours() == [(incident, version + 3, [2])]
    shown = json.loads(run("show", incident, "--json"))
    assert [one["is_in_force"] for one in shown["decisions"] if one["undoes"] is None] == [False]
    assert "26-000341" not in json.dumps(shown)


def test_a_back_test_on_what_is_stored_finds_what_was_raised(stack: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    # A month before the other tests' overdoses.
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=30)
    stack.accept(EMS, [overdose(number, at + timedelta(minutes=number), record="T") for number in range(12)])
    stack.settle()

    def told(*arguments: str) -> Any:
        capsys.readouterr()
        assert spikewatch([*arguments, "--folder", str(stack.stack.folder), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    in_force = [one["id"] for one in told("rules", "ls", "running") if one["enabled"] == "yes"]
    assert in_force == ["odmap-24h", "mean-2sd-24h", "poisson-72h"]
    tested = told("backtest", "running", "--stored", "--area", "county:99001", "--rule", "odmap-24h")
    ((verdict,),) = [one["verdicts"] for one in tested["sets"]]
    raised = [alert for alert in stack.alerts() if alert["rule"]["rule_id"] == "odmap-24h" and alert["area"] == "county:99001"]
    shown = [(alert["opened_at"].replace("Z", "+00:00"), alert["observed"]) for alert in raised if alert["status"] != "retracted"]
    assert sorted(shown) == [(one["opened_at"], one["observed"]) for one in verdict["alarms"]]
    assert verdict["alarms"][0]["observed"] == 12


def test_a_rule_is_put_raised_to_another_version_and_removed_while_all_runs(
    stack: Pipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def rules(*arguments: str) -> Any:
        capsys.readouterr()
        assert spikewatch(["rules", *arguments, "--folder", str(stack.stack.folder), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    def put(version: int, threshold: int) -> None:
        file = tmp_path / "rules.yaml"
        rule = {
            "id": "pairs-6h",
            "version": version,
            "description": "Overdoses of a test within six hours.",
            "kind": "fixed_count",
            "window_hours": 6,
            "areas": ["county:56777"],
            "parameters": {"threshold": threshold, "comparison": "at_least"},
        }
        file.write_text(json.dumps({"rules": [rule]}), encoding="utf-8")
        assert [one["outcome"] for one in rules("put", str(file))["rules"]] in (["added"], ["changed"])
        wait_until(lambda: ("pairs-6h", version) in in_force(), "the rule is in force")

    def in_force() -> set[tuple[str, int]]:
        return {(one["id"], one["version"]) for one in rules("ls", "running")}

    def alert_of(version: int) -> dict[str, Any]:
        found = [one for one in stack.alerts() if (one["rule"]["rule_id"], one["rule"]["version"]) == ("pairs-6h", version)]
        return found[0] if found else {}

    def send(first: int, number: int) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        times = {one: (now - timedelta(minutes=2 * one)).isoformat() for one in range(first, first + number)}
        stack.accept(agency, [good(f"D-{one}", county_fips="56777", occurred_at=time) for one, time in times.items()])
        stack.settle()

    # A county of its own: what it sends today must not count where the other tests count.
    agency = "pairs-ems"
    enrol(stack, tmp_path, agency, county_fips="56777", areas=["county:56777"])
    send(0, 2)
    put(1, 2)
    assert [row["id"] for row in rules("ls", "--stored")] == ["pairs-6h"]
    wait_until(lambda: alert_of(1).get("status") == "open", "an alert of the spike that was going on, without another overdose")
    before = alert_of(1)["observed"]
    assert before == 2

    put(2, 3)
    wait_until(lambda: alert_of(1)["status"] == "closed", "the alert of the version before closes")
    assert alert_of(1)["history"][-1]["reason"] == "the rule was withdrawn: version 2 took its place"
    assert not alert_of(2), "two are no spike by its threshold"
    send(2, 3)
    wait_until(lambda: alert_of(2).get("status") == "open", "an alert of the higher version")
    assert alert_of(2)["observed"] == before + 3
    assert (alert_of(1)["status"], alert_of(1)["observed"]) == ("closed", before)

    rules("rm", "pairs-6h")
    wait_until(lambda: alert_of(2)["status"] == "closed", "the alert of the removed rule closes")
    assert alert_of(2)["history"][-1]["reason"] == "the rule was withdrawn"
    assert {one for one in in_force() if one[0] == "pairs-6h"} == set()
    versions = {key: alert["version"] for key, alert in stack.current(topics.ALERTS).items() if alert["rule"]["rule_id"] == "pairs-6h"}
    send(5, 2)
    assert {key: stack.current(topics.ALERTS)[key]["version"] for key in versions} == versions, "no rule judges them any more"

    put(2, 3)
    wait_until(lambda: alert_of(2)["status"] == "open", "its alert opens again with the rule, for the spike goes on")
    assert alert_of(2)["observed"] == before + 5
    rules("rm", "pairs-6h")
    wait_until(lambda: alert_of(2)["status"] == "closed", "the alert of the removed rule closes")
