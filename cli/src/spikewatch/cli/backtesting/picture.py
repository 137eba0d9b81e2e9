"""Draws a back-test: the counts of each area day by day, labelled spikes behind them, and the alarms of each rule below."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from spikewatch.alerts.domain.backtest.histories import Histories, Labelled
from spikewatch.alerts.domain.backtest.verdict import Verdict
from spikewatch.alerts.domain.instants import DAY

__all__ = ["SUFFIXES", "drawn"]

_MOST_AREAS: Final = 8  # more cannot be told apart in one picture; the busiest are drawn
SUFFIXES: Final = (".png", ".svg", ".pdf")
"""With which of these a picture's name ends."""

# Told apart also by people who see colours otherwise (Okabe and Ito).
_COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def drawn(path: Path, histories: Histories, sets: Sequence[tuple[str, Sequence[Verdict]]], labelled: Sequence[Labelled]) -> int:
    """Draw into a file and return how many areas are in the picture.

    Raises:
        OSError: it cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  # half a second that no other verb should wait for
    from matplotlib.figure import Figure  # noqa: PLC0415

    areas = sorted(histories.areas, key=lambda area: -len(histories.areas[area]))[:_MOST_AREAS]
    figure = Figure(figsize=(12, 1 + 2.4 * len(areas)), layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.subplots(len(areas), 1, sharex=True, squeeze=False)[:, 0]
    for axis, area in zip(rows, areas, strict=True):
        times = histories.areas[area].times
        days = np.arange(histories.start // DAY, histories.end // DAY + 1)
        counts = np.bincount(np.clip(times // DAY - days[0], 0, len(days) - 1), minlength=len(days))
        axis.fill_between(days.astype("datetime64[D]"), counts, step="mid", color="#999999", linewidth=0)
        for one in labelled:
            if one.area == area:
                axis.axvspan(_day(one.start), _day(one.end), color="#F0E442", alpha=0.6, linewidth=0)
        verdicts = [(name, verdict) for name, found in sets for verdict in found if verdict.area == area]
        top = max(int(counts.max()), 1)
        for place, (name, verdict) in enumerate(verdicts):
            at = [_day(alarm.episode.opened_at) for alarm in verdict.alarms]
            height = -top * 0.09 * (place + 1)
            rate = "never judged" if verdict.alarms_per_year is None else f"{verdict.alarms_per_year:.1f} a year"
            label = f"{name}: {verdict.rule.id}, {rate}"
            axis.plot(at, [height] * len(at), "|", color=_COLOURS[place % len(_COLOURS)], markersize=7, markeredgewidth=1.6, label=label)
        axis.axhline(0, color="black", linewidth=0.6)
        axis.set_yticks([tick for tick in axis.get_yticks() if 0 <= tick <= top])
        axis.set_ylabel("a day")
        axis.set_title(area, loc="left", fontsize=10)
        if verdicts:
            axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8, frameon=False)
    figure.savefig(path, dpi=110)
    return len(areas)


def _day(at: int) -> np.datetime64:
    return np.datetime64(at, "us")
