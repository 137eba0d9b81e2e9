"""The matcher: who is one person, whatever the order; and how large it may grow."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from time import process_time
from uuid import UUID

import numpy as np
import pytest

from spikewatch.contracts.identifiers import incident_id, overdose_id
from spikewatch.enrichment.adapters.matching_weights import LEARNT, NEUTRAL, load_weights
from spikewatch.enrichment.domain.matching.blocking import candidates
from spikewatch.enrichment.domain.matching.clustering import LARGEST, scored
from spikewatch.enrichment.domain.matching.columns import Columns
from spikewatch.enrichment.domain.matching.matcher import Matched, match
from spikewatch.enrichment.domain.matching.records import Compared, newest, of_row

NIGHT = datetime(2026, 5, 1, 2, 30, tzinfo=UTC)
WEIGHTS = load_weights()


def row(agency: str, number: str, minutes: float = 0, **stated: object) -> Compared:
    at = NIGHT + timedelta(minutes=minutes)
    fields = {
        "agency": agency,
        "agency_record_no": number,
        "event_time": at.isoformat(),
        "time_precision": "second",
        "received_at": (at + timedelta(hours=1)).isoformat(),
        "lat": "40.5",
        "lon": "-79.5",
        "geo_precision": "address",
    }
    return of_row(fields | {name: str(value) for name, value in stated.items()})


def groups(matched: Matched) -> set[frozenset[UUID]]:
    found = defaultdict(set)
    for key, assignment in matched.assignments().items():
        found[assignment.overdose_id].add(key)
    return {frozenset(keys) for keys in found.values()}


def together(*records: Compared) -> bool:
    return len(groups(match(records, WEIGHTS))) == 1


def crowd(seed: int, people: int) -> list[Compared]:
    """Reports of several agencies about people at few places in few hours, with resends, corrections and withdrawals."""
    draw = random.Random(seed)
    made: list[Compared] = []
    for person in range(people):
        minutes, lat, lon = draw.uniform(0, 600), 40.5 + draw.randrange(3) * 0.001, -79.5
        age, sex, cad = draw.randrange(18, 70), draw.choice("MF"), f"26-{draw.randrange(people):06d}"
        for agency, lag, chance in (
            ("CAD", 0, 0.9),
            ("EMS", 8, 0.9),
            ("EMS", 9, 0.2),
            ("FIRE", 5, 0.4),
            ("POLICE", 17, 0.4),
            ("ED", 42, 0.5),
            ("ME", 200, 0.1),
        ):
            if draw.random() > chance:
                continue
            stated: dict[str, object] = {"lat": lat + draw.gauss(0, 2e-4), "lon": lon + draw.gauss(0, 2e-4)}
            if draw.random() < 0.7:
                stated |= {"age": age, "sex": sex}
            if agency in {"CAD", "EMS", "FIRE"} and draw.random() < 0.6:
                stated["cad_no"] = cad
            if agency in {"EMS", "ED"}:
                stated["hospital"] = "MERCY"
            when = minutes + lag + draw.gauss(0, 4)
            record = row(agency, f"{agency}{person}-{len(made)}", when, **stated)
            made.append(record)
            if draw.random() < 0.2:  # a correction
                made.append(record._replace(revision=(record.revision[0] + 60, "later"), age_low=age + 1, age_high=age + 1))
            if draw.random() < 0.1:  # taken back
                made.append(record._replace(revision=(record.revision[0] + 120, "last"), withdrawn=True))
    return made


@pytest.mark.parametrize(
    ("seed", "people", "shuffles"), [*((seed, 40, 25) for seed in range(12)), *((seed, 8, 100) for seed in range(12, 32))]
)
def test_equal_sets_of_reports_give_equal_incidents_in_any_order(seed: int, people: int, shuffles: int) -> None:
    records = crowd(seed, people)
    assert len({one.key for one in records}) < len(records)  # some are corrected or withdrawn
    expected = match(records, WEIGHTS).assignments()
    draw = random.Random(seed)
    for _ in range(shuffles):
        shuffled = records + draw.choices(records, k=10)
        draw.shuffle(shuffled)
        assert match(shuffled, WEIGHTS).assignments() == expected


def test_a_correction_and_its_retraction_leave_what_the_newest_revisions_alone_would_give() -> None:
    records = crowd(99, 40)
    standing = newest(records)
    assert len(standing) < len({one.key for one in records})  # some were withdrawn
    assert match(standing, WEIGHTS).assignments() == match(records, WEIGHTS).assignments()


@pytest.mark.parametrize("seed", range(8))
def test_reports_that_touch_nothing_change_nothing(seed: int) -> None:
    records = crowd(seed, 25)
    elsewhere = [row("EMS", f"far{index}", 60_000 + index * 500, lat=42.0, age=30 + index) for index in range(20)]
    alone = match(records, WEIGHTS).assignments()
    both = match([*elsewhere, *records], WEIGHTS).assignments()
    assert {key: both[key] for key in alone} == alone


def test_ids_follow_from_the_founding_report() -> None:
    call, crew = row("CAD", "c", 0, cad_no="26-1001"), row("EMS", "e", 8, cad_no="26-1001", age=40, sex="M")
    assignment = match([crew, call], WEIGHTS).assignments()[crew.key]
    assert assignment.overdose_id == overdose_id(call.key)
    assert assignment.incident_id == incident_id(call.key)


def test_the_agencies_of_one_call_tell_of_one_person() -> None:
    assert together(
        row("CAD", "c", 0, cad_no="26-1001", age=45, age_approx=1),
        row("EMS", "e", 8, cad_no="26-1001", age=40, sex="M", hospital="MERCY", disposition="TRANSPORT"),
        row("POLICE", "p", 20, age=40, sex="M", time_precision="minute"),
        row("ED", "d", 44, age=40, sex="M", hospital="MERCY", lat="", lon="", geo_precision="none", time_precision="minute"),
    )


def test_two_patients_of_one_call_are_two_overdoses_of_one_incident() -> None:
    records = [
        row("CAD", "c", 0, cad_no="26-1001", sex="M"),
        row("EMS", "e1", 8, cad_no="26-1001", age=22, sex="M"),
        row("EMS", "e2", 9, cad_no="26-1001", age=57, sex="F"),
    ]
    found = match(records, WEIGHTS).assignments()
    assert found[records[0].key].overdose_id == found[records[1].key].overdose_id != found[records[2].key].overdose_id
    assert len({one.incident_id for one in found.values()}) == 1


def test_different_numbers_of_calls_part_reports_that_lack_all_else() -> None:
    assert not together(row("CAD", "c", 0, cad_no="26-1001"), row("EMS", "e", 5, cad_no="26-1002"))


def test_a_merge_that_shows_itself_late_is_made() -> None:
    call, hospital = row("CAD", "c", 0), row("ED", "d", 42, age=33, sex="F", hospital="MERCY", lat="", lon="", geo_precision="none")
    crew = row("EMS", "e", 8, age=33, sex="F", hospital="MERCY", disposition="TRANSPORT")
    assert not together(call, hospital)
    assert together(call, hospital, crew)


def test_a_place_that_was_read_wrongly_is_found_by_the_street() -> None:
    crew = row("EMS", "e", 8, age=61, sex="M", address_text="2071 INNES AVE")
    officer = row("POLICE", "p", 20, age=61, sex="M", address_text="2071 Innes Av", lat=40.56)
    assert together(crew, officer)
    assert not together(crew, row("POLICE", "p", 20, age=33, sex="F", address_text="12 ELM ST", lat=40.56))


def test_a_death_weeks_late_finds_its_overdose() -> None:
    late = row("ME", "m", 150, age=61, sex="M", outcome="FATAL", received_at=(NIGHT + timedelta(days=40)).isoformat())
    crew = row("EMS", "e", 8, age=61, sex="M", outcome="FATAL", disposition="DOS")
    assert together(crew, late)


def test_overdoses_an_hour_apart_at_one_corner_are_incidents_of_their_own() -> None:
    records = [row("EMS", f"e{index}", 50 * index, age=20 + 9 * index, sex="MF"[index % 2]) for index in range(5)]
    found = match(records, WEIGHTS).assignments()
    assert len({one.overdose_id for one in found.values()}) == 5
    # Each lies within the hour of the one before; the founding report's hour ends the incident all the same.
    assert len({one.incident_id for one in found.values()}) == 3


def test_nothing_to_match_is_matched() -> None:
    assert match([], WEIGHTS).assignments() == {}
    assert set(match([row("ED", "1")], WEIGHTS).assignments()) == {row("ED", "1").key}


def test_confidence_is_a_probability_and_lower_where_another_overdose_is_near() -> None:
    crew, call = row("EMS", "e", 8, cad_no="26-1001", age=40, sex="M"), row("CAD", "c", 0, cad_no="26-1001", age=40, sex="M")
    sure = match([crew, call], WEIGHTS).assignments()[crew.key].confidence
    found = match(crowd(3, 60), WEIGHTS).assignments()
    assert 0.8 < sure <= 1
    assert all(0 < one.confidence <= 1 for one in found.values())
    assert min(one.confidence for one in found.values()) < sure


def flood(count: int) -> list[Compared]:
    return [row("EMS", f"f{index}", index * 60 / count, age=30, sex="M") for index in range(count)]


def test_a_feed_that_repeats_itself_is_bounded_and_reported() -> None:
    matched = match(flood(3_000), WEIGHTS)
    assert len(matched.crowded) == 3_000
    assert max(map(len, groups(matched))) <= LARGEST
    columns = Columns.of(newest(flood(3_000)))
    assert len(candidates(columns).first) < 200 * 3_000


def test_a_flood_costs_its_length_and_not_its_square() -> None:
    def seconds(count: int) -> float:
        records = flood(count)
        taken = []
        for _ in range(3):  # the least of three: a busy machine slows one, hardly all
            began = process_time()
            match(records, WEIGHTS)
            taken.append(process_time() - began)
        return min(taken)

    assert seconds(6_000) < 8 * max(seconds(1_500), 0.02)  # four times as many; a square would be sixteen times


@pytest.mark.parametrize(("lat", "lon"), [(71.3, -156.8), (0.05, 6.6), (-43.5, 172.6), (37.8, -122.4)])
def test_places_near_one_another_are_found_wherever_they_are(lat: float, lon: float) -> None:
    # 300 m in every direction, so that borders of cells and of their bands are crossed.
    for up, aside in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1)):
        other = (lat + up * 300 / 111_195, lon + aside * 300 / 111_195 / np.cos(np.radians(lat)))
        columns = Columns.of([row("CAD", "c", 0, lat=lat, lon=lon), row("EMS", "e", 8, lat=other[0], lon=other[1])])
        assert len(candidates(columns).first) == 1


@pytest.mark.parametrize("name", [LEARNT, NEUTRAL])
def test_regions_do_not_meet_by_age_and_time_alone(name: str) -> None:
    weights = load_weights(name)
    crew = row("EMS", "e", 8, age=33, sex="F", lat="", lon="")._replace(region="county-a")
    hospital = row("ED", "d", 42, age=33, sex="F", lat="", lon="")._replace(region="county-b")
    assert len(groups(match([crew, hospital], weights))) == 2
    assert len(groups(match([crew, hospital._replace(region="county-a")], weights))) == 1


def test_a_hospital_s_name_counts_within_reach_of_one_hospital() -> None:
    said = {"age": 33, "sex": "F", "hospital": "GENERAL"}
    crew = row("EMS", "e", 8, disposition="TRANSPORT", **said)._replace(region="42003")

    def visit(lat: float, county: str) -> Compared:
        return row("ED", "d", 42, lat=lat, geo_precision="zip", **said)._replace(region=county)

    assert together(crew, visit(40.9, "42005"))
    assert not together(crew, visit(42.0, "42049"))  # 167 km away: another General of the same state
    assert together(crew, visit(42.0, "42003"))  # in one county the place was read wrongly
    nowhere = row("ED", "d", 42, lat="", lon="", geo_precision="none", **said)._replace(region="42049")
    assert together(crew, nowhere)


def test_a_score_does_not_depend_on_which_report_is_named_first() -> None:
    records = newest(crowd(5, 15))
    columns = Columns.of(records)
    one, two = np.triu_indices(len(records), 1)
    assert scored(columns, two, one, WEIGHTS).tolist() == scored(columns, one, two, WEIGHTS).tolist()


def test_one_dispatch_centre_writes_one_record_a_person_and_two_centres_may_write_two() -> None:
    call = {"cad_no": "26-000777"}
    assert not together(row("CAD", "C1", **call), row("CAD", "C2", 1, **call))
    crew = row("EMS", "E1", 8, age=40, sex="M", **call)
    assert len(groups(match([row("CAD", "C1", **call), row("CAD", "C2", 1, **call), crew], WEIGHTS))) == 2
    assert together(row("CAD", "C1", **call), row("911 county", "C2", 1, **call), crew)


def test_reports_that_tell_no_more_than_a_zip_code_are_met_in_a_file() -> None:
    middle = {"lat": "40.52", "lon": "-79.52", "geo_precision": "zip", "zip": "99901"}
    crew, officer = row("EMS", "E1", 8, age=40, sex="M", **middle), row("POLICE", "P1", 20, age=40, sex="M", **middle)
    engine = row("FIRE", "F1", 5, age=40, sex="M", zip="99901")
    assert together(crew, officer)
    assert together(crew, engine), "a report with an address, and one with its ZIP code"
    assert not together(crew, row("POLICE", "P2", 20, age=40, sex="M", **middle | {"lat": "40.62", "zip": "99902"}))
    found = candidates(Columns.of(newest([crew, officer])), bounded=False)
    assert len(found.first) == 0, "a part of a stream is a nation's: everybody would meet"


def test_reports_that_tell_no_place_are_met_by_time_in_a_file() -> None:
    nowhere = {"lat": "", "lon": "", "geo_precision": "none"}
    crew, officer = row("EMS", "E1", 8, age=40, sex="M"), row("POLICE", "P1", 20, age=41, sex="M", **nowhere)
    assert together(crew, officer)
    assert not together(crew, row("POLICE", "P2", 20, age=62, age_approx=0, sex="M", **nowhere))
    many = [row("EMS", f"E{index}", index / 100, **nowhere) for index in range(2_000)]
    assert len(candidates(Columns.of(newest(many))).first) <= 48 * len(many)
