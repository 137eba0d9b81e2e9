"""An index of streets on the real pipeline: addresses become places, a new index is taken up at work, and stored reports follow it."""

import contextlib
import io
import json
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from spikewatch_testing.pipeline import Pipeline, spikewatch, wait_until
from spikewatch_testing.senders import enrol, good

from spikewatch.contracts import topics
from spikewatch.enrichment.adapters.geodata.index_file import read_index

pytestmark = [pytest.mark.integration, pytest.mark.slow(20)]

EXAMPLES = Path(__file__).parents[2] / "examples" / "geodata"
COUNTY = "99001"
AGENCY = "westmark-police"
SECRET_PLACE = "143 BIRCH AVENUE"


def built(index: Path, *names: str) -> None:
    """Build an index of some of the example's files under the name."""
    assert spikewatch(["geodata", "build", *(str(EXAMPLES / name) for name in names), "-o", str(index)]) == 0


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pipeline, Path]]:
    folder = tmp_path_factory.mktemp("geodata")
    index = folder / "westmark.geoindex"
    built(index, "streets.csv")
    pipeline = Pipeline.start(folder, env={"SPIKEWATCH_ENRICHMENT_GEODATA": str(index)}, own_servers=True)
    enrol(pipeline, folder, AGENCY, source_type="police", county_fips=COUNTY, areas=[f"county:{COUNTY}"])
    yield pipeline, index
    pipeline.stop()


def sent(pipeline: Pipeline, **place: Any) -> str:
    """Send one report and return its record id when everything follows from it."""
    record = uuid.uuid4().hex
    pipeline.accept(AGENCY, [good(record, county_fips=COUNTY, **place)])
    pipeline.settle()
    return record


def placings(pipeline: Pipeline, record: str) -> list[dict[str, Any]]:
    """Return how a report was placed, each time it was."""
    bodies = [json.loads(one.value or b"") for one in pipeline.records(topics.LOCATED)]
    found = [body for body in bodies if body["report"]["source_record_id"] == record]
    return sorted(found, key=lambda body: int(body["geodata_version"]))


def incident_of(pipeline: Pipeline, record: str) -> dict[str, Any]:
    """Return the incident that stands and holds the report."""
    key = placings(pipeline, record)[0]["report"]["report_key"]

    def holds(body: dict[str, Any]) -> bool:
        return any(link["report_key"] == key for part in body["overdoses"] for link in part["reports"])

    (found,) = filter(holds, pipeline.incidents().values())
    return found


def reapplied(pipeline: Pipeline, index: Path, *options: str) -> dict[str, Any]:
    told = io.StringIO()
    geography = index.parent / "geography"
    arguments = ["--index", str(index), "--geography", str(geography), "--bootstrap", pipeline.kafka_bootstrap, "--json", *options]
    with contextlib.redirect_stdout(told):
        assert spikewatch(["geodata", "reapply", *arguments]) == 0
    return dict(json.loads(told.getvalue()))


def log_of(pipeline: Pipeline) -> str:
    (enrichment,) = pipeline.stack.instances_of("enrichment")
    return enrichment.process.log.read_text(encoding="utf-8")


def taken_up(pipeline: Pipeline) -> list[Any]:
    """Return the versions of geodata that the service exchanged for."""
    lines = [json.loads(line) for line in log_of(pipeline).splitlines() if "geodata exchanged" in line]
    return [line["version"] for line in lines]


def test_addresses_and_corners_become_places_with_areas(town: tuple[Pipeline, Path]) -> None:
    pipeline, _ = town
    house, corner = sent(pipeline, address="200 Block of MAPLE AV"), sent(pipeline, intersection="7TH ST/LINDEN AVE")
    (block,), (crossing,) = placings(pipeline, house), placings(pipeline, corner)
    assert (block["position"]["method"], block["position"]["precision"]) == ("geocoded", "block")
    assert (block["position"]["lat"], block["position"]["lon"]) == (pytest.approx(30.056, abs=2e-4), pytest.approx(-44.9485, abs=3e-4))
    assert (crossing["position"]["precision"], crossing["position"]["lat"]) == ("intersection", pytest.approx(30.055, abs=1e-4))
    assert block["geodata_version"] > 0
    assert any(area.startswith("neighborhood:") for area in block["areas"])
    assert incident_of(pipeline, house)["position"] == block["position"]


def test_what_is_no_address_stays_with_its_county_and_says_so(town: tuple[Pipeline, Path]) -> None:
    pipeline, _ = town
    (one,) = placings(pipeline, sent(pipeline, address="unknown"))
    assert one["position"]["precision"] == "county"
    assert "address_not_geocoded" in {note["code"] for note in one["quality"]}


def test_a_new_index_is_taken_up_and_stored_reports_and_their_incidents_follow_it(town: tuple[Pipeline, Path]) -> None:
    pipeline, index = town
    record = sent(pipeline, address="350 Poplar Ave")
    (before,) = placings(pipeline, record)
    assert before["position"]["precision"] == "county"
    built(index, "streets.csv", "landmarks.csv", "aliases.csv")
    version = read_index(index).facts["built_at"]
    wait_until(lambda: version in taken_up(pipeline), "the service takes up the new index")
    (fresh,) = placings(pipeline, sent(pipeline, address="Harbor Clinic"))
    assert fresh["position"]["precision"] == "landmark"
    shown = reapplied(pipeline, index)
    assert {"before": "county", "after": "range", "reports": 1} in shown["precision"]
    assert placings(pipeline, record) == [before]
    done = reapplied(pipeline, index, "--apply")
    assert done["changed"] == shown["changed"] >= 1
    pipeline.settle()
    _, after = placings(pipeline, record)
    assert after["position"]["precision"] == "range"
    moved = incident_of(pipeline, record)
    assert moved["position"] == after["position"]
    gained = set(after["areas"]) - set(before["areas"])
    assert any(area.startswith("neighborhood:") for area in gained)
    for area in sorted(gained):
        assert moved["incident_id"] in {body["incident_id"] for body in pipeline.current_contributions(area)}, area
    assert reapplied(pipeline, index, "--apply")["changed"] == 0


def test_a_truncated_index_is_refused_and_the_one_in_use_stays(town: tuple[Pipeline, Path]) -> None:
    pipeline, index = town
    whole = index.with_suffix(".whole")
    shutil.copy(index, whole)
    draft = index.with_suffix(".part")
    draft.write_bytes(whole.read_bytes()[:-100])
    draft.replace(index)
    wait_until(lambda: "exchanged geodata cannot be used" in log_of(pipeline), "the service refuses it")
    (one,) = placings(pipeline, sent(pipeline, address="200 Block of MAPLE AV"))
    assert one["position"]["precision"] == "block"
    whole.replace(index)
    assert all(service.is_ready() for service in pipeline.stack.services)


def test_no_address_is_in_a_log_or_a_trace(town: tuple[Pipeline, Path]) -> None:
    pipeline, _ = town
    record = sent(pipeline, address=f"in a home at {SECRET_PLACE}, Apt 3")
    (placed,) = placings(pipeline, record)
    assert placed["position"]["method"] == "geocoded"
    for service in pipeline.stack.services:
        assert SECRET_PLACE not in service.process.log.read_text(encoding="utf-8").upper(), service.process.name
    assert pipeline.stack.traces is not None
    wait_until(lambda: bool(pipeline.spans(placed["report"]["trace_id"])), "the trace is there")
    assert SECRET_PLACE.encode() not in pipeline.stack.traces.file.read_bytes().upper()
