"""A feed falls silent on the real pipeline, and the next alert of its county says so."""

import asyncio
import contextlib
import io
import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from spikewatch_testing.pipeline import Pipeline, spikewatch, wait_until
from spikewatch_testing.senders import Raw, enrol, good, sealed, seals_of

from spikewatch.contracts import topics

pytestmark = [pytest.mark.integration, pytest.mark.slow(30)]

COUNTY = "99666"
AREA = f"county:{COUNTY}"
# No feed is called silent within a quarter of an hour, however often it says that it sends.
SHORTEST_SILENCE = timedelta(minutes=15)


def produced_at(stack: Pipeline, record: Raw, moment: datetime) -> None:
    """Put a record on the submissions topic as the agency itself did at that moment: it is the time the record carries."""

    async def send() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=stack.kafka_bootstrap)
        await producer.start()
        try:
            stamp = int(moment.timestamp() * 1000)
            await producer.send_and_wait(
                topics.SUBMISSIONS.name, record.value, record.key, timestamp_ms=stamp, headers=list(record.headers)
            )
        finally:
            await producer.stop()

    asyncio.run(send())


def health(stack: Pipeline, agency: str) -> dict[str, Any]:
    """Return how an agency's only feed does, as an operator is told; empty before it is judged."""
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        assert spikewatch(["feeds", "--agency", agency, "--bootstrap", stack.kafka_bootstrap, "--json"]) == 0
    return dict(next(iter(json.loads(told.getvalue())), {}))


def alert_of_county(stack: Pipeline) -> dict[str, Any]:
    """Return the alert of the fixed count in the county; empty before there is one."""
    found = [alert for alert in stack.alerts() if alert["area"] == AREA and alert["rule"]["rule_id"] == "odmap-24h"]
    return found[0] if found else {}


def test_the_next_alert_names_the_feed_that_fell_silent(stack: Pipeline, tmp_path: Path) -> None:
    name = uuid.uuid4().hex[:8]
    quiet, busy = f"quiet-police-{name}", f"busy-ems-{name}"
    enrol(stack, tmp_path, quiet, source_type="police", county_fips=COUNTY, areas=[AREA], sends_every_s=300)
    enrol(stack, tmp_path, busy, county_fips=COUNTY, areas=[AREA])

    # Its last submission is still within its time when it comes, and is not followed by another.
    last = datetime.now(UTC).replace(microsecond=0) - SHORTEST_SILENCE + timedelta(seconds=10)
    produced_at(stack, sealed(seals_of(stack), quiet, good("Q-1", county_fips=COUNTY)), last)
    wait_until(lambda: health(stack, quiet).get("state") == "silent", "the feed falls silent")
    assert datetime.fromisoformat(health(stack, quiet)["since"]) == last

    now = datetime.now(UTC).replace(microsecond=0)
    times = [now - timedelta(minutes=minutes) for minutes in range(0, 24, 2)]
    records = [good(f"B-{number}", county_fips=COUNTY, occurred_at=time.isoformat()) for number, time in enumerate(times)]
    stack.accept(busy, records)
    wait_until(lambda: bool(alert_of_county(stack)), "the county's alert")
    stack.settle()
    alert = alert_of_county(stack)
    assert [(feed["feed"], feed["agency_id"], datetime.fromisoformat(feed["since"])) for feed in alert["silent_feeds"]] == [
        (f"{quiet}/statutory", quiet, last)
    ]
    assert f"Silent: {quiet}/statutory (since {last:%Y-%m-%d %H:%M} UTC); the true count may be higher." in alert["explanation"]
