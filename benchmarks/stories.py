"""What it takes to compare alerts that tell of the same incidents, without a database: the part of the story job that grows.

    python benchmarks/stories.py

Alerts are nested areas' (city, county, state, many cells); each names some incidents, and a spike's alerts share them. Told is the time of
one comparison of 50 saved alerts with all that share incidents with them.
"""

import argparse
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np

from spikewatch.alerts.domain.episodes import Episode
from spikewatch.alerts.domain.evidence import Evidence
from spikewatch.alerts.domain.identity import Kept
from spikewatch.alerts.domain.instants import HOUR, micros
from spikewatch.alerts.domain.lifecycle import Draft, opened
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.service.tell_stories import _told
from spikewatch.contracts.alert import Contributor

NOW = datetime(2026, 3, 1, tzinfo=UTC)
RULE = Rule.model_validate(
    {
        "id": "r",
        "version": 1,
        "description": "Many.",
        "kind": "fixed_count",
        "window_hours": 24,
        "area_kinds": ["custom"],
        "parameters": {"threshold": 3, "comparison": "at_least"},
    }
)


def alerts(number: int, incidents: int, together: int) -> list[Kept]:
    """Return alerts, of which so many at a time share all but a few of their incidents."""
    found = []
    for place in range(number):
        group = place // together
        at = micros(NOW + timedelta(minutes=group))
        contributors = tuple(
            Contributor(incident_id=UUID(int=group * 10_000 + one), occurred_at=NOW, overdoses=1)
            for one in range(place % together % 3, incidents + place % together % 3)
        )
        evidence = Evidence(1.5, 3.0, 0.01, (), (), 0, "Many.", None)
        kept = opened(Draft(f"custom:{place}", RULE, Episode(at, at + HOUR, at + HOUR, incidents), evidence, at), UUID(int=place), NOW)
        found.append(
            Kept(
                alert=kept.alert.model_copy(update={"contributors": contributors}),
                episode=kept.episode,
                quiet=kept.quiet,
                as_of=kept.as_of,
                pending=kept.pending,
            )
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    print(f"{'alerts touched, with others':<34}{'incidents each':>16}{'share them':>12}{'ms':>10}")
    for touched, others, incidents, together in ((50, 200, 20, 4), (200, 200, 20, 20), (500, 2_000, 20, 50)):
        every = alerts(others, incidents, together)
        taken = []
        for _ in range(3):
            began = time.process_time()
            _told(every[:touched], every, NOW)
            taken.append(time.process_time() - began)
        print(f"{f'{touched:,} of {others:,}':<34}{incidents:>16}{together:>12}{1000 * float(np.median(taken)):>10.1f}", flush=True)


if __name__ == "__main__":
    main()
