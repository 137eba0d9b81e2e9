"""What is written of an area before its contributions are: which spans they touch, so that a crash in between forgets nothing."""

from dataclasses import replace

from spikewatch.alerts.domain.spans import joined, spans_of
from spikewatch.alerts.ports import AreaState
from spikewatch.alerts.service.intake import AreaChange

__all__ = ["journalled", "with_first"]


def journalled(change: AreaChange, state: AreaState, *, presumes: bool) -> AreaState:
    """Return an area's state with the spans that a change touches.

    Where it ``presumes`` that contributions are new, one that is not must not leave its time behind as the area's first.
    """
    first, earliest = state.first, min((time for time, _ in change.added), default=None)
    if first is not None and any(time == first for time, _ in change.removed):
        after = None  # asked for again when the contributions are written
    else:
        after = min((time for time in (first, earliest) if time is not None), default=None)
    spans = tuple(joined((*state.spans, *spans_of(change.times, first, after))))
    return replace(state, first=None if presumes and after != first else after, spans=spans)


def with_first(state: AreaState, first: int | None) -> AreaState:
    """Return an area's state with its first overdose; spans that begin before it reach up to it."""
    spans = state.spans
    if spans and first is not None and spans[0][0] < first:
        spans = tuple(joined((*spans, (spans[0][0], first))))
    return replace(state, first=first, spans=spans)
