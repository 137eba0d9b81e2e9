"""Which reports link, and that no link is missed by the blocks."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikewatch.contracts.report import Position
from spikewatch.contracts.vocabulary import PlacePrecision, TimePrecision
from spikewatch.enrichment.domain.links import Link, Links

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def build(
    *,
    minutes: float = 0.0,
    north_m: float = 0.0,
    lat: float = 40.5,
    lon: float = -79.5,
    place_key: str = "99001",
    precision: PlacePrecision = PlacePrecision.POINT,
    time_precision: TimePrecision = TimePrecision.SECOND,
    agency: str = "cedar-ems",
    cad_number: str | None = None,
    incident_number: str | None = None,
) -> Links:
    return Links.of(
        place_key=place_key,
        occurred_at=NOON + timedelta(minutes=minutes),
        time_precision=time_precision,
        position=Position(lat=lat + north_m / 111_195, lon=lon, precision=precision, radius_m=50, method="reported"),
        agency=agency,
        cad_number=cad_number,
        incident_number=incident_number,
    )


@pytest.mark.parametrize(
    ("one", "other", "link"),
    [
        ({}, {"minutes": 60, "north_m": 249}, Link.PLACE),
        ({}, {"minutes": 60.1}, None),
        ({}, {"north_m": 251}, None),
        ({}, {"place_key": "99003"}, None),
        ({}, {"precision": PlacePrecision.ZIP}, None),
        ({}, {"precision": PlacePrecision.BLOCK}, Link.PLACE),
        ({}, {"time_precision": TimePrecision.DATE}, None),
        ({"cad_number": "26-1"}, {"cad_number": " 26-1 ", "minutes": 719, "north_m": 9_000}, Link.NUMBER),
        ({"cad_number": "26-1"}, {"cad_number": "26-1", "minutes": 721}, None),
        (
            {"cad_number": "26-1"},
            {"cad_number": "26-1", "time_precision": TimePrecision.DATE, "precision": PlacePrecision.NONE},
            Link.NUMBER,
        ),
        ({"cad_number": "26-1"}, {"cad_number": "26-1", "place_key": "99003"}, None),
        ({"cad_number": "0"}, {"cad_number": "0", "north_m": 9_000}, None),
        ({"cad_number": "N/A"}, {"cad_number": "N/A", "north_m": 9_000}, None),
        ({"incident_number": "A-77"}, {"incident_number": "A-77", "north_m": 9_000}, Link.NUMBER),
        ({"incident_number": "A-77"}, {"incident_number": "A-77", "north_m": 9_000, "agency": "cedar-police"}, None),
    ],
)
def test_reports_link_by_number_or_by_place_and_time_in_both_directions(
    one: dict[str, object], other: dict[str, object], link: Link | None
) -> None:
    first, second = build(**one), build(**other)  # type: ignore[arg-type]  # a table of keywords
    assert first.link(second) is link
    assert second.link(first) is link


near = st.fixed_dictionaries(
    {
        "minutes": st.floats(-800, 800),
        "lat": st.floats(0, 0.004),
        "lon": st.floats(0, 0.02),
        "cad_number": st.sampled_from([None, "26-1"]),
    }
)


@settings(max_examples=400, deadline=None)
@given(one=near, other=near, lat=st.floats(-85, 85), lon=st.floats(-179, 178))
def test_a_linked_report_always_lies_in_a_probed_block(one: dict[str, float], other: dict[str, float], lat: float, lon: float) -> None:
    first, second = (build(**(each | {"lat": lat + each["lat"], "lon": lon + each["lon"]})) for each in (one, other))  # type: ignore[arg-type]
    if first.link(second) is not None:
        assert not set(first.probes).isdisjoint(second.blocks)
        assert not set(second.probes).isdisjoint(first.blocks)


def test_a_report_meets_few_blocks() -> None:
    met = [len(build(minutes=step * 37, north_m=step * 113, lon=-79.5 + step * 0.0007).probes) for step in range(300)]
    assert sum(met) / len(met) < 5
