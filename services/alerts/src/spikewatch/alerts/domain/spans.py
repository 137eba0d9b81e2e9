"""Spans of event time in which something changed, and how they grow together."""

from collections.abc import Iterable
from typing import Final

from spikewatch.alerts.domain.instants import HOUR

__all__ = ["Span", "joined", "spans_of"]

Span = tuple[int, int]
"""``(from, to)``: overdoses changed between the two, both included."""

# Looking at a whole hour costs no more than looking at two moments of it.
_NEAR: Final = HOUR
# More spans than this become one: correct all the same, and the document stays small.
_MOST: Final = 64


def joined(spans: Iterable[Span], near: int = _NEAR) -> list[Span]:
    """Return the spans sorted, those that overlap or lie near each other made one."""
    merged: list[Span] = []
    for low, high in sorted(spans):
        if merged and low - near <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return merged if len(merged) <= _MOST else [(merged[0][0], merged[-1][1])]


def spans_of(times: Iterable[int], first_before: int | None, first_after: int | None) -> list[Span]:
    """Return the spans that changed overdoses touch.

    Where the area's first overdose moves, every baseline that reaches back to the old or the new one changes too: the
    span that holds the earlier one is drawn out to the later one.
    """
    spans = [(time, time) for time in times]
    if first_before is not None and first_after is not None and first_before != first_after:
        spans.append((min(first_before, first_after), max(first_before, first_after)))
    return joined(spans)
