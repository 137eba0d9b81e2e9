"""Stored reports follow a change of the vocabulary, by the command an operator uses, and an agency's resend changes nothing.

Rules by case definition count them anew.
"""

import json
import uuid
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from spikewatch_testing.pipeline import Pipeline, spikewatch, wait_until
from spikewatch_testing.senders import enrol, good

from spikewatch.cli.stack.secret_key import seal_key
from spikewatch.contracts import topics

pytestmark = pytest.mark.integration


COUNTY = "99781"
RULE = "opioids-7d"


class Operator:
    """Runs ``spikewatch reclassify`` on one stack and reads what it prints."""

    def __init__(self, pipeline: Pipeline, capsys: pytest.CaptureFixture[str], vocabulary: Path) -> None:
        self._servers = ("--bootstrap", pipeline.kafka_bootstrap, "--mongodb", pipeline.mongodb_uri)
        self._capsys = capsys
        self._vocabulary = ("--vocabulary", str(vocabulary))

    def reclassify(self, *arguments: str) -> dict[str, Any]:
        self._capsys.readouterr()
        assert spikewatch(["reclassify", *self._servers, *self._vocabulary, *arguments, "--json"]) == 0
        return dict(json.loads(self._capsys.readouterr().out))


def newest(pipeline: Pipeline, agency: str) -> dict[str, dict[str, Any]]:
    """Return the latest revision of each of an agency's reports."""
    found: dict[str, dict[str, Any]] = {}
    for record in pipeline.records(topics.REPORTS):
        body = json.loads(record.value or b"")
        if body["source_agency_id"] == agency:
            known = found.setdefault(body["source_record_id"], body)
            if body["revision"] > known["revision"]:
                found[body["source_record_id"]] = body
    return found


def put_rule(pipeline: Pipeline, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Keep a rule in the directory that asks for three opioid overdoses in a week, and return when it is in force."""
    rule = {
        "id": RULE,
        "version": 1,
        "description": "Three opioid overdoses in a week.",
        "kind": "fixed_count",
        "window_hours": 168,
        "areas": [f"county:{COUNTY}"],
        "case_definitions": ["opioid"],
        "parameters": {"threshold": 3, "comparison": "at_least"},
    }
    file = folder / "rules.yaml"
    file.write_text(json.dumps({"rules": [rule]}), encoding="utf-8")
    stack = ["--folder", str(pipeline.stack.folder)]
    assert spikewatch(["rules", "put", str(file), *stack]) == 0

    def in_force() -> set[str]:
        capsys.readouterr()
        assert spikewatch(["rules", "ls", "running", *stack, "--json"]) == 0
        return {rule["id"] for rule in json.loads(capsys.readouterr().out)}

    wait_until(lambda: RULE in in_force(), "the rule is in force")


def alerts(pipeline: Pipeline) -> list[dict[str, Any]]:
    return [alert for alert in pipeline.alerts() if alert["rule"]["rule_id"] == RULE]


def test_a_new_word_reaches_stored_reports_once(
    stack: Pipeline, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPIKEWATCH_INGEST_SEAL_KEY", seal_key(stack.stack.folder))
    agency = f"words-{uuid.uuid4().hex[:8]}"
    # A county that no other test counts, and a rule there by case definition.
    enrol(stack, tmp_path, agency, county_fips=COUNTY, areas=[f"county:{COUNTY}"])
    put_rule(stack, tmp_path, capsys)
    drugs = {"W-2026-1": ["Zylofene"], "W-2026-2": ["heroin"], "W-2026-3": ["cocaine", "ZYLOFENE"], "W-2026-4": ["Jane Doe"]}
    sent = [good(name, days=40 + number, county_fips=COUNTY, suspected_drugs=names) for number, (name, names) in enumerate(drugs.items())]
    stack.accept(agency, sent)
    stack.settle()
    before = newest(stack, agency)
    assert before["W-2026-1"]["drugs"] == [{"term": "other", "drug_class": "other", "basis": "suspected"}]
    assert "zylofene" not in json.dumps(before).lower()
    assert "opioid@1" not in before["W-2026-1"]["case_definition_hits"]
    assert alerts(stack) == [], "one of the four meets the definition"

    vocabulary = tmp_path / "vocabulary.yaml"
    shipped = files("spikewatch.ingest.terminology").joinpath("vocabulary.yaml").read_text(encoding="utf-8")
    vocabulary.write_text(shipped.replace("\ndrugs:\n", "\ndrugs:\n  zylofene: {class: opioid}\n", 1), encoding="utf-8")
    operator = Operator(stack, capsys, vocabulary)
    shown = operator.reclassify()
    assert (shown["changed"], shown["withdrawn"]) == (2, 0)
    assert {"drug": "zylofene", "gained": 2, "lost": 0, "reclassed": 0} in shown["drugs"]
    assert {"definition": "opioid", "gained": 2, "lost": 0, "renewed": 0} in shown["definitions"]
    assert newest(stack, agency) == before

    assert operator.reclassify("--apply")["published"] == 2
    again = operator.reclassify("--apply")
    assert (again["changed"], "published" in again) == (0, False)
    after = newest(stack, agency)
    assert {name: report["revision"] for name, report in after.items()} == {"W-2026-1": 2, "W-2026-2": 1, "W-2026-3": 2, "W-2026-4": 1}
    assert [drug["term"] for drug in after["W-2026-3"]["drugs"]] == ["cocaine", "zylofene"]
    assert "opioid@1" in after["W-2026-1"]["case_definition_hits"]
    stack.settle()
    wait_until(lambda: bool(alerts(stack)), "the rule counts the reports as they are classified now")
    (alert,) = alerts(stack)
    assert (alert["observed"], alert["rule"]["parameters"]["case_definitions"]) == (3, "opioid")
    assert alert["explanation"].startswith(f"3 suspected overdoses that meet opioid in county {COUNTY} in the 7 days to ")

    # The agency sends everything again, and then something new: ingest knows the numbers.
    receipt = _processed(stack, agency, sent)
    assert {record["result"] for record in receipt["records"]} == {"duplicate"}
    receipt = _processed(stack, agency, [{**sent[0], "outcome": "fatal"}])
    assert [(record["result"], record["revision"]) for record in receipt["records"]] == [("report", 3)]
    overdoses = [overdose for incident in stack.incidents().values() for overdose in incident["overdoses"]]
    assert any("zylofene" in json.dumps(overdose) for overdose in overdoses)


def _processed(stack: Pipeline, agency: str, sent: list[dict[str, Any]]) -> dict[str, Any]:
    submission = stack.accept(agency, sent)
    stack.settle()
    return stack.receipt(agency, submission)
