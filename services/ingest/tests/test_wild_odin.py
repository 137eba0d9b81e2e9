"""Words of ODIN as people retype them."""

import io
from datetime import UTC, datetime
from uuid import UUID

import pytest

from spikewatch.contracts.report import Report
from spikewatch.contracts.vocabulary import AgeBand, Outcome, Sex, SourceType
from spikewatch.ingest.domain.feeds import odin
from spikewatch.ingest.domain.feeds.feed import Reading, Source

SOURCE = Source("cedar", SourceType.POLICE, datetime(2026, 6, 1, tzinfo=UTC), UUID(int=1), "x", time_zone="America/New_York")
HEADER = (
    "incident_id,incident_date,incident_time,victim_id,gender_desc,age_range,susp_od_drug_desc,naloxone_administered,dose_count,survive,"
    "incident_county_fips_code\n"
)


def report(age: str, survive: str, gender: str = "Male") -> Report:
    body = f"{HEADER}10,05/01/2026,2:03 PM,20,{gender},{age},HEROIN,Yes,,{survive},42091.0\n"
    (raw,) = odin.FEED.records(io.BytesIO(body.encode()), "text/csv", limit=9)
    reading = odin.FEED.read(raw.fields, SOURCE)
    assert isinstance(reading, Reading)
    return reading.report


@pytest.mark.parametrize(
    ("word", "outcome"), [("Yes", Outcome.NONFATAL), ("No", Outcome.FATAL), ("Unknown", Outcome.UNKNOWN), ("y", Outcome.NONFATAL)]
)
def test_survival_in_full_words(word: str, outcome: Outcome) -> None:
    assert report("30 - 39", word).outcome is outcome


@pytest.mark.parametrize(
    ("age", "band"),
    [
        ("25 to 29", AgeBand.A20_29),
        ("25-29", AgeBand.A20_29),
        ("80+", None),
        ("80 and over", None),
        ("80 - *", None),
        ("90+", AgeBand.A90_PLUS),
    ],
)
def test_bands_in_other_words(age: str, band: AgeBand | None) -> None:
    made = report(age, "Y", "U")
    assert (made.victims.age_band, made.victims.sex) == (band, Sex.UNKNOWN)
    assert bool(made.quality) or band is not None
