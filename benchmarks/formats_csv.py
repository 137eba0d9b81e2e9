"""Rows of CSV a second and core, end to end: cut, read, classify, settle, write JSON lines. Beside it Python's csv parses the same bytes.

    python benchmarks/formats_csv.py [FORMAT …]

Everything runs in one process, one thread, on invented rows as varied as a county's year; both are measured in turns, and the best of
each counts. Rows of all tables but calls are all overdoses; of the calls one in eighty is. CPU time, not the clock's.
"""

import argparse
import csv
import io
import platform
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from spikewatch.chassis.collector import spare_collector
from spikewatch.ingest.domain.classification import Classifier, interpret
from spikewatch.ingest.domain.feeds import FEEDS
from spikewatch.ingest.domain.feeds.feed import Feed, Reading, Source
from spikewatch.ingest.domain.profiles.bases import compiled
from spikewatch.ingest.domain.revision import History, settle
from spikewatch.ingest.terminology import classifier

ROWS = 40_000
REPEATS = 5
EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
FEED_EXAMPLES = EXAMPLES / "feeds"
PROFILE = (EXAMPLES / "profiles/tablet-export.yaml").read_text(encoding="utf-8")


def main() -> None:
    """Print one line for each format."""
    bodies = {"statutory": _statutory, "odmap": _odmap, "odin": _odin, "cad_911": _calls, "profile": _tablet}
    bodies |= {"me_connecticut": _connecticut, "me_cook": _cook, "me_allegheny": _allegheny}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("formats", nargs="*", metavar="FORMAT", help=f"of {', '.join(bodies)} (default: all)")
    chosen = parser.parse_args().formats or list(bodies)
    made = classifier()
    spare_collector()  # as the services do
    print(f"Python {platform.python_version()}, {ROWS:,} rows each, best of {REPEATS}")
    print(f"{'format':<15}{'rows/s/core':>14}{'us a row':>10}{'csv alone, rows/s':>20}{'ratio':>8}{'reports':>10}")
    with TemporaryDirectory() as folder:
        for name in chosen:
            body, written = bodies[name](), Path(folder) / f"{name}.jsonl"
            spent, alone, reports = [], [], 0
            for _ in range(REPEATS):
                reports, took = _timed(lambda: _normalise(name, body, made, written))  # noqa: B023  # called at once
                spent.append(took)
                alone.append(_timed(lambda: sum(1 for _ in csv.reader(io.TextIOWrapper(io.BytesIO(body), newline=""))))[1])  # noqa: B023
            best, parsed = min(spent), min(alone)
            print(f"{name:<15}{ROWS / best:>14,.0f}{best / ROWS * 1e6:>10.1f}{ROWS / parsed:>20,.0f}{best / parsed:>8.0f}{reports:>10,}")


def _timed(work: Callable[[], int]) -> tuple[int, float]:
    start = time.process_time()
    made = work()
    return made, time.process_time() - start


def _feed(name: str) -> Feed:
    return compiled(PROFILE)[1] if name == "profile" else FEEDS[name]


def _normalise(name: str, body: bytes, made: Classifier, written: Path) -> int:
    feed = _feed(name)
    source = Source(
        agency_id="cedar",
        source_type=feed.default_source,
        received_at=datetime(2026, 11, 1, tzinfo=UTC),
        submission_id=UUID(int=1),
        format=name,
        time_zone="America/New_York",
        county_fips="99001",
    )
    reports = 0
    histories: dict[UUID, History] = {}
    with written.open("w", encoding="utf-8") as out:
        for raw in feed.records(body, "text/csv", limit=10**9):
            reading = interpret(feed, raw.fields, source, made)
            if not isinstance(reading, Reading):
                continue
            key = reading.report.report_key
            settled = settle(histories.setdefault(key, History(key)), reading, raw.index)
            out.write(settled.wire.decode() + "\n")
            reports += 1
    return reports


@dataclass(frozen=True, slots=True)
class _Told:
    """What the rows of one overdose say, whatever the table: varied, so that no memory of equal cells hides the work."""

    number: int
    at: datetime
    lat: float
    lon: float
    address: str
    zip5: str
    is_fatal: bool
    doses: int
    age: int
    is_male: bool
    drugs: tuple[str, ...]


