"""The history of a load under faults: what was acknowledged, and whether each of it arrived exactly once.

The method is Jepsen's: clients note what the system acknowledged, faults are injected meanwhile, and afterwards the notes
are compared with what stands.
"""

import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx

from spikewatch.contracts.identifiers import report_key
from spikewatch_testing.patience import PATIENCE_S
from spikewatch_testing.pipeline import Pipeline

AGENCIES = ("cedar-county-ems", "cedar-county-fire")


@dataclass
class Load:
    """Posts records from a thread until told to stop; every record is one overdose somewhere in the county.

    Args:
        pipeline: where to.
        per_second: requests a second at most.
        duplicates_every: each so-many-th record is sent twice.
        malformed_every: each so-many-th record lacks its time.
    """

    pipeline: Pipeline
    per_second: float = 60.0
    duplicates_every: int = 10
    malformed_every: int = 25
    acknowledged: dict[str, int] = field(default_factory=dict)
    malformed: set[str] = field(default_factory=set)
    refused: Counter[str] = field(default_factory=Counter)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    failure: BaseException | None = None
    figures: dict[str, int] = field(default_factory=dict)

    def start(self) -> "Load":
        """Begin."""
        for agency in AGENCIES:
            self.pipeline.issue_key(agency)
        self._thread = threading.Thread(target=self._run, name="load")
        self._thread.start()
        return self

    def wait_for(self, count: int, *, seconds: float = PATIENCE_S) -> None:
        """Return when so many more records were acknowledged."""
        goal, deadline = len(self.acknowledged) + count, time.monotonic() + seconds
        while len(self.acknowledged) < goal:
            assert self.failure is None, self.failure
            assert time.monotonic() < deadline, f"{goal - len(self.acknowledged)} records were not acknowledged within {seconds} s"
            time.sleep(0.02)  # the pause between two looks

    def stop(self) -> None:
        """End the load and raise what went wrong in it."""
        self._stopping.set()
        assert self._thread is not None
        self._thread.join(timeout=PATIENCE_S)
        assert not self._thread.is_alive()
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        try:
            with httpx.Client(timeout=15) as client:
                number = 0
                began = time.monotonic()
                while not self._stopping.is_set():
                    self._one(client, number)
                    number += 1
                    time.sleep(max(0.0, began + number / self.per_second - time.monotonic()))  # the pace of the load
        except BaseException as error:  # noqa: BLE001  # told to the test that waits for it
            self.failure = error

    def _one(self, client: httpx.Client, number: int) -> None:
        agency = AGENCIES[number % len(AGENCIES)]
        record = f"H-{number}"
        fields: dict[str, object] = {
            "record_id": record,
            "occurred_at": (datetime.now(UTC) - timedelta(hours=1 + number % 20, minutes=number % 60)).isoformat(),
            "county_fips": "99001",
            "outcome": "nonfatal",
            "reversal_given": "yes",
        }
        is_malformed = number % self.malformed_every == self.malformed_every - 1
        if is_malformed:
            del fields["occurred_at"]
        for _ in range(2 if number % self.duplicates_every == 0 else 1):
            self._post(client, agency, json.dumps(fields))
        self.acknowledged[f"{agency}/{record}"] = number
        if is_malformed:
            self.malformed.add(f"{agency}/{record}")

    def _post(self, client: httpx.Client, agency: str, body: str) -> None:
        """Post until acknowledged, as a careful sender does: the same Idempotency-Key on each try."""
        key = str(uuid.uuid4())
        while True:
            try:
                answer = client.post(
                    f"{self.pipeline.gateway_url}/v1/submissions",
                    params={"format": "statutory"},
                    content=body,
                    headers={
                        "Authorization": f"Bearer {self.pipeline.issue_key(agency)}",
                        "Content-Type": "application/json",
                        "Idempotency-Key": key,
                    },
                )
            except httpx.HTTPError as error:
                self.refused[type(error).__name__] += 1
            else:
                if answer.status_code == 202:
                    return
                assert answer.status_code in {503, 429}, answer.text
                self.refused[str(answer.status_code)] += 1
            time.sleep(0.1)  # the back-off of a sender


@contextmanager
def under_load(pipeline: Pipeline) -> Iterator[Load]:
    """Run the block while records flow; afterwards wait until all is processed and compare notes.

    Raises:
        AssertionError: something acknowledged was lost, or stands twice.
    """
    load = Load(pipeline).start()
    try:
        yield load
    finally:
        load.stop()
    pipeline.settle()
    load.figures = account(pipeline, load)


def account(pipeline: Pipeline, load: Load) -> dict[str, int]:
    """Compare notes: each acknowledged record is exactly one report or one dead letter, in exactly one overdose.

    Raises:
        AssertionError: something was lost, or stands twice.
    """
    wanted = set(load.acknowledged)
    reports = pipeline.reports()
    by_name = Counter(f"{body['source_agency_id']}/{body['source_record_id']}" for body in reports.values())
    dead = len(pipeline.dead_letters())
    good = wanted - load.malformed
    lost = sorted(name for name in good if name not in by_name)
    assert not lost, f"{len(lost)} acknowledged records became no report, the first are {lost[:5]}"
    twice = [name for name, count in by_name.items() if count > 1]
    assert not twice, f"{len(twice)} records became several revisions, the first are {twice[:5]}"
    assert dead == len(load.malformed), f"{dead} dead letters for {len(load.malformed)} malformed records"
    placed = Counter(
        link["report_key"] for incident in pipeline.incidents().values() for part in incident["overdoses"] for link in part["reports"]
    )
    for name in good:
        agency, record = name.split("/", 1)
        assert placed[str(report_key(agency, record))] == 1, f"{name} stands in {placed[str(report_key(agency, record))]} overdoses"
    counted = {part["overdose_id"] for body in pipeline.current_contributions("county:99001") for part in body["overdoses"]}
    overdoses = {part["overdose_id"] for incident in pipeline.incidents().values() for part in incident["overdoses"]}
    assert counted == overdoses, "what counts in the county is not what was matched"
    return {"acknowledged": len(wanted), "reports": len(reports), "dead_letters": dead, "overdoses": len(overdoses)}
