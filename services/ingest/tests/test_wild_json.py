"""What JSON interfaces and map servers put around records."""

import json

import pytest
from spikewatch_testing.rows import AT, ROW, SOURCE, one, read, refused

from spikewatch.contracts.report import Report
from spikewatch.ingest.domain.feeds import statutory
from spikewatch.ingest.domain.rejection import Fault, Rejected

FEATURE = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [-75.3, 40.1]}, "properties": ROW}
ESRI = {"attributes": ROW, "geometry": {"x": -75.3, "y": 40.1}}


@pytest.mark.parametrize(
    "wrapped",
    [
        {"reports": [ROW, ROW]},
        {"overdoses": [ROW, ROW], "county": "Cedar"},
        {"anything": [ROW, ROW]},
        {"count": 2, "next": None, "somewhere": [ROW, ROW]},
        {"type": "FeatureCollection", "features": [FEATURE, FEATURE]},
        {"fields": [{"name": "zip"}], "geometryType": "esriGeometryPoint", "features": [ESRI, ESRI]},
        [FEATURE, ESRI],
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_what_interfaces_put_around_records(wrapped: object, indent: int | None) -> None:
    body = json.dumps(wrapped, indent=indent).encode()
    raws = list(statutory.FEED.records(body, "application/json", limit=9))
    first, second = (statutory.FEED.read(raw.fields, SOURCE).report for raw in raws)
    assert first is not None
    assert (first.occurred_at, second) == (AT, first)
    has_point = b'geometry"' in body
    assert (first.location.lat, first.location.lon) == ((40.1, -75.3) if has_point else (None, None))
    for raw in raws:  # a dead letter is replayed alone
        assert one(statutory.FEED, raw.alone(), "application/json") == first


def test_features_stand_one_a_line_too() -> None:
    body = "\n".join(json.dumps(part) for part in (FEATURE, ESRI))
    assert len({report.report_key for report in read(statutory.FEED, body, "application/x-ndjson") if isinstance(report, Report)}) == 1


@pytest.mark.parametrize("geometry", [None, {"x": -8383000.5, "y": 4880000.1}, {"type": "Point", "coordinates": []}, {"rings": [[[0, 0]]]}])
def test_a_place_that_is_no_point_in_degrees_is_none(geometry: object) -> None:
    assert one(statutory.FEED, json.dumps({"attributes": ROW, "geometry": geometry}), "application/json").location.lat is None


def test_the_point_that_a_feature_states_itself_stays() -> None:
    own = {**ESRI, "attributes": {**ROW, "lat": 40.2, "lon": -75.2}}
    assert one(statutory.FEED, json.dumps(own), "application/json").location.lat == 40.2


def test_a_record_that_holds_a_list_is_one_record() -> None:
    assert one(statutory.FEED, json.dumps({**ROW, "units": [{"name": "M1"}]}), "application/json").occurred_at == AT


@pytest.mark.parametrize("wrapped", [{"one": [ROW], "two": [ROW]}, {"county": "Cedar", "sheet": [ROW]}])
def test_where_it_is_not_clear_which_list_is_meant_the_answer_says_so(wrapped: object) -> None:
    found = refused(statutory.FEED, json.dumps(wrapped), "application/json")
    assert found.fault is Fault.MISSING_FIELD
    assert "a list of records" in found.expected


def test_more_records_than_allowed_are_refused_inside_an_object_too() -> None:
    with pytest.raises(Rejected) as caught:
        list(statutory.FEED.records(json.dumps({"reports": [ROW] * 3}).encode(), "application/json", limit=2))
    assert caught.value.fault is Fault.TOO_LARGE


def test_of_two_lists_of_one_name_the_last_counts_as_everywhere_in_json() -> None:
    body = f'{{"reports": [{{"zip": "1"}}], "a\\"]": [1, "}}"] , "reports" :[{json.dumps(ROW)}] }}'
    assert one(statutory.FEED, body, "application/json").occurred_at == AT