def _overdoses() -> Iterator[_Told]:
    chance = random.Random(7)
    streets = [
        f"{name} {kind}" for name in ("MAIN", "OAK", "2ND", "MARKET", "HILL", "MILL", "CHURCH", "PINE") for kind in ("ST", "AVE", "RD")
    ]
    drugs = ["Heroin", "Fentanyl", "Cocaine", "Methamphetamine", "Xylazine", "Alprazolam", "Oxycodone", "Methadone", "Alcohol", "Unknown"]
    for number in range(ROWS):
        yield _Told(
            number=number,
            at=datetime(2025, 10, 1) + timedelta(minutes=chance.randrange(365 * 1_440)),  # noqa: DTZ001  # a wall clock's
            lat=round(40 + chance.random() / 2, 5),
            lon=round(-75.5 + chance.random() / 2, 5),
            address=f"{chance.randrange(1, 2_500)} {chance.choice(streets)}",
            zip5=f"19{chance.randrange(400, 440)}",
            is_fatal=chance.random() < 0.08,
            doses=chance.choice((0, 1, 1, 2, 2, 3, 4)),
            age=chance.randrange(16, 80),
            is_male=chance.random() < 0.7,
            drugs=tuple(chance.sample(drugs, chance.choice((1, 1, 2)))),
        )


def _statutory() -> bytes:
    rows = ["record_id,occurred_at,lat,lon,address,zip,outcome,reversal_given,reversal_doses,suspected_drugs,age,sex"]
    rows += [
        f"R{told.number},{told.at:%Y-%m-%dT%H:%M:00}-04:00,{told.lat},{told.lon},{told.address},{told.zip5},"
        f"{'fatal' if told.is_fatal else 'nonfatal'},{'yes' if told.doses else 'no'},{told.doses or ''},{'; '.join(told.drugs)},"
        f"{told.age},{'male' if told.is_male else 'female'}"
        for told in _overdoses()
    ]
    return "\n".join(rows).encode()


def _calls() -> bytes:
    rows = ["lat,lng,desc,zip,title,timeStamp,twp,addr,e"]
    titles = ["EMS: OVERDOSE", *[f"EMS: COMPLAINT {kind}" for kind in range(79)]]
    rows += [
        f"{told.lat},{told.lon},{told.address};  CEDAR; Station 3{told.number % 90:02d}; {told.at:%Y-%m-%d @ %H:%M}:47;,{told.zip5},"
        f"{titles[told.number % 80]},{told.at:%Y-%m-%d %H:%M}:59,CEDAR,{told.address},1"
        for told in _overdoses()
    ]
    return "\n".join(rows).encode()


def _odin() -> bytes:
    drugs = ["HEROIN", "FENTANYL", "COCAINE/CRACK", "UNKNOWN", "ALCOHOL", "METHADONE", "MARIJUANA", "OTHER", "CARFENTANIL", "SUBOXONE"]
    known = {"Heroin": "HEROIN", "Fentanyl": "FENTANYL", "Cocaine": "COCAINE/CRACK", "Alcohol": "ALCOHOL", "Methadone": "METHADONE"}
    head = "Incident ID,Incident Date,Incident Time,Day,Incident County Name,Incident State,Victim ID,Gender Desc,Age Range,Race"
    head += ",Ethnicity Desc,Incident County FIPS Code,Naloxone Administered,Response Time Desc,Survive," + ",".join(drugs)
    rows = [head]
    for told in _overdoses():
        flags = {known.get(drug, "UNKNOWN") for drug in told.drugs}
        band = told.age // 10 * 10
        rows.append(
            f"{told.number},{told.at:%m/%d/%Y},{told.at:%H:%M}:00,{told.at:%A},Cedar,Pennsylvania,{told.number + 7},"
            f"{'Male' if told.is_male else 'Female'},{band} - {band + 9},Unknown,Unknown,045,{'Y' if told.doses else 'N'},"
            f"{'1-3 MINUTES' if told.doses > 1 else '3-5 MINUTES'},{'N' if told.is_fatal else 'Y'},"
            + ",".join("1" if drug in flags else "0" for drug in drugs)
        )
    return "\n".join(rows).encode()


def _odmap() -> bytes:
    rows = ["Overdose Date,Overdose Time,Latitude,Longitude,Zip Code,Fatal / Non-Fatal,Naloxone Administered,Number of Doses,Age,Gender"]
    rows[0] += ",Primary Suspected Drug,Case Number"
    rows += [
        f"{told.at:%m/%d/%Y},{told.at:%H:%M},{told.lat},{told.lon},{told.zip5},{'Fatal' if told.is_fatal else 'Non-Fatal'},"
        f"{'Yes' if told.doses else 'No'},{told.doses or ''},{told.age},{'Male' if told.is_male else 'Female'},{told.drugs[0]},"
        f"26-{told.number:06d}"
        for told in _overdoses()
    ]
    return "\n".join(rows).encode()


def _tablet() -> bytes:
    rows = ["Incident Number,Incident Date,Incident Time,Latitude,Longitude,Scene Address,City,Zip,Patient Status,Gender,Age"]
    rows[0] += ",Narcan Given,Narcan Doses,Drug"
    rows += [
        f"26-{told.number:06d},{told.at:%m/%d/%Y},{told.at:%H:%M}:{told.number % 59:02d},{told.lat},{told.lon},{told.address},CEDAR,"
        f"{told.zip5},{'Dead' if told.is_fatal else 'Alive'},{'M' if told.is_male else 'F'},{told.age},{'Y' if told.doses else 'N'},"
        f"{told.doses or ''},{';'.join(told.drugs)}"
        for told in _overdoses()
    ]
    return "\n".join(rows).encode()


