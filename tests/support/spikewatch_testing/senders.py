"""Agencies of a county that no other test counts, sending by HTTP and by Kafka, well and badly."""

import asyncio
import json
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from spikewatch.chassis.kafka.message import Record
from spikewatch.chassis.kafka.publisher import Publisher
from spikewatch.cli.stack.secret_key import seal_key
from spikewatch.contracts import topics
from spikewatch.contracts.cloudevents import Attributes, write
from spikewatch.ingest.domain.seal import HEADER, Kind, Seals, master_secret
from spikewatch.ingest.quarantine import with_original
from spikewatch_testing.patience import PATIENCE_S
from spikewatch_testing.pipeline import Pipeline, wait_until

COUNTY = "99777"
Headers = Sequence[tuple[str, bytes | None]]


def enrol(pipeline: Pipeline, folder: Path, *agencies: str, **changes: Any) -> None:
    """Put agencies into the directory, and return when the gateway knows them."""
    records = [
        {
            "kind": "agency",
            "name": f"agencies/{agency}",
            "display_name": agency,
            "agency_id": agency,
            "source_type": "ems",
            "time_zone": "Etc/GMT+3",
            "county_fips": COUNTY,
            "areas": [f"county:{COUNTY}"],
            **changes,
        }
        for agency in agencies
    ]
    pipeline.load_directory(folder, records)
    for agency in agencies:
        wait_until(lambda agency=agency: probe(pipeline, pipeline.issue_key(agency)) != 401, f"the gateway knows {agency}")


def probe(pipeline: Pipeline, key: str) -> int:
    """Return the status of asking for a submission that never was: 401 where the key is not taken, else 403 or 404."""
    address = f"{pipeline.gateway_url}/v1/submissions/{uuid.uuid4()}"
    return httpx.get(address, headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE_S).status_code


def good(record_id: str, /, *, days: int = 30, **changes: Any) -> dict[str, Any]:
    """Make a sound statutory record, so long ago that it is part of no other test's window."""
    moment = datetime.now(UTC).replace(microsecond=0) - timedelta(days=days)
    record = {
        "record_id": record_id,
        "occurred_at": moment.isoformat(),
        "county_fips": COUNTY,
        "outcome": "nonfatal",
        "reversal_given": "yes",
    }
    return {key: value for key, value in {**record, **changes}.items() if value is not ...}


def receipt_when_processed(pipeline: Pipeline, agency: str, submission: str) -> dict[str, Any]:
    """Return the receipt once the submission is processed."""
    found: dict[str, Any] = {}

    def is_processed() -> bool:
        found.clear()
        key = {"Authorization": f"Bearer {pipeline.issue_key(agency)}"}
        answer = httpx.get(f"{pipeline.gateway_url}/v1/submissions/{submission}", headers=key, timeout=PATIENCE_S)
        found.update(answer.json())
        return answer.status_code == 200 and found["status"] == "processed"

    wait_until(is_processed, f"submission {submission} is processed")
    return found


@dataclass(frozen=True)
class Raw:
    """A record as a test puts it on a topic."""

    key: bytes | None
    value: bytes | None
    headers: Headers

    def is_in(self, letter: Record) -> bool:
        """Whether a dead letter holds it byte for byte."""
        kept = [(name, value) for name, value in letter.headers if not name.startswith("dlq-")]
        return (letter.key, letter.value, kept) == (self.key, self.value, list(self.headers))


def seals_of(pipeline: Pipeline) -> Seals:
    """Return the seals of a stack."""
    return Seals(master_secret(seal_key(pipeline.stack.folder)), os.urandom)


def sealed(
    seals: Seals,
    agency: str,
    body: bytes | Mapping[str, Any] | Sequence[Any],
    *,
    kind: Kind = Kind.AGENCY,
    sealed_by: str | None = None,
    ce_id: str | None = None,
    media: str = "application/json",
    form: str = "statutory",
    extra: Headers = (),
) -> Raw:
    """Make a record as an agency that writes to Kafka itself would; ``sealed_by`` names another agency's key."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    ce_id, source = ce_id or str(uuid.uuid4()), f"/agencies/{agency}"
    attributes = Attributes(id=ce_id, source=source, type=topics.EventType.SUBMISSION_RECEIVED, content_type=media)
    value = seals.seal(kind, sealed_by or agency, content, ce_id=ce_id, ce_source=source, content_type=media)
    own = ((HEADER, kind.value.encode()), ("spikewatch-format", form.encode()))
    return Raw(agency.encode(), value, (*write(attributes), *own, *extra))


def produce(pipeline: Pipeline, topic: str, records: Sequence[Raw], *, partition_by: str | None = None) -> list[tuple[int, int]]:
    """Put records on a topic in order, and return partition and offset of each."""

    async def send() -> list[tuple[int, int]]:
        publisher = Publisher(pipeline.connection)
        await publisher.start()
        try:
            waiting = [
                await publisher.raw(topic, record.key, record.value, record.headers, partition_by=partition_by) for record in records
            ]
            placed: list[Any] = [await one for one in waiting]
            return [(one.partition, one.offset) for one in placed]
        finally:
            await publisher.stop()

    return asyncio.run(send())


def letters_by_place(pipeline: Pipeline, topic: topics.Topic, group: str, *, restored: bool = True) -> dict[tuple[int, int], Record]:
    """Return the dead letters of one group by partition and offset of the record they hold; entries of replays are left out.

    Restored: as the operator's key shows them, quarantined records taken out. Otherwise as they stand on the topic.
    """
    found, seals = {}, seals_of(pipeline)
    for record in pipeline.records(topic.dead_letter(group).name):
        if record.header("dlq-reason") is not None:
            shown = with_original(seals, record) if restored else record
            found[int(record.header("dlq-partition") or b""), int(record.header("dlq-offset") or b"")] = shown
    return found


def reason_of(letter: Record) -> str:
    """Return why a record became a dead letter."""
    return (letter.header("dlq-reason") or b"").decode()
