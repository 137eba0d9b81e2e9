from collections.abc import Callable

from spikewatch.contracts.report import LocatedReport
from spikewatch.contracts.vocabulary import PlacePrecision
from spikewatch.enrichment.domain.reapplication import Reapplication, Standing

Build = Callable[..., LocatedReport]
POINT = {"lat": 40.5, "lon": -79.5, "precision": PlacePrecision.POINT}
ELSEWHERE = {"lat": 40.5, "lon": -78.5, "precision": PlacePrecision.POINT}


def test_a_report_placed_alike_by_newer_geodata_is_not_published(located: Build) -> None:
    counts = Reapplication()
    assert not counts.note(Standing.of(located(location=POINT)), located(location=POINT).changed(geodata_version=7))
    assert (counts.reports, counts.changed) == (1, 0)


def test_what_moves_is_counted_by_precision_area_and_county(located: Build) -> None:
    counts = Reapplication()
    before = Standing.of(located(location={"zip5": "99901"}))
    assert counts.note(before, located(location=POINT).changed(geodata_version=7))
    assert counts.note(Standing.of(located(location=POINT)), located(location=ELSEWHERE).changed(geodata_version=7))
    assert counts.document() == {
        "reports": 2,
        "changed": 2,
        "overtaken": 0,
        "moved_county": 1,
        "precision": [{"before": "zip", "after": "point", "reports": 1}],
        "areas": [
            {"kind": "county", "gained": 1, "lost": 1},
            {"kind": "h3", "gained": 2, "lost": 1},
            {"kind": "neighborhood", "gained": 1, "lost": 1},
            {"kind": "zip", "gained": 0, "lost": 1},
        ],
    }


def test_what_newer_geodata_or_a_newer_revision_placed_already_stays(located: Build) -> None:
    counts = Reapplication()
    newer = Standing.of(located(location=ELSEWHERE).changed(geodata_version=9))
    assert not counts.note(newer, located(location=POINT).changed(geodata_version=7))
    corrected = Standing.of(located(location=ELSEWHERE, revision=2))
    assert not counts.note(corrected, located(location=POINT).changed(geodata_version=7))
    assert (counts.overtaken, counts.changed) == (2, 0)


def test_a_report_whose_placing_is_no_longer_known_is_published(located: Build) -> None:
    counts = Reapplication()
    assert counts.note(None, located(location=POINT))
    assert counts.note(Standing.of(located(location=POINT)), located(location=POINT, revision=2))
    assert counts.changed == 2