def _header(example: str) -> str:
    """Return the columns of a shipped example, as its owner writes them."""
    return (FEED_EXAMPLES / example).read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")


def _cause(drugs: Sequence[str], chance: random.Random) -> str:
    named = [drug for drug in drugs if drug != "Unknown"] or ["Fentanyl"]
    told = " and ".join(named)
    return chance.choice(
        (
            f"Acute intoxication due to the combined effects of {told}",
            f"Acute {told} intoxication",
            f"{told} toxicity",
            f"Acute Intoxication by the Combined Effects of {', '.join(named)}, and Ethanol",
        )
    )


def _connecticut() -> bytes:
    chance = random.Random(11)
    towns = [
        (f"{start}{end}", county, f"{start}{end}, CT\n({41 + number / 40:.4f}, {-73 + number / 30:.4f})")
        for number, (start, (end, county)) in enumerate(
            product(
                ("ALDER", "BIRCH", "CEDAR", "ELM"), (("TON", "HARTFORD"), ("FORD", "NEW HAVEN"), ("BURY", "WINDHAM"), ("HAM", "FAIRFIELD"))
            )
        )
    ]
    out = io.StringIO(newline="")
    rows = csv.DictWriter(out, next(csv.reader([_header("me_connecticut/deaths.csv")])), lineterminator="\r\n")
    rows.writeheader()
    for told in _overdoses():
        home, scene, death = (chance.choice(towns) for _ in range(3))
        rows.writerow(
            {
                "Date": f"{told.at:%m/%d/%Y}",
                "Date Type": "DateReported" if chance.random() < 0.1 else "DateofDeath",
                "Age": told.age,
                "Sex": "Male" if told.is_male else "Female",
                "Residence City": f"{home[0]}{told.number}",  # the record's id is made of it
                "Residence County": home[1],
                "Injury City": scene[0],
                "Injury County": scene[1],
                "Injury State": chance.choice(("CT", "CONNECTICUT", "")),
                "Injury Place": chance.choice(("Residence", "Home", "Friend's House", "Hotel or Motel", "Street")),
                "Description of Injury": chance.choice(("Substance Use", "Used drugs", "Inhalation, Injection", "Ingestion")),
                "Death City": death[0],
                "Death County": death[1],
                "Death State": "CT",
                "Cause of Death": _cause(told.drugs, chance),
                "Manner of Death": "Accident",
                "Other Significant Conditions ": chance.choice(("", "", "", "Hypertensive cardiovascular disease", "Recent cocaine use")),
                **{drug: "Y" for drug in told.drugs if drug in ("Heroin", "Fentanyl", "Cocaine", "Xylazine", "Oxycodone", "Methadone")},
                "ResidenceCityGeo": home[2],
                "InjuryCityGeo": scene[2],
                "DeathCityGeo": death[2],
            }
        )
    return out.getvalue().encode()


def _cook() -> bytes:
    chance = random.Random(12)
    out = io.StringIO(newline="")
    rows = csv.writer(out)
    out.write(_header("me_cook/archive.csv") + "\n")
    for told in _overdoses():
        died = told.at + timedelta(minutes=chance.randrange(2_000))
        other = chance.choice(("", "", "", "HYPERTENSIVE CARDIOVASCULAR DISEASE", "CHRONIC ALCOHOLISM"))
        scene = (told.address, "CHICAGO", f"606{told.number % 100:02d}")
        who = (told.age, "Male" if told.is_male else "Female", "White", False, "ACCIDENT")
        rows.writerow(
            [
                f"ME2025-{told.number:05d}",
                f"{told.at:%Y/%m/%d %H:%M}:00+00",
                f"{died:%Y/%m/%d %H:%M}:00+00",
                *who,
                _cause(told.drugs, chance).upper(),
                *("", "", "", other),
                *scene,
                *("ELSEWHERE", "60000", "", True, "", ""),
                *(told.lon, told.lat),
            ]
        )
    return out.getvalue().encode()


def _allegheny() -> bytes:
    rows = [_header("me_allegheny/deaths.csv")]
    rows += [
        f"{told.number},{told.at:%Y-%m-%dT%H:%M}:00,Accident,{told.age},{'Male' if told.is_male else 'Female'},W,MO,"
        f"{','.join([*told.drugs, *[''] * (10 - len(told.drugs))])},15{told.number % 300:03d},15000,2025"
        for told in _overdoses()
    ]
    return "\n".join(rows).encode()


if __name__ == "__main__":
    main()
