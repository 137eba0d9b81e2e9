"""ODMAP-style tables under headers that agencies' own exports have."""

import io
from datetime import UTC, datetime
from uuid import UUID

import pytest

from spikewatch.contracts.report import Report
from spikewatch.contracts.vocabulary import Outcome, SourceType, YesNo
from spikewatch.ingest.domain.feeds import odmap
from spikewatch.ingest.domain.feeds.feed import Reading, Source
from spikewatch.ingest.domain.feeds.synonyms import Synonyms

SOURCE = Source(
    "cedar", SourceType.POLICE, datetime(2026, 6, 1, tzinfo=UTC), UUID(int=1), "x", time_zone="America/New_York", county_fips="99001"
)


def reports(body: str) -> list[Report]:
    readings = [odmap.FEED.read(raw.fields, SOURCE) for raw in odmap.FEED.records(io.BytesIO(body.encode()), "text/csv", limit=100)]
    return [reading.report for reading in readings if isinstance(reading, Reading)]


def test_brackets_and_units_in_headers() -> None:
    (report,) = reports(
        "Date & Time of Overdose (local),Outcome (Fatal/Nonfatal),Narcan given? (Y/N),Age (yrs),Sex (M/F),# of Narcan Doses,"
        "Lat (DD),Lon (DD),Location - City\n5/1/2026 14:03,Nonfatal,Y,34,M,2,40.12,-75.33,Norristown\n"
    )
    assert report.occurred_at == datetime(2026, 5, 1, 18, 3, tzinfo=UTC)
    assert (report.outcome, report.reversal.given, report.reversal.doses) == (Outcome.NONFATAL, YesNo.YES, 2)
    assert (report.victims.age, report.location.lat, report.location.lon, report.location.city) == (34, 40.12, -75.33, "Norristown")


def test_names_run_together_and_who_gave_it() -> None:
    (report,) = reports(
        "OverdoseDateTime,FatalOverdose,NaloxoneAdministered,NARCAN ADMINISTERED BY WHOM,HOW MANY DOSES,AgencyCaseNumber,PostalCode,"
        "AgeRange\n"
        "2026-05-01 14:03:00.000,false,true,Police officer,2,24-11,07102,20-24\n"
    )
    assert (report.outcome, report.reversal.by, report.reversal.doses) == (Outcome.NONFATAL, "police", 2)
    assert (report.incident_number, report.location.zip5, report.victims.age_band) == ("24-11", "07102", "20-29")


@pytest.mark.parametrize(
    "name", ["Address (Home)", "Zip (Residence)", "Address (Patient)", "Time (UTC)", "Age (months)", "Patient Address"]
)
def test_what_brackets_change_is_another_column(name: str) -> None:
    names = Synonyms({"address": ("street",), "zip": (), "clock": ("time",), "age": ()})
    assert name not in names


@pytest.mark.parametrize(
    ("name", "ours"), [("Incident #", "case"), ("Inc. No", "case"), ("INCIDENT_NBR", "case"), ("Incident DtTm", "when")]
)
def test_abbreviations_are_written_out(name: str, ours: str) -> None:
    names = Synonyms({"case": ("incident number",), "when": ("incident datetime",)})
    assert names.renamed({name: "1"}) == {ours: "1"}


def test_a_name_of_its_own_is_not_written_out() -> None:
    names = Synonyms({"desc": (), "what": ("description",)})
    assert names.renamed({"desc": "a", "description": "b"}) == {"desc": "a", "what": "b"}
