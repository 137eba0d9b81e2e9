"""Times that lie whole hours off: found for every kind of agency, and nobody else is touched."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.domain.matching.clocks import set_clocks
from spikewatch.enrichment.domain.matching.evaluation import agreement
from spikewatch.enrichment.domain.matching.matcher import match
from spikewatch.enrichment.domain.matching.records import Compared, newest, of_row

KINDS = ("CAD", "EMS", "FIRE", "POLICE", "ED")
LAGS = {"CAD": (0, 1), "EMS": (8, 4), "FIRE": (5, 3), "POLICE": (22, 12), "ED": (45, 14)}
SPANS = {"winter": (datetime(2026, 1, 5, tzinfo=UTC), 50), "year": (datetime(2026, 1, 1, tzinfo=UTC), 360)}
PACIFIC = ("America/Los_Angeles", -8, -7)
ZONES = (PACIFIC, ("America/New_York", -5, -4), ("America/Phoenix", -7, -7), ("Pacific/Honolulu", -10, -10), ("Asia/Tokyo", 9, 9))


class Calls:
    """Calls of one city, each told by the agencies: ``hours`` or ``zones`` say whose clocks are wrong, ``later`` who writes when."""

    def __init__(self, span: str = "year", *, calls: int = 160, seed: int = 1) -> None:
        self.draw = random.Random(seed)
        begin, days = SPANS[span]
        self.times = sorted(begin + timedelta(days=self.draw.uniform(0, days)) for _ in range(calls))
        self.hours: dict[str, float] = {}
        self.zones: dict[str, str] = {}
        self.later: dict[str, tuple[float, float]] = {}  # median minutes, spread of its logarithm
        self.person: dict[str, int] = {}

    def told(self) -> list[Compared]:
        return newest(of_row(row) for call, at in enumerate(self.times) for row in self._rows(call, at))

    def _rows(self, call: int, at: datetime) -> list[dict[str, str]]:
        draw = self.draw
        lat, lon = f"{40 + draw.random() / 10:.5f}", f"{-79 + draw.random() / 10:.5f}"
        age, sex, hospital = str(draw.randrange(18, 75)), draw.choice("MF"), draw.choice(["MERCY", "GENERAL", "ST MARY"])
        rows = []
        for agency in (*KINDS, "ME"):
            if draw.random() > {"CAD": 1, "EMS": 0.95, "ED": 0.7, "ME": 0.4}.get(agency, 0.5):
                continue
            lag = draw.lognormvariate(4.8, 1.0) if agency == "ME" else draw.gauss(*LAGS[agency])
            if agency in self.later:
                median, spread = self.later[agency]
                lag += median * draw.lognormvariate(0, spread)
            when = at + timedelta(minutes=lag, hours=self.hours.get(agency, 0))
            if agency in self.zones:
                when = when.astimezone(ZoneInfo(self.zones[agency])).replace(tzinfo=UTC)
            row = {"agency": agency, "agency_record_no": f"{agency}{call}", "event_time": f"{when:%Y-%m-%dT%H:%M:%SZ}"}
            row |= {"time_precision": "second", "age": age, "sex": sex}
            if agency in {"CAD", "EMS"} or (agency == "FIRE" and draw.random() < 0.5):
                row["cad_no"] = f"26-{call:06d}"
            if agency != "ED":
                row |= {"lat": lat, "lon": lon, "geo_precision": "address"}
            if agency in {"EMS", "ED"}:
                row["hospital"] = hospital
            self.person[row["agency_record_no"]] = call
            rows.append(row)
        return rows


def found(records: list[Compared]) -> dict[str, tuple[int, int]]:
    return set_clocks(records)[1]


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("hours", [-11, -8, -1, 5, 9])
@pytest.mark.parametrize("kind", ["CAD", "EMS", "FIRE", "ED"])
def test_the_right_hour_of_the_right_agency_alone_is_found(kind: str, hours: int, span: str) -> None:
    calls = Calls(span, seed=abs(hours))
    calls.hours[kind] = hours
    assert found(calls.told()) == {kind: (hours, hours)}


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("hours", [-11, -8, -3, 2, 5])
def test_police_too_whose_lag_is_half_an_hour(hours: int, span: str) -> None:
    calls = Calls(span, seed=hours % 7)
    calls.hours["POLICE"] = hours
    assert found(calls.told()) == {"POLICE": (hours, hours)}


@pytest.mark.parametrize(("zone", "winter", "summer"), ZONES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_time_of_the_wall_changes_with_the_season_where_the_wall_does(kind: str, zone: str, winter: int, summer: int) -> None:
    calls = Calls(calls=300)
    calls.zones[kind] = zone
    assert found(calls.told()) == {kind: (winter, summer)}


@pytest.mark.parametrize(("winter", "summer"), [(0, 1), (-1, 0), (0, -1), (1, 0)])
@pytest.mark.parametrize("kind", ["CAD", "EMS", "FIRE", "ED"])
def test_a_clock_that_is_wrong_in_one_season_only(kind: str, winter: int, summer: int) -> None:
    rows = Calls(calls=300).told()
    summers = (datetime(2026, 3, 8, 2, tzinfo=UTC).timestamp(), datetime(2026, 11, 1, 2, tzinfo=UTC).timestamp())
    moved = [
        one._replace(seconds=one.seconds + 3_600 * (summer if summers[0] <= one.seconds < summers[1] else winter))
        if one.agency == kind
        else one
        for one in rows
    ]
    assert found(newest(moved)) == {kind: (winter, summer)}


@pytest.mark.parametrize(
    "hours",
    [
        {"EMS": -8, "ED": -8},
        {"EMS": -8, "POLICE": 5},
        {"CAD": -5, "FIRE": -5},
        {"CAD": 7, "ED": -5},
        {"EMS": 3, "ED": -6, "ME": -8},
        {"FIRE": -8, "POLICE": -8},
    ],
)
@pytest.mark.parametrize("span", SPANS)
def test_several_agencies_at_once(hours: dict[str, float], span: str) -> None:
    calls = Calls(span, calls=400)
    calls.hours = hours
    told = found(calls.told())
    assert {name: told[name] for name in told if name != "ME"} == {name: (one, one) for name, one in hours.items() if name != "ME"}
    assert abs(told.get("ME", (0, 0))[0] - hours.get("ME", 0)) <= 1  # whoever writes an hour or five later is known to the hour only


def test_most_at_once_are_set_to_one_clock_though_nobody_knows_whose() -> None:
    calls = Calls(calls=300)
    calls.zones = dict.fromkeys(("EMS", "ED", "POLICE", "ME"), "America/Los_Angeles")
    records = calls.told()
    at = {one.key: one.seconds for one in set_clocks(records)[0]}
    by_call: dict[int, dict[str, float]] = {}
    for row, call in zip(records, _calls_of(records, calls), strict=True):
        by_call.setdefault(call, {})[row.agency] = at[row.key]
    assert all(abs(one["EMS"] - one["CAD"]) < 3_600 for one in by_call.values() if {"EMS", "CAD"} <= one.keys())


def _calls_of(records: list[Compared], calls: Calls) -> list[int]:
    keys = {
        of_row({"agency": name.rstrip("0123456789"), "agency_record_no": name, "event_time": "2026-01-01"}).key: call
        for name, call in calls.person.items()
    }
    return [keys[one.key] for one in records]


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("seed", range(8))
def test_nobody_is_touched_where_all_go_right(seed: int, span: str) -> None:
    assert found(Calls(span, seed=seed).told()) == {}


@pytest.mark.parametrize("calls", [0, 1, 3, 8, 15])
def test_small_files_raise_no_alarm(calls: int) -> None:
    for seed in range(10):
        assert found(Calls("winter", calls=calls, seed=seed).told()) == {}


@pytest.mark.parametrize(
    ("kind", "median", "spread"),
    [
        ("EMS", 20, 0.5),
        ("FIRE", 30, 0.1),
        ("POLICE", 30, 0.1),
        ("POLICE", 30, 0.8),
        ("ED", 30, 0.1),
        ("ED", 40, 0.5),
        ("ME", 300, 1.0),
        ("ME", 1_300, 0.2),
    ],
)
def test_lags_that_a_kind_of_agency_has_are_no_wrong_clock(kind: str, median: float, spread: float) -> None:
    calls = Calls(calls=300)
    calls.later[kind] = (median, spread)
    assert found(calls.told()) == {}


def test_hospitals_that_write_hours_later_now_and_then_stay() -> None:
    records = Calls(calls=400).told()
    draw = random.Random(4)
    late = [
        one._replace(seconds=one.seconds + 3_600 * draw.uniform(2, 6)) if one.agency == "ED" and draw.random() < 0.5 else one
        for one in records
    ]
    assert found(newest(late)) == {}


def test_whoever_nearly_always_writes_hours_later_is_looked_for_there() -> None:
    calls = Calls(calls=300)
    calls.later["ED"] = (150, 0.2)
    records = calls.told()
    assert found(records).keys() == {"ED"}
    assigned = match(records, load_weights(), learns_lags=True).assignments()
    person = dict(zip((one.key for one in records), _calls_of(records, calls), strict=True))
    first = {call: assigned[one.key].overdose_id for one, call in zip(records, person.values(), strict=True) if one.agency == "EMS"}
    met = [assigned[one.key].overdose_id == first[person[one.key]] for one in records if one.agency == "ED" and person[one.key] in first]
    assert np.mean(met) > 0.97


@pytest.mark.parametrize("kind", KINDS)
def test_reports_of_a_call_meet_once_the_clock_is_put_right(kind: str) -> None:
    right, wrong = Calls("winter"), Calls("winter")
    wrong.hours[kind] = -8
    expected, records = right.told(), wrong.told()
    assert set_clocks(records)[0] == expected


ELSEWHERE = (
    "America/Phoenix",
    "America/Puerto_Rico",
    "Europe/Berlin",
    "Europe/London",
    "Australia/Sydney",
    "America/Santiago",
    "America/Havana",
)


@pytest.mark.parametrize("zone", ELSEWHERE)
@pytest.mark.parametrize("kind", ["EMS", "POLICE", "ED"])
def test_where_summer_time_is_another_or_none_no_more_reports_are_an_hour_off_than_were(kind: str, zone: str) -> None:
    right, walled = Calls(calls=500), Calls(calls=500)
    walled.zones[kind] = zone
    true = {one.key: one.seconds for one in right.told()}
    written = walled.told()
    before = np.array([one.seconds - true[one.key] for one in written])
    after = np.array([one.seconds - true[one.key] for one in set_clocks(written)[0]])
    assert np.abs(after).sum() <= np.abs(before).sum()
    # Weeks of spring and autumn in which summer time of the United States says otherwise than the place's own.
    assert np.abs(after).max() <= 3_601
    assert (np.abs(after) > 1).mean() <= 0.2


@pytest.mark.parametrize("zone", ELSEWHERE)
@pytest.mark.parametrize("whose", [("EMS", "ED"), (*KINDS, "ME")])
def test_where_summer_time_is_another_or_none_people_are_found_as_before_or_better(zone: str, whose: tuple[str, ...]) -> None:
    calls = Calls(calls=400)
    calls.zones = dict.fromkeys(whose, zone)
    records = calls.told()
    person = dict(zip((one.key for one in records), _calls_of(records, calls), strict=True))

    def pairs(found: dict[UUID, UUID]) -> float:
        return agreement([found[key] for key in person], list(person.values())).f1.value

    unset = match(records, load_weights()).assignments()
    put = match(set_clocks(records)[0], load_weights()).assignments()
    assert pairs({key: one.overdose_id for key, one in put.items()}) >= pairs({key: one.overdose_id for key, one in unset.items()})
