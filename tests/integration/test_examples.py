"""Runs every example against the real pipeline, as a person would from a shell."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from spikewatch_testing.patience import PATIENCE_S

pytestmark = pytest.mark.integration

EXAMPLES = Path(__file__).parents[2] / "examples"
AGENCY = "cedar-county-ems"


def run(command: Sequence[str], **environment: str) -> str:
    """Run a command to its end and return what it printed; a failure shows all of it."""
    done = subprocess.run(
        command, cwd=EXAMPLES, env={**os.environ, **environment}, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def sending(stack: Any) -> dict[str, str]:
    return {"SPIKEWATCH_URL": stack.gateway_url, "SPIKEWATCH_KEY": stack.issue_key(AGENCY)}


def test_curl_sends_a_report_and_gets_a_receipt(stack: Any) -> None:
    needs("curl")
    environment = sending(stack)
    told = run(["sh", "agency/send.sh"], **environment)
    submission = re.search(r'"submission_id" *: *"([0-9a-f-]{36})"', told)
    assert submission is not None, told
    headers = {"Authorization": f"Bearer {environment['SPIKEWATCH_KEY']}"}
    answer = httpx.get(f"{stack.gateway_url}/v1/submissions/{submission[1]}", headers=headers)
    assert answer.json()["status"] in {"accepted", "processed"}


def test_curl_without_a_valid_key_fails_and_says_why(stack: Any) -> None:
    needs("curl")
    environment = {**os.environ, "SPIKEWATCH_URL": stack.gateway_url, "SPIKEWATCH_KEY": "wrong"}
    done = subprocess.run(
        ["sh", "agency/send.sh"], cwd=EXAMPLES, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 1
    assert "not-authenticated" in done.stderr


def test_python_sends_a_report_and_sees_it_processed(stack: Any) -> None:
    told = run([sys.executable, "agency/send.py"], **sending(stack))
    receipt = json.loads(told[told.index("{") :])
    assert receipt["status"] == "processed"
    assert receipt["counts"]["report"] == 1


def test_node_sends_two_reports_in_one_request(stack: Any) -> None:
    needs("node")
    told = run(["node", "agency/send.mjs"], **sending(stack))
    receipt = json.loads(told[told.index("{") :])
    assert receipt["status"] == "processed"
    assert receipt["counts"]["report"] == 2


@pytest.fixture
def alerted(stack: Any) -> None:
    """Send more overdoses of one county and day than the daily rule allows, so that there is an alert to receive."""
    batch = uuid4().hex
    now = datetime.now(UTC).replace(microsecond=0)
    records = [
        {
            "record_id": f"ALERT-{batch}-{number}",
            "occurred_at": (now - timedelta(minutes=number)).isoformat(),
            "county_fips": "99001",
            "lat": 30.01 + number * 0.02,
            "lon": -44.9,
            "outcome": "nonfatal",
            "reversal_given": "unknown",
        }
        for number in range(14)
    ]
    headers = {"Authorization": f"Bearer {stack.issue_key(AGENCY)}", "Idempotency-Key": batch}
    answer = httpx.post(f"{stack.gateway_url}/v1/submissions?format=statutory", json=records, headers=headers)
    assert answer.status_code == 202, answer.text


def consuming(stack: Any) -> dict[str, str]:
    return {"KAFKA_BOOTSTRAP": stack.kafka_bootstrap, "KAFKA_GROUP": f"example-{uuid4().hex}", "ALERTS": "1"}


def expect_an_alert(printed: str) -> None:
    assert re.search(r"^(opened|updated|closed|reviewed|retracted) +[a-z_0-9]+:\S+: .+", printed, re.MULTILINE), printed


def test_a_python_consumer_receives_the_alert(stack: Any, alerted: None) -> None:
    expect_an_alert(run([sys.executable, "consumer/alerts.py"], **consuming(stack)))


def test_a_go_consumer_receives_the_alert(stack: Any, alerted: None, tmp_path: Path) -> None:
    needs("go")
    program = str(tmp_path / "alerts")
    built = subprocess.run(["go", "build", "-o", program, "."], cwd=EXAMPLES / "consumer", capture_output=True, text=True, check=False)
    if built.returncode != 0 and ("dial tcp" in built.stderr or "no required module" in built.stderr or "lookup" in built.stderr):
        pytest.skip("Go's packages cannot be fetched here")
    assert built.returncode == 0, built.stderr
    expect_an_alert(run([program], **consuming(stack)))
