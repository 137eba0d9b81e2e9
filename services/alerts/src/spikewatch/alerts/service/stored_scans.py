"""Rules that scan, held against what is stored: reads what lies in map cells, and takes the looks of each rule, one a day."""

from collections.abc import Awaitable, Callable, Iterator, Sequence

from spikewatch.alerts.domain.backtest.histories import Labelled
from spikewatch.alerts.domain.backtest.question import TooMuch
from spikewatch.alerts.domain.backtest.scanned import looked_since, looks_of, narrowed, overdoses_by_area, scan_verdicts
from spikewatch.alerts.domain.backtest.verdict import Verdict
from spikewatch.alerts.domain.clusters.cells import CELL_KIND
from spikewatch.alerts.domain.clusters.look import Placed, looked_from, watched_in
from spikewatch.alerts.domain.instants import DAY
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.spans import Span
from spikewatch.alerts.ports import ContributionStore
from spikewatch.alerts.service.replay_scans import ScanReplay

__all__ = ["Aside", "scans_on_stored"]

Aside = Callable[..., Awaitable[object]]
"""Takes one step in a thread of its own."""

_AT_ONCE = 30 * DAY  # read in one question, as a look in service reads its days


async def scans_on_stored(
    rules: Sequence[Rule],
    areas: Sequence[str],
    span: Span,
    labelled: Sequence[Labelled],
    *,
    contributions: ContributionStore,
    aside: Aside,
    most: int,
) -> list[Verdict]:
    """Return the verdict of each rule in each of the areas that it watches; ``most`` bounds the overdoses that are read.

    Raises:
        TooMuch: more overdoses are stored there.
        Transient: the store does not answer.
    """
    known = [one for one in labelled if one.end >= span[0] and one.start <= span[1]]
    found: list[Verdict] = []
    for rule in rules:
        mine = [area for area in areas if rule.applies_to(area)]
        if not mine:
            continue
        narrow = narrowed(rule, mine)
        looks = looks_of(rule, (looked_since(rule, span[0]), span[1]))
        placed = await _placed(narrow, (looked_from(rule, looks[0]), span[1]), contributions, most)
        replay = ScanReplay(narrow, placed)
        for at in looks:
            await aside(replay.look, at)
        counted = overdoses_by_area(rule, placed, span)
        found += scan_verdicts(rule, {area: counted.get(area, 0) for area in mine}, replay.alarms, span, known)
    return found


async def _placed(rule: Rule, span: Span, contributions: ContributionStore, most: int) -> list[Placed]:
    """Return what lies in cells of areas that a rule watches, up to the end of a span."""
    found: dict[str, Placed] = {}
    count = 0
    for part in _parts(span):
        for each in await contributions.placed(CELL_KIND, part):
            if each.key in found or not watched_in(rule, each.place_key):
                continue
            found[each.key] = each
            count += len(each.times)
            if count > most:
                raise TooMuch(
                    "TOO_MANY_OVERDOSES", f"more than {most:,} overdoses lie in map cells there; ask for fewer areas or a shorter time"
                )
    return list(found.values())


def _parts(span: Span) -> Iterator[Span]:
    for low in range(span[0], span[1] + 1, _AT_ONCE):
        yield low, min(low + _AT_ONCE - 1, span[1])
