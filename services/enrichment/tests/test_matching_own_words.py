"""Hospitals that each side calls otherwise, and numbers that an agency gives itself, say nothing against one person."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from spikewatch.contracts.identifiers import report_key
from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.domain.matching.codes import KIND_CODE
from spikewatch.enrichment.domain.matching.matcher import match
from spikewatch.enrichment.domain.matching.own_words import without_own_words
from spikewatch.enrichment.domain.matching.records import Compared, newest, of_row

WEIGHTS = load_weights()
CALLED = {"MERCY": "MERCY HOSP OF THE VALLEY", "GENERAL": "COUNTY GENERAL MEDICAL CENTER", "ST ANN": "SAINT ANNS"}


def calls(
    hospital: Callable[[str, str], str] = lambda _, name: name,
    number: Callable[[str, int], str] = lambda _, call: f"26-{call:05d}",
    count: int = 150,
) -> list[Compared]:
    """One person a call, of whom dispatch, ambulance, police and a hospital report; places are some metres off."""
    draw = random.Random(4)
    records: list[Compared] = []
    for call in range(count):
        at = datetime(2026, 5, 1, tzinfo=UTC) + timedelta(minutes=draw.uniform(0, 60 * count))
        lat, lon, name = 40.5 + draw.uniform(0, 0.05), -79.5 + draw.uniform(0, 0.05), draw.choice(sorted(CALLED))
        age, sex = draw.randrange(18, 70), draw.choice("MF")
        for agency, lag in (("CAD", 0), ("EMS", 8), ("POLICE", 25), ("ED", 42)):
            said = {"agency": agency, "agency_record_no": str(call), "time_precision": "second"}
            said["event_time"] = (at + timedelta(minutes=lag + draw.gauss(0, 3))).isoformat()
            if agency in {"EMS", "ED"}:
                said |= {"age": str(age + draw.randrange(-1, 2)), "sex": sex, "hospital": hospital(agency, name)}
            if agency != "ED":
                said |= {"lat": str(lat + draw.gauss(0, 2e-4)), "lon": str(lon + draw.gauss(0, 2e-4)), "geo_precision": "block"}
                said["cad_no"] = number(agency, call)
            records.append(of_row(said))
    return newest(records)


def wholly_right(records: list[Compared]) -> float:
    """Return the share of calls whose four reports, and no others, are one overdose."""
    call_of = {report_key(agency, str(call)): call for agency in ("cad", "ems", "police", "ed") for call in range(len(records))}
    found = match(records, WEIGHTS, learns_lags=True).assignments()
    people: dict[object, Counter[int]] = {}
    for one in records:
        people.setdefault(found[one.key].overdose_id, Counter())[call_of[one.key]] += 1
    return sum(len(of) == 1 and of.total() == 4 for of in people.values()) * 4 / len(records)


def otherwise(agency: str, name: str) -> str:
    return CALLED[name] if agency == "ED" else name


def own_number(agency: str, call: int) -> str:
    return f"P{9_000 + 7 * call}" if agency == "POLICE" else f"26-{call:05d}"


def test_hospitals_that_departments_call_otherwise_part_nobody() -> None:
    assert wholly_right(calls()) > 0.97
    assert wholly_right(calls(hospital=otherwise)) > 0.9


def test_names_of_an_ambulance_service_s_own_part_nobody_though_others_know_the_departments_names() -> None:
    """Medical examiners write the departments' names; ambulances have codes."""
    records = calls(hospital=lambda agency, name: CALLED[name] if agency == "EMS" else name)
    names = sorted({one.hospital for one in records if one.kind == KIND_CODE["ed"]})
    examined = [
        of_row({"agency": "ME", "agency_record_no": str(one), "event_time": f"2027-01-{one + 1:02d}T12:00:00Z", "hospital": names[one % 3]})
        for one in range(25)
    ]
    kept = without_own_words(newest([*records, *examined]))
    assert {one.hospital for one in kept if one.kind == KIND_CODE["ems"]} == {""}
    assert {one.hospital for one in kept if one.kind in {KIND_CODE["ed"], KIND_CODE["me"]}} == set(names)


def test_an_ambulance_service_that_goes_to_hospitals_outside_the_file_keeps_their_names() -> None:
    records = [one if one.agency != "ED" or one.hospital == "MERCY" else one._replace(hospital="") for one in calls()]
    assert without_own_words(records) == records


def test_numbers_of_the_police_s_own_part_nobody() -> None:
    assert wholly_right(calls(number=own_number)) > 0.95


def test_what_all_sides_write_stays_and_so_does_a_hospital_outside_the_file() -> None:
    records = [one for one in calls() if one.agency != "ED" or one.hospital != "MERCY"]
    assert without_own_words(records) == records
    own = calls(hospital=otherwise)
    assert {one.hospital for one in without_own_words(own)} == {""}


def test_a_misspelt_name_says_nothing_and_takes_no_other_away() -> None:
    records = calls()
    at = next(place for place, one in enumerate(records) if one.hospital == "MERCY" and one.agency == "ED")
    records[at] = records[at]._replace(hospital="MERRCY")
    kept = without_own_words(records)
    assert kept[at].hospital == ""
    assert [one for place, one in enumerate(kept) if place != at] == [one for place, one in enumerate(records) if place != at]


def test_a_small_file_is_left_as_it_is() -> None:
    records = calls(hospital=otherwise, number=own_number, count=15)
    assert without_own_words(records) == records


def test_small_agencies_are_judged_by_kind() -> None:
    records = [
        one._replace(agency=f"POLICE {index % 40}") if one.agency == "POLICE" else one for index, one in enumerate(calls(number=own_number))
    ]
    stated = Counter(one.agency[:6] for one in without_own_words(records) if one.cad)
    assert stated == {"CAD": 150, "EMS": 150}


def test_where_all_number_calls_themselves_dispatch_keeps_its_numbers() -> None:
    records = calls(number=lambda agency, call: f"{agency}{call}")
    assert {one.agency for one in without_own_words(records) if one.cad} == {"CAD"}
    alone = [one for one in records if one.agency == "POLICE"]
    assert without_own_words(alone) == alone


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_reports_changes_nothing(seed: int) -> None:
    records = calls(hospital=otherwise, number=own_number, count=60)
    shuffled = random.Random(seed).sample(records, len(records))
    assert match(shuffled, WEIGHTS, learns_lags=True).assignments() == match(records, WEIGHTS, learns_lags=True).assignments()
