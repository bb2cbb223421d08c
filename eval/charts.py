"""Lines and dots as SVG that stands in a page by itself. Knows numbers, not what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

Points = Sequence[tuple[float, float]]
WIDTH, HEIGHT, EDGE = 460, 300, 46


def draw(title: str, x_name: str, y_name: str, lines: Sequence[tuple[str, str, Points]], x_top: float = 1.0, y_top: float = 1.0) -> str:
    """A chart with both axes from 0.

    Args:
        lines: name, colour and points of each line.
        x_top, y_top: where the axes end.
    """

    def place(x: float, y: float) -> tuple[float, float]:
        return EDGE + min(x / x_top, 1) * (WIDTH - EDGE - 12), HEIGHT - EDGE - min(y / y_top, 1) * (HEIGHT - EDGE - 34)

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">']
    parts.append(f'<text x="{WIDTH / 2}" y="18" class="title">{escape(title)}</text>')
    for step in range(6):
        x, y = place(x_top * step / 5, 0)
        parts.append(f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{x:.1f}" y2="34" class="grid"/>')
        parts.append(f'<text x="{x:.1f}" y="{y + 16:.1f}" class="tick">{x_top * step / 5:.2g}</text>')
        x, y = place(0, y_top * step / 5)
        parts.append(f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{WIDTH - 12}" y2="{y:.1f}" class="grid"/>')
        parts.append(f'<text x="{x - 6:.1f}" y="{y + 4:.1f}" class="tick end">{y_top * step / 5:.2g}</text>')
    parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" class="axis">{escape(x_name)}</text>')
    parts.append(f'<text x="14" y="{HEIGHT / 2}" class="axis" transform="rotate(-90 14 {HEIGHT / 2})">{escape(y_name)}</text>')
    for number, (name, colour, points) in enumerate(lines):
        path = " ".join("{:.1f},{:.1f}".format(*place(x, y)) for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if len(points) <= 20:
            dots = (place(x, y) for x, y in points)
            parts.extend(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="{colour}"/>' for x, y in dots)
        parts.append(f'<text x="{EDGE + 8}" y="{48 + 16 * number}" class="key" fill="{colour}">— {escape(name)}</text>')
    return "".join([*parts, "</svg>"])
