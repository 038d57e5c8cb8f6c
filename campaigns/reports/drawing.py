"""The report's pictures: inline SVG without text, because text inside would shrink with the picture. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from campaigns.reports.language import Language
from campaigns.reports.markup import Markup, element, joined
from campaigns.reports.timeline import KINDS, Bar, Chart

#: The classes of the style sheet, by kind.
_CLASSES: Final = ("read", "delivered", "moving", "failed")
_WIDE, _HIGH = 1000, 200


def meter(part: int, whole: int) -> Markup:
    """A bar of which `part` of `whole` is filled. The numbers stand beside it as text."""
    width = min(max(1000 * part / whole, 3 if part else 0), 1000) if whole > 0 else 0
    track = element("rect", class_="track", width=1000, height=10)
    fill = element("rect", class_="fill", width=f"{width:.1f}", height=10) if width else None
    return element("svg", track, fill, view_box="0 0 1000 10", preserve_aspect_ratio="none", aria_hidden="true")


def timeline(chart: Chart, zone: ZoneInfo, language: Language) -> Markup:
    """The chart with its axes, its legend, and a sentence about messages outside its range."""
    about = language.mixed(
        "Messages by status over time. At most {messages} per {length}. The table below has the numbers.",
        messages=language.counted(chart.highest, "message"),
        length=language.length(chart.step_s),
    )
    bars = [_bar(number, bar, chart, zone, language) for number, bar in enumerate(chart.bars)]
    first, after = chart.bars[0].start_s, chart.bars[-1].start_s + chart.step_s
    axis = [language.moment(at * 1000, zone) for at in (first, first + (after - first) // 2, after)]
    shown = [kind for kind in range(len(KINDS)) if any(bar.counts[kind] for bar in chart.bars)]
    return joined(
        _framed(bars, chart.scale, about, axis, language),
        element("ul", *(_key(kind, language) for kind in shown), class_="legend"),
        element("p", *_left_out(chart, zone, language), class_="soft"),
    )


def hours(counts: Sequence[int], language: Language) -> Markup:
    """Read messages by the hour of the day: 24 bars."""
    bars = [Bar(0, (number,)) for number in counts]
    chart = Chart(tuple(bars), 3600, 0, 0, 0, 0)
    about = language.mixed(
        "Read messages by the hour of the day. At most {messages} per {length}.",
        messages=language.counted(chart.highest, "message"),
        length=language.length(3600),
    )
    drawn = [_hour(hour, bar, chart, language) for hour, bar in enumerate(bars)]
    axis = [f"{hour:02d}:00" for hour in (0, 6, 12, 18, 24)]
    return _framed(drawn, chart.scale, about, axis, language)


def _framed(
    bars: Sequence[Markup | None], scale: int, about: Markup, axis: Sequence[str], language: Language
) -> Markup:
    """Bars with lines and numbers for their height, and words below them."""
    svg = element(
        "svg",
        *(element("line", x1=0, x2=_WIDE, y1=y, y2=y) for y in (0, _HIGH / 2)),
        *bars,
        view_box=f"0 0 {_WIDE} {_HIGH}",
        preserve_aspect_ratio="none",
        role="img",
        aria_label=about,
    )
    top = element("span", language.counted(scale), class_="scale top")
    middle = element("span", language.counted(scale // 2), class_="scale middle")
    below = element("div", *(element("span", words) for words in axis), class_="axis")
    return element("div", element("div", svg, top, middle, class_="chart"), below, class_="keep")


def _hour(hour: int, bar: Bar, chart: Chart, language: Language) -> Markup | None:
    words = f"{hour:02d}:00–{hour + 1:02d}:00: {language.counted(bar.total)} {language.say(KINDS[0])}"
    return _column(hour, bar, chart, words)


def _bar(number: int, bar: Bar, chart: Chart, zone: ZoneInfo, language: Language) -> Markup | None:
    counts = ", ".join(f"{language.counted(n)} {language.say(KINDS[kind])}" for kind, n in enumerate(bar.counts) if n)
    return _column(number, bar, chart, f"{language.moment(bar.start_s * 1000, zone)}: {counts}")


def _column(number: int, bar: Bar, chart: Chart, words: str) -> Markup | None:
    """A bar with its parts, from the bottom up, and the `words` that a pointer on it shows."""
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
    return element("g", element("title", words), *parts)


def _key(kind: int, language: Language) -> Markup:
    swatch = element("rect", class_=_CLASSES[kind], width=10, height=10)
    box = element("svg", swatch, view_box="0 0 10 10", aria_hidden="true")
    return element("li", box, language.say(KINDS[kind]))


def _left_out(chart: Chart, zone: ZoneInfo, language: Language) -> Iterator[object]:
    total = sum(bar.total for bar in chart.bars) + chart.before + chart.after
    yield language.mixed("Each bar stands for {length}.", length=language.length(chart.step_s))
    for number, words, at_s in (
        (chart.before, "Not drawn: {messages} ({share}) earlier, from {moment}.", chart.first_s),
        (chart.after, "Not drawn: {messages} ({share}) later, until {moment}.", chart.last_s),
    ):
        if number:
            yield " "
            yield language.mixed(
                words,
                messages=language.counted(number, "message"),
                share=language.share(number, total),
                moment=language.moment(at_s * 1000, zone),
            )
