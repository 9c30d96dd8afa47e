"""The days of a dimension, drawn on the server. Whatever it shows stands in the table beside it, too."""

from __future__ import annotations

from datetime import date

from lxml import etree
from pygal import Bar
from pygal.style import Style

from fulfillment.usage.views import DayUsage

WIDTH, HEIGHT = 720, 220
COLOR, FAINT, LINES = "#2a8f86", "#8a8f98", "#8a8f9855"
_STYLE = Style(
    background="transparent",
    plot_background="transparent",
    foreground=FAINT,
    foreground_strong=FAINT,
    foreground_subtle=FAINT,
    guide_stroke_color=LINES,
    major_guide_stroke_color=LINES,
    colors=(COLOR,),
    font_family="system-ui, sans-serif",
    label_font_size=12,
    major_label_font_size=12,
)
LABELS = 8
"""At most so many days are named below."""


def draw(days: tuple[DayUsage, ...]) -> bytes:
    """Bars by day as SVG, without any script."""
    chart = Bar(
        width=WIDTH,
        height=HEIGHT,
        style=_STYLE,
        show_legend=False,
        js=(),
        margin=8,
        spacing=4,
        show_minor_x_labels=False,
        x_labels_major_every=max(1, len(days) // LABELS),
        truncate_label=-1,
        no_data_text="–",
        disable_xml_declaration=True,
    )
    chart.x_labels = [_label(one.day) for one in days]
    chart.add("", [float(one.quantity) for one in days])  # a drawing: exact figures are the table's
    root = etree.fromstring(chart.render())
    etree.strip_elements(root, "{*}script")
    return etree.tostring(root)


def _label(day: date) -> str:
    return f"{day.month}-{day.day}"
