"""The ground truth of a story, kept apart from the feeds: what a perfect system would find in them."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from spikewatch.cli.county.geography import COUNTY_FIPS
from spikewatch.cli.county.overdoses import Overdose, Story
from spikewatch.cli.county.records import Kind, SentRecord

__all__ = ["truth"]


def truth(story: Story, happened: Sequence[Overdose], sent: Sequence[SentRecord]) -> dict[str, Any]:
    """Return the truth as a JSON-ready document.

    ``overdoses`` and ``incidents`` count those of which at least one record was sent by the end of the story.
    """
    seen_by: dict[int, list[str]] = {}
    for record in sent:
        if record.kind is Kind.FIRST and record.overdose is not None:
            seen_by.setdefault(record.overdose, []).append(record.agency.agency_id)
    known = [overdose for overdose in happened if overdose.number in seen_by]
    window = story.spike_window
    spike = [overdose for overdose in known if overdose.in_spike]
    return {
        "seed": story.seed,
        "from": story.start.isoformat(),
        "until": story.until.isoformat(),
        "overdoses": len(known),
        "incidents": len({overdose.incident for overdose in known}),
        "records": dict(sorted(Counter(record.kind.value for record in sent).items())),
        "records_by_agency": dict(sorted(Counter(record.agency.agency_id for record in sent).items())),
        "faults": dict(sorted(Counter(record.fault for record in sent if record.fault is not None).items())),
        "spike": None
        if window is None or not spike
        else {
            "area": spike[0].place.area,
            "areas": sorted({f"county:{COUNTY_FIPS}", spike[0].place.city_area, spike[0].place.zip_area, spike[0].place.area}),
            "from": window[0].isoformat(),
            "until": window[1].isoformat(),
            "overdoses": len(spike),
        },
        "each": [
            {
                "overdose": overdose.number,
                "incident": overdose.incident,
                "occurred_at": overdose.occurred_at.isoformat(),
                "area": overdose.place.area,
                "outcome": "fatal" if overdose.fatal else "nonfatal",
                "in_spike": overdose.in_spike,
                "seen_by": sorted(seen_by[overdose.number]),
            }
            for overdose in known
        ],
    }
