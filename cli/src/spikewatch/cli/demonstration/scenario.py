"""What a demo replays: a county that does not exist with a known spike, or a real 911/CAD file."""

import csv
import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from spikewatch.cli.county.agencies import AGENCIES
from spikewatch.cli.county.directory import directory_records
from spikewatch.cli.county.forms import CAD_COLUMNS, CAD_OVERDOSE
from spikewatch.cli.county.geography import TIME_ZONE, feature_collection
from spikewatch.cli.county.overdoses import Story, overdoses
from spikewatch.cli.county.records import SentRecord, sent_records
from spikewatch.cli.county.truth import truth
from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.replay.bodies import Body, read_bodies

__all__ = ["Scenario", "Sender", "Shipment", "cad_scenario", "county_scenario", "write_geography"]

_BULK_RECORDS: Final = 500
_FEED_RECORDS: Final = 2_000
# How much of the story is replayed at a speed one can watch: the spike and a little before it.
_LIVE: Final = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Sender:
    """An agency that sends, and the format of its feed."""

    agency_id: str
    form: str


@dataclass(frozen=True, slots=True)
class Shipment:
    """One body of one agency; ``body.newest`` decides when it is due."""

    sender: Sender
    body: Body


@dataclass(frozen=True)
class Scenario:
    """Everything a demo needs to know beforehand.

    Attributes:
        title: one line for people.
        senders: the agencies that send.
        directory: records to load.
        bulk: bodies to send as fast as they are taken, in order for each agency.
        live: bodies to send at a speed, in order of time.
        records: how many records all bodies hold.
        zone: where it happens; times are shown in it.
        geography: a GeoJSON document, or None for the packaged one.
        env: settings of the services.
        spike: the truth about the built-in spike; None when there is none.
        overdoses: how many overdoses a perfect system would find; None when nobody knows.
        overdose_records: how many records are about an overdose, broken ones included; None when nobody knows.
    """

    title: str
    senders: tuple[Sender, ...]
    directory: tuple[Mapping[str, Any], ...]
    bulk: tuple[Shipment, ...]
    live: tuple[Shipment, ...]
    records: int
    zone: ZoneInfo
    geography: Mapping[str, Any] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    spike: Mapping[str, Any] | None = None
    overdoses: int | None = None
    overdose_records: int | None = None


def county_scenario(seed: int, now: datetime) -> Scenario:
    """Tell the fictional county's story so that it ends now."""
    story = Story(seed=seed, until=now)
    happened = overdoses(story)
    sent = sent_records(story, happened)
    found = truth(story, happened, sent)
    senders = {agency.agency_id: Sender(agency.agency_id, agency.form) for agency in AGENCIES}
    live_from = now - _LIVE
    before = [record for record in sent if record.sent_at < live_from]
    bulk = [
        Shipment(sender, _body(part))
        for sender in senders.values()
        for part in _parts([record for record in before if record.agency.agency_id == sender.agency_id], _BULK_RECORDS)
    ]
    after = [record for record in sent if record.sent_at >= live_from]
    live = [Shipment(senders[agency], _body(list(part))) for agency, part in groupby(after, key=lambda record: record.agency.agency_id)]
    spike = found["spike"]
    return Scenario(
        title=f"Cedar County, which does not exist: {len(sent):,} records of {len(AGENCIES)} agencies in {story.length.days} days",
        senders=tuple(senders.values()),
        directory=tuple(directory_records()),
        bulk=tuple(bulk),
        live=tuple(live),
        records=len(sent),
        zone=ZoneInfo(TIME_ZONE),
        geography=feature_collection(),
        spike=spike,
        overdoses=found["overdoses"],
        overdose_records=len(sent) - found["records"].get("other_call", 0),
    )


def _parts(records: list[SentRecord], size: int) -> Iterator[list[SentRecord]]:
    for first in range(0, len(records), size):
        yield records[first : first + size]


def _body(records: list[SentRecord]) -> Body:
    """Write records of one agency as one body; due when its last record is sent."""
    is_cad = records[0].agency.form == "cad_911"
    lines = [",".join(CAD_COLUMNS)] if is_cad else []
    lines += [record.line for record in records]
    content = "".join(f"{line}\n" for line in lines).encode()
    return Body(content, "text/csv" if is_cad else "application/x-ndjson", len(records), records[-1].sent_at)


def cad_scenario(path: Path, *, agency: str, county_fips: str, time_zone: ZoneInfo, is_paced: bool) -> Scenario:
    """Replay a 911/CAD file of the layout ``lat,lng,desc,zip,title,timeStamp,twp,addr,e`` as one agency's feed.

    Raises:
        CannotRun: the file cannot be read or has another layout.
    """
    sender = Sender(agency, "cad_911")
    records, about_overdoses = _count(path)
    size = _FEED_RECORDS if not is_paced else _BULK_RECORDS // 10
    shipments = tuple(Shipment(sender, body) for body in read_bodies(str(path), records=size, zone=time_zone))
    record = {
        "kind": "agency",
        "name": f"agencies/{agency}",
        "display_name": f"911 dispatch of county {county_fips}",
        "agency_id": agency,
        "source_type": "cad",
        "time_zone": time_zone.key,
        "county_fips": county_fips,
        "areas": [f"county:{county_fips}"],
    }
    desk = {
        "kind": "contact",
        "name": f"agencies/{agency}/contacts/duty-desk",
        "display_name": "Duty desk (made up for the demo)",
        "parent": f"agencies/{agency}",
        "organization": f"County {county_fips}",
        "role": "spike_coordinator",
        "email": "duty-desk@county.example.org",
        "phone": "+1-555-0100",
        "areas": [f"county:{county_fips}"],
    }
    return Scenario(
        title=f"{path.name}: {records:,} calls, {about_overdoses:,} of them titled {CAD_OVERDOSE}",
        senders=(sender,),
        directory=(record, desk),
        bulk=() if is_paced else shipments,
        live=shipments if is_paced else (),
        records=records,
        zone=time_zone,
        # The calls are years old: alerts must open and close by the feed's own time.
        env={"SPIKEWATCH_ALERTS_CLOCK": "event"},
        overdose_records=about_overdoses,
    )


def _count(path: Path) -> tuple[int, int]:
    """Count the calls, and those whose title says overdose, by reading the file on its own."""
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8-sig", newline="")
            if path.suffix == ".gz"
            else path.open(encoding="utf-8-sig", newline="") as file
        ):
            rows = csv.DictReader(file)
            if not {"desc", "title", "timeStamp"} <= set(rows.fieldnames or ()):
                raise CannotRun(f"{path} has another layout; its header must be {','.join(CAD_COLUMNS)}.")
            titles = [row["title"] for row in rows]
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise CannotRun(f"{path} cannot be read ({type(error).__name__}); give a CSV file, .gz accepted.") from None
    return len(titles), sum(title.strip().upper() == CAD_OVERDOSE for title in titles if title)


def write_geography(scenario: Scenario, folder: Path) -> dict[str, str]:
    """Write the scenario's map into a folder and return the setting that names it; nothing for the packaged one."""
    if scenario.geography is None:
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "county.geojson").write_text(json.dumps(scenario.geography), encoding="utf-8")
    return {"SPIKEWATCH_ENRICHMENT_GEOGRAPHY": str(folder)}
