"""The report's pictures: inline SVG without text, because text inside would shrink with the picture. Pure."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from campaigns.reports.markup import Markup, element, joined
from campaigns.reports.timeline import KINDS, Bar, Chart
from campaigns.text.wording import counted, length, moment, share

#: The classes of the style sheet, by kind.
_CLASSES: Final = ("read", "delivered", "moving", "failed")
_WIDE, _HIGH = 1000, 200


def meter(part: int, whole: int) -> Markup:
    """A bar of which `part` of `whole` is filled. The numbers stand beside it as text."""
    width = min(max(1000 * part / whole, 3 if part else 0), 1000) if whole > 0 else 0
    track = element("rect", class_="track", width=1000, height=10)
    fill = element("rect", class_="fill", width=f"{width:.1f}", height=10) if width else None
    return element("svg", track, fill, view_box="0 0 1000 10", preserve_aspect_ratio="none", aria_hidden="true")


def timeline(chart: Chart, zone: ZoneInfo) -> Markup:
    """The chart with its axes, its legend, and a sentence about messages outside its range."""
    about = f"At most {counted(chart.highest, 'message')} per {length(chart.step_s)}"
    svg = element(
        "svg",
        *(element("line", x1=0, x2=_WIDE, y1=y, y2=y) for y in (0, _HIGH / 2)),
        *(_bar(number, bar, chart, zone) for number, bar in enumerate(chart.bars)),
        view_box=f"0 0 {_WIDE} {_HIGH}",
        preserve_aspect_ratio="none",
        role="img",
        aria_label=f"Messages by status over time. {about}. The table below has the numbers.",
    )
    scale = element("span", counted(chart.scale), class_="scale top")
    middle = element("span", counted(chart.scale // 2), class_="scale middle")
    shown = [kind for kind in range(len(KINDS)) if any(bar.counts[kind] for bar in chart.bars)]
    return joined(
        element("div", element("div", svg, scale, middle, class_="chart"), _axis(chart, zone), class_="keep"),
        element("ul", *(_key(kind) for kind in shown), class_="legend"),
        element("p", _left_out(chart, zone), class_="soft"),
    )


def _bar(number: int, bar: Bar, chart: Chart, zone: ZoneInfo) -> Markup | None:
    if not bar.total:
        return None
    wide = _WIDE / len(chart.bars)
    parts, y = [], float(_HIGH)
    for kind, count in enumerate(bar.counts):
        if count:
            high = _HIGH * count / chart.scale
            y -= high
            x, width = f"{number * wide + wide * 0.06:.2f}", f"{wide * 0.88:.2f}"
            parts.append(element("rect", class_=_CLASSES[kind], x=x, y=f"{y:.2f}", width=width, height=f"{high:.2f}"))
    words = ", ".join(f"{counted(n)} {KINDS[kind]}" for kind, n in enumerate(bar.counts) if n)
    return element("g", element("title", f"{moment(bar.start_s * 1000, zone)}: {words}"), *parts)


def _axis(chart: Chart, zone: ZoneInfo) -> Markup:
    first, after = chart.bars[0].start_s, chart.bars[-1].start_s + chart.step_s
    middle = first + (after - first) // 2
    return element("div", *(element("span", moment(at * 1000, zone)) for at in (first, middle, after)), class_="axis")


def _key(kind: int) -> Markup:
    swatch = element("rect", class_=_CLASSES[kind], width=10, height=10)
    return element("li", element("svg", swatch, view_box="0 0 10 10", aria_hidden="true"), KINDS[kind])


def _left_out(chart: Chart, zone: ZoneInfo) -> str:
    total = sum(bar.total for bar in chart.bars) + chart.before + chart.after
    sentences = [f"Each bar stands for {length(chart.step_s)}."]
    for number, what, at in (
        (chart.before, "earlier, from", chart.first_s),
        (chart.after, "later, until", chart.last_s),
    ):
        if number:
            sentences.append(
                f"Not drawn: {counted(number, 'message')} ({share(number, total)}) {what} {moment(at * 1000, zone)}."
            )
    return " ".join(sentences)
