"""Two of every service give what one gives, also while one comes or goes; a replay changes nothing; a stop finishes its work."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from spikewatch_testing.history import under_load
from spikewatch_testing.pipeline import Pipeline
from spikewatch_testing.replay import rewind_every_group

from spikewatch.cli.county.forms import CAD_COLUMNS
from spikewatch.cli.county.overdoses import Story, overdoses
from spikewatch.cli.county.records import SentRecord, sent_records
from spikewatch.cli.stack.stack import SERVICES

pytestmark = [pytest.mark.integration, pytest.mark.slow(140)]

# One key of hashes, or the same record would have another id in another stack.
SETTINGS = {"SPIKEWATCH_ALERTS_CLOCK": "event", "SPIKEWATCH_INGEST_HASH_KEY": base64.b64encode(bytes(range(32))).decode()}
STORY = Story(seed=11, until=datetime(2026, 5, 1, 12, tzinfo=UTC), length=timedelta(days=12), other_calls=5.0)


def play(pipeline: Pipeline, *, backwards: bool = False) -> None:
    """Send the whole story, each agency in bodies of forty records in its own order or in the reverse one."""
    queues: dict[tuple[str, str], list[SentRecord]] = {}
    for record in sent_records(STORY, overdoses(STORY)):
        queues.setdefault((record.agency.agency_id, record.agency.form), []).append(record)
    for (agency, form), records in sorted(queues.items(), reverse=backwards):
        for first in range(0, len(records), 40):
            lines = [record.line for record in records[first : first + 40] if record.fault != "cut_short"]
            if form == "cad_911":
                answer = pipeline.post(agency, "\r\n".join([",".join(CAD_COLUMNS), *lines]), content_type="text/csv", form=form)
            else:
                answer = pipeline.post(agency, "\n".join(lines), content_type="application/x-ndjson", form=form)
            assert answer.status_code == 202, answer.text
    pipeline.settle()


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """What one of each gives."""
    pipeline = Pipeline.start(tmp_path_factory.mktemp("single"), env=SETTINGS, own_servers=True)
    play(pipeline)
    yield pipeline
    pipeline.stop()


def test_two_of_every_service_and_another_order_give_what_one_gives(single: Pipeline, tmp_path: Path) -> None:
    double = Pipeline.start(tmp_path, instances=dict.fromkeys(SERVICES, 2), env=SETTINGS, own_servers=True)
    try:
        play(double, backwards=True)
        assert double.state() == single.state()
    finally:
        double.stop()


def test_the_story_is_worth_comparing(single: Pipeline) -> None:
    state = single.state()
    assert len(state["incidents"]) > 20
    assert any(len(part["overdoses"]) > 1 or len(part["overdoses"][0][2]) > 1 for part in state["incidents"].values())
    assert any(rule == "odmap-24h" for rule, *_ in state["alerts"])
    assert single.dead_letters()


def test_a_replay_of_every_topic_from_the_start_changes_nothing(single: Pipeline) -> None:
    before = single.state()
    dead = len(single.dead_letters())
    versions = {key: body["version"] for key, body in single.incidents().items()}
    for service in single.stack.services:
        assert service.stop(), "the service did not end by itself on SIGTERM"
    rewind_every_group(single.connection)
    for service in single.stack.services:
        service.launch()
    for service in single.stack.services:
        service.wait_ready()
    single.settle()
    assert single.state() == before
    assert {key: body["version"] for key, body in single.incidents().items()} == versions
    # A replayed record that is wrong is still wrong: it is refused again, under the id it had.
    assert len(single.dead_letters()) == dead


def test_instances_that_come_and_go_under_load_lose_nothing(pipeline: Pipeline) -> None:
    with under_load(pipeline) as load:
        load.wait_for(100)
        added = [pipeline.stack.add_instance(name) for name in ("ingest", "enrichment", "alerts")]
        load.wait_for(200)
        added[1].kill()
        load.wait_for(100)
        assert added[2].stop(), "a drain must not need SIGKILL"
        added[0].kill()
        load.wait_for(200)


def test_a_stop_under_load_drains(pipeline: Pipeline) -> None:
    with under_load(pipeline) as load:
        load.wait_for(150)
        for name in ("alerts", "enrichment"):
            (service,) = pipeline.stack.instances_of(name)
            assert service.stop(), "a drain must not need SIGKILL"
            assert '"message": "stopped"' in service.process.log.read_text(encoding="utf-8")
            load.wait_for(100)
            service.start()
