"""Send one report to Spikewatch and wait until the receipt tells what became of it. Python's standard library is enough.

    SPIKEWATCH_URL=http://127.0.0.1:8080 SPIKEWATCH_KEY=... python send.py

No name, no birth date, no phone number: they are dropped or refused.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from datetime import UTC, datetime

URL = os.environ.get("SPIKEWATCH_URL", "http://127.0.0.1:8080")
KEY = os.environ["SPIKEWATCH_KEY"]  # spikewatch agency-keys issue AGENCY
HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
BUSY = {429, 502, 503, 504}


def call(method: str, path: str, body: bytes | None = None, **headers: str) -> dict:
    """Send a request; try again while the gateway is busy or away."""
    request = urllib.request.Request(URL + path, data=body, method=method, headers=HEADERS | headers)  # noqa: S310  # our own gateway
    for attempt in range(6):
        try:
            with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
                return json.load(response)
        except urllib.error.HTTPError as error:
            if error.code not in BUSY:
                sys.exit(f"refused: {error.read().decode()}")  # a problem document: field, what was wrong, what was expected
        except OSError:
            pass  # no answer: the same Idempotency-Key makes it safe to ask again
        time.sleep(0.2 * 2**attempt)
    sys.exit(f"{URL} does not answer")


report = {
    "record_id": f"EXAMPLE-PY-{uuid.uuid4().hex}",  # your own id of the record: the same id again is a duplicate, or a correction
    "occurred_at": datetime.now(UTC).isoformat(timespec="seconds"),
    "lat": 30.2712,
    "lon": -44.9412,
    "outcome": "nonfatal",
    "reversal_given": "yes",
    "reversal_doses": 2,
    "age": 34,
    "sex": "female",
}
receipt = call("POST", "/v1/submissions?format=statutory", json.dumps(report).encode(), **{"Idempotency-Key": report["record_id"]})
print("accepted:", receipt["submission_id"])  # 202: stored, safe from any crash

deadline = time.monotonic() + 30
while (told := call("GET", f"/v1/submissions/{receipt['submission_id']}"))["status"] != "processed" and time.monotonic() < deadline:
    time.sleep(0.2)
print(json.dumps(told, indent=2))
