"""Charts as SVG of the page itself: drawn by pygal, coloured by our own stylesheet, since the policy allows no other style.

A chart never stands alone: the table beside it says the same in figures.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Any

import pygal
from markupsafe import Markup
from pygal.style import Style

from api.pages.frame.formats import Formats
from kernel.money import exponent

WIDTH, HEIGHT = 520, 260
_FONT = 12
_STYLE = Style(label_font_size=_FONT, major_label_font_size=_FONT, legend_font_size=_FONT, value_font_size=_FONT)
_OF_PYGAL = re.compile(
    r"<!--.*?-->|<defs>.*?</defs>|<title>.*?</title>|<desc[^>]*>.*?</desc>|\sstyle=\"[^\"]*\"", re.DOTALL
)
"""Its own styles, comments and tips for a script that we do not load."""
_MANY = 6
_NAMED = 10
"""Of many bars about so many are named below."""


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars of several parts, one bar a label. ``parts``: each with its name and its figures.

    They are minor units of ``currency``, or plain quantities where that is empty. A drawing: exact figures are the table's.
    """

    labels: tuple[str, ...]
    parts: tuple[tuple[str, tuple[int | float, ...]], ...]
    currency: str = ""

    def svg(self, formats: Formats) -> Markup:
        """Drawn to be put into the page. What is below nothing hangs below the line."""
        many = len(self.labels) > _MANY
        chart = pygal.StackedBar(
            width=WIDTH,
            height=HEIGHT,
            js=[],
            style=_STYLE,
            disable_xml_declaration=True,
            show_legend=False,
            truncate_label=-1,
            show_x_guides=False,
            x_labels_major_every=max(3, len(self.labels) // _NAMED) if many else 1,
            show_minor_x_labels=not many,
            value_formatter=partial(_compact, formats, self.currency),
            y_labels_major_count=3,
            show_minor_y_labels=False,
            margin=8,
        )
        chart.x_labels = list(self.labels)
        for name, figures in self.parts:
            chart.add(name, list(figures))
        return Markup(_OF_PYGAL.sub("", chart.render(is_unicode=True)))  # noqa: S704 - pygal escapes what it writes


def _compact(formats: Formats, currency: str, minor: Any) -> str:
    whole = int(minor) // 10 ** exponent(currency) if currency else int(minor)
    return formats.compact(whole) if whole >= 0 else f"−{formats.compact(-whole)}"
