import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from spikewatch.cli.demo import _empty
from spikewatch.cli.demonstration.scenario import Scenario, cad_scenario, county_scenario, write_geography
from spikewatch.cli.demonstration.settling import Standing, settled
from spikewatch.cli.exit_status import CannotRun

NOW = datetime(2026, 5, 1, 15, tzinfo=UTC)
HEADER = "lat,lng,desc,zip,title,timeStamp,twp,addr,e\n"
ROWS = (
    '40.1,-75.1,"A & B;  TOWN; Station 1; 2015-12-10 @ 17:10:52;",19525,EMS: OVERDOSE,2015-12-10 17:40:00,TOWN,A & B,1\n'
    '40.1,-75.1,"A & B;  TOWN; Station 1; 2015-12-10 @ 17:20:52;",19525,EMS: FALL VICTIM,2015-12-10 17:45:00,TOWN,A & B,1\n'
)


def lines(scenario: Scenario) -> list[str]:
    found = []
    for shipment in (*scenario.bulk, *scenario.live):
        body = shipment.body.content.decode().splitlines()
        found += body[1:] if shipment.body.content_type == "text/csv" else body
    return found


def test_the_county_ends_now_and_its_last_hours_are_replayed_in_order_of_time() -> None:
    scenario = county_scenario(7, NOW)
    assert len(lines(scenario)) == scenario.records
    moments = [shipment.body.newest for shipment in scenario.live]
    assert moments == sorted(moments, key=lambda moment: moment or NOW)
    assert all(moment is not None and NOW - timedelta(hours=6) <= moment <= NOW for moment in moments)
    assert scenario.spike is not None
    assert scenario.spike["overdoses"] == 14


def test_each_agency_of_the_county_sends_in_its_own_form() -> None:
    scenario = county_scenario(7, NOW)
    for shipment in (*scenario.bulk, *scenario.live):
        assert (shipment.body.content_type == "text/csv") == (shipment.sender.form == "cad_911")


@pytest.mark.parametrize("name", ["calls.csv", "calls.csv.gz"])
def test_a_cad_file_is_one_agency_with_its_county_and_zone_and_an_alerts_clock_of_the_feed(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    content = (HEADER + ROWS).encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    scenario = cad_scenario(path, agency="county-911", county_fips="42091", time_zone=ZoneInfo("America/New_York"), is_paced=False)
    assert (scenario.records, scenario.overdose_records) == (2, 1)
    assert scenario.env == {"SPIKEWATCH_ALERTS_CLOCK": "event"}
    assert scenario.directory[0]["time_zone"] == "America/New_York"
    assert [shipment.body.content for shipment in scenario.bulk] == [content]


def test_a_paced_feed_is_replayed_by_its_own_times(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(HEADER + ROWS)
    scenario = cad_scenario(path, agency="a", county_fips="42091", time_zone=ZoneInfo("America/New_York"), is_paced=True)
    assert scenario.bulk == ()
    assert scenario.live[0].body.newest == datetime(2015, 12, 10, 22, 45, tzinfo=UTC)


@pytest.mark.parametrize(("content", "says"), [(b"id,when\n1,2\n", "another layout"), (b"\xff\xfe", "cannot be read")])
def test_another_file_is_refused_with_what_was_expected(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "calls.csv"
    path.write_bytes(content)
    with pytest.raises(CannotRun, match=says):
        cad_scenario(path, agency="a", county_fips="42091", time_zone=ZoneInfo("UTC"), is_paced=False)


def test_the_map_is_written_where_the_setting_says(tmp_path: Path) -> None:
    setting = write_geography(county_scenario(7, NOW), tmp_path / "geography")
    (written,) = Path(setting["SPIKEWATCH_ENRICHMENT_GEOGRAPHY"]).glob("*.geojson")
    assert json.loads(written.read_text())["type"] == "FeatureCollection"


def test_only_a_folder_of_the_demo_is_emptied(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    _empty(folder)
    (folder / "left-over").touch()
    _empty(folder)
    assert not (folder / "left-over").exists()
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letter.txt").touch()
    with pytest.raises(CannotRun, match="another --folder"):
        _empty(mine)
    assert (mine / "letter.txt").exists()


class Looks:
    """Gives prepared standings and counts pauses as seconds."""

    def __init__(self, *standings: Standing) -> None:
        self._standings = list(standings)
        self.now = 0.0

    async def look(self) -> Standing:
        return self._standings.pop(0) if len(self._standings) > 1 else self._standings[0]

    async def pause(self, seconds: float) -> None:
        self.now += seconds

    def seconds(self) -> float:
        return self.now


async def test_settled_means_no_lag_and_nothing_added_at_several_looks() -> None:
    looks = Looks((10, 5), (12, 0), (13, 0), (13, 0), (13, 0))
    lags: list[int] = []
    await settled(looks.look, timeout=60, on_lag=lags.append, pause=looks.pause, seconds=looks.seconds)
    assert lags == [5, 0, 0, 0, 0]


async def test_a_pipeline_that_never_settles_ends_the_wait() -> None:
    looks = Looks((10, 5))
    with pytest.raises(CannotRun, match="5 records to read"):
        await settled(looks.look, timeout=5, on_lag=lambda _: None, pause=looks.pause, seconds=looks.seconds)
