"""Draw one chart as SVG. A separate program, because matplotlib takes memory that a web process
does not need, and a second of CPU that would delay other requests.

Reads JSON from stdin: `title`, `shape` (LINE, BAR or PIE), `points` (labels and numbers) and
`empty`, the text of a chart without points. Writes the SVG to stdout. Texts are drawn as outlines,
so that they look the same where no Chinese font is installed.
"""

import json
import re
import sys
from io import StringIO
from typing import Any

from matplotlib import font_manager, rcParams
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from pylopdf_fonts_zh_cn import sans_path

SIZE = 8, 4
TALL = 8, 5.5
"""In inches of 72 points."""
FEW_BARS = 10
LABEL_MAX = 14
TICKS_MAX = 8
BLUE, GREY, BLACK = "#4C78A8", "#D9D9D9", "#333333"
COLOURS = [BLUE, "#F58518", "#54A24B", "#E45756", "#72B7B2", "#EECA3B", "#B279A2", "#9D755D"]
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


def shown(label: str) -> str:
    """The label, cut to its available width."""
    text = UNPRINTABLE.sub(" ", label)
    return text if len(text) <= LABEL_MAX else f"{text[: LABEL_MAX - 1]}…"


def number(value: float, _: Any = None) -> str:
    """The number with separators, and with decimals only if it is not whole."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def draw(chart: dict[str, Any]) -> str:
    """The SVG."""
    labels = [shown(label) for label, _ in chart["points"]]
    values = [float(value) for _, value in chart["points"]]
    is_tall = chart["shape"] != "LINE" and len(values) > FEW_BARS
    figure = Figure(figsize=TALL if is_tall else SIZE, layout="constrained")
    axes: Any = figure.add_subplot()
    axes.set_title(UNPRINTABLE.sub(" ", chart["title"]), color=BLACK, fontsize=14, pad=12)
    if not values:
        axes.text(0.5, 0.5, chart["empty"], ha="center", va="center", color=BLACK, fontsize=12)
        axes.axis("off")
    elif chart["shape"] == "PIE" and min(values) >= 0 < sum(values):
        draw_pie(axes, labels, values)
    else:
        axes.spines[["top", "right", "left", "bottom"]].set_visible(False)
        axes.tick_params(length=0, labelcolor=BLACK)
        axes.set_axisbelow(True)
        (draw_line if chart["shape"] == "LINE" else draw_bars)(axes, labels, values)
    target = StringIO()
    figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
    return target.getvalue()


def draw_line(axes: Any, labels: list[str], values: list[float]) -> None:
    axes.plot(range(len(values)), values, color=BLUE, linewidth=2, marker="o", markersize=4)
    step = -(-len(labels) // TICKS_MAX)
    axes.set_xticks(range(0, len(labels), step), labels[::step])
    axes.set_ylim(min(0, *values), max(0, *values) * 1.08 or 1)
    axes.yaxis.set_major_formatter(FuncFormatter(number))
    axes.grid(axis="y", color=GREY)


def draw_bars(axes: Any, labels: list[str], values: list[float]) -> None:
    """The first bar on top, its number at its end."""
    bars = axes.barh(range(len(values)), values, color=BLUE, height=0.65)
    axes.bar_label(bars, [number(value) for value in values], padding=4, color=BLACK, fontsize=9)
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(FuncFormatter(number))
    axes.grid(axis="x", color=GREY)


def draw_pie(axes: Any, labels: list[str], values: list[float]) -> None:
    """Slices with a legend that has the numbers: labels of thin slices would overlap."""
    total = sum(values)
    wedges, *_ = axes.pie(
        values,
        colors=COLOURS,
        startangle=90,
        counterclock=False,
        wedgeprops={"edgecolor": "white"},
    )
    texts = [
        f"{label}  {number(value)}  {value / total:.1%}"
        for label, value in zip(labels, values, strict=True)
    ]
    axes.legend(wedges, texts, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)


def main() -> None:
    """Draw the chart on stdin."""
    font = sans_path()
    font_manager.fontManager.addfont(font)
    rcParams["font.family"] = font_manager.FontProperties(fname=font).get_name()
    rcParams["svg.fonttype"] = "path"
    rcParams["svg.hashsalt"] = "kucun"
    # Names may have a dollar sign.
    rcParams["text.parse_math"] = False
    rcParams["axes.unicode_minus"] = False
    sys.stdout.write(draw(json.load(sys.stdin)))


if __name__ == "__main__":
    main()
