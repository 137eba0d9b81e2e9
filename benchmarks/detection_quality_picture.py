"""The picture of detection_quality.py: POD at matched false-alarm rates, and how far rates are from nominal at every mean."""

import math
from collections.abc import Sequence
from typing import Any

WIDTH, ROW, LEFT, PLOT, TOP = 860, 22, 270, 220, 56
SHADES = ("#1b5e8c", "#5f9ec7", "#b9d6e8")


def picture(title: str, rows: Sequence[dict[str, Any]], rates: Sequence[float], labels: Sequence[str]) -> str:
    height = TOP + ROW * len(rows) + 210
    shown = ", ".join(f"{rate:.2%}" for rate in rates)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12" role="img">',
        f"<title>{title}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="16" y="22" font-size="15" font-weight="bold">{title}</text>',
        f'<text x="16" y="42">Share of spikes found at equal false-alarm rates: {shown} of steps</text>',
    ]
    for number, row in enumerate(rows):
        y = TOP + ROW * number
        weight = "bold" if number == 0 else "normal"
        parts.append(f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end" font-weight="{weight}">{row["name"]}</text>')
        for which, pod in enumerate(row["pod_matched"]):
            x = LEFT + which * (PLOT - 40)
            parts.append(f'<rect x="{x}" y="{y + 3}" width="{pod * 140:.1f}" height="15" fill="{SHADES[which]}"/>')
            parts.append(f'<text x="{x + pod * 140 + 4:.1f}" y="{y + 14}" font-size="11">{pod:.2f}</text>')
    parts.extend(calibration(rows[0], rates, labels, TOP + ROW * len(rows) + 30))
    return "\n".join([*parts, "</svg>"]) + "\n"


def calibration(row: dict[str, Any], rates: Sequence[float], labels: Sequence[str], top: int) -> list[str]:
    if row["nominal"] is None:
        return []
    middle, unit = top + 80, 50  # pixels a doubling
    parts = [
        f'<text x="16" y="{top}">False-alarm rate of {row["name"]} over nominal, by area; the band is a factor of two either way</text>'
    ]
    parts.append(f'<rect x="{LEFT}" y="{middle - unit}" width="{WIDTH - LEFT - 40}" height="{2 * unit}" fill="#eef3e8"/>')
    for label, offset in (("2", -unit), ("1", 0), ("1/2", unit)):
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - 40}" y1="{middle + offset}" y2="{middle + offset}" stroke="#999"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{middle + offset + 4}" text-anchor="end">{label}</text>')
    step = (WIDTH - LEFT - 40) / len(labels)
    for number, (label, group) in enumerate(zip(labels, row["nominal"], strict=True)):
        x = LEFT + step * (number + 0.5)
        parts.append(f'<text x="{x:.0f}" y="{middle + unit + 18}" text-anchor="middle" font-size="11">{label}</text>')
        for which in range(len(rates)):
            y = middle - unit * max(-1.4, min(1.4, math.log2(max(group[which], 1e-3))))
            parts.append(f'<circle cx="{x + 10 * (which - 1):.0f}" cy="{y:.1f}" r="4" fill="{SHADES[which]}" stroke="#333"/>')
    return parts
