"""The small picture in an alert: the counts before, the window that met the rule, what was expected and asked for."""

from collections.abc import Sequence
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
    counts = [*before, observed]
    step = (_RIGHT - _LEFT) / len(counts)
    bars = []
    for place, count in enumerate(counts):
        height = (_FLOOR - _TOP) * count / top
        colour = _OBSERVED if place == len(counts) - 1 else _BEFORE
        x, y, width = _LEFT + place * step, _FLOOR - height, max(step - 1, 0.5)
        bars.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>')
    lines = [_line(value, top, dash) for value, dash in ((expected, "1 2"), (threshold, "4 2")) if value is not None]
    own = _FLOOR - (_FLOOR - _TOP) * observed / top
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" font-family="sans-serif" font-size="9">'
        f"<title>{escape(title)}</title>{''.join(bars)}{''.join(lines)}"
        f'<text x="{_RIGHT + 2}" y="{own + 7:.1f}" fill="{_OBSERVED}" font-weight="bold">{observed}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 4}" fill="#555">{len(before)} windows before</text></svg>'
    )


def _line(value: float, top: float, dash: str) -> str:
    y = _FLOOR - (_FLOOR - _TOP) * value / top
    return (
        f'<line x1="{_LEFT}" x2="{_RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#000" stroke-dasharray="{dash}"/>'
        f'<text x="{_RIGHT + 16}" y="{y + 3:.1f}">{value:.1f}</text>'
    )
