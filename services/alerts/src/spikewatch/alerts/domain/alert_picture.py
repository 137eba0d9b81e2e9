"""The small picture in an alert: the counts before, the window that met the rule, what was expected and asked for."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final
from xml.sax.saxutils import escape

__all__ = ["picture"]

_WIDTH: Final = 320
_HEIGHT: Final = 96
_TOP: Final = 8
_FLOOR: Final = 80
_LEFT: Final = 4
_RIGHT: Final = 276  # the rest is for the numbers at the lines
_OBSERVED: Final = "#b2182b"
_BEFORE: Final = "#8c8c8c"


def picture(title: str, before: Sequence[int], observed: int, *, expected: float | None, threshold: float | None) -> str | None:
    """Return an SVG of some two kilobytes, or None where no count before is known.

    Bars are the windows before, the oldest first, and the alert's own in red; the dotted line is what was expected, the
    dashed one the rule's threshold. It says nothing that the alert does not say.
    """
    if not before:
        return None
    top = max(observed, *before, expected or 0, threshold or 0, 1)
    places, width = _across(len(before) + 1)
    upright = {count: _upright(count, top) for count in {*before, observed}}
    bars = []
    for x, count, colour in zip(places, (*before, observed), (*[_BEFORE] * len(before), _OBSERVED), strict=True):
        y, height = upright[count]
        bars.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{colour}"/>')
    lines = [_line(value, top, dash) for value, dash in ((expected, "1 2"), (threshold, "4 2")) if value is not None]
    own = _FLOOR - (_FLOOR - _TOP) * observed / top
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" font-family="sans-serif" font-size="9">'
        f"<title>{escape(title)}</title>{''.join(bars)}{''.join(lines)}"
        f'<text x="{_RIGHT + 2}" y="{own + 7:.1f}" fill="{_OBSERVED}" font-weight="bold">{observed}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 4}" fill="#555">{len(before)} windows before</text></svg>'
    )


@lru_cache(maxsize=64)  # numbers of bars: numbers as text are most of what a picture costs
def _across(bars: int) -> tuple[tuple[str, ...], str]:
    step = (_RIGHT - _LEFT) / bars
    return tuple(f"{_LEFT + place * step:.1f}" for place in range(bars)), f"{max(step - 1, 0.5):.1f}"


def _upright(count: int, top: float) -> tuple[str, str]:
    height = (_FLOOR - _TOP) * count / top
    return f"{_FLOOR - height:.1f}", f"{height:.1f}"


def _line(value: float, top: float, dash: str) -> str:
    y = _FLOOR - (_FLOOR - _TOP) * value / top
    return (
        f'<line x1="{_LEFT}" x2="{_RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#000" stroke-dasharray="{dash}"/>'
        f'<text x="{_RIGHT + 16}" y="{y + 3:.1f}">{value:.1f}</text>'
    )
