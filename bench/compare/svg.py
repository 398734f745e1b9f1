"""Line charts as SVG, without a library: panels side by side, one line a
series, its spread as a thin bar."""
import collections
import html
import math

WIDTH, HEIGHT = 520, 380            # of a panel, with its margins
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 60, 52
TICKS = 6

# series: {name: [(x, y, least y, greatest y)]}; diagonal: also draw y = x.
Panel = collections.namedtuple(
    "Panel", "x_title y_title is_log series diagonal", defaults=(False,))


def nice_step(most):
    """1, 2 or 5 times a power of ten, for about TICKS ticks up to most."""
    raw = most / TICKS
    power = 10 ** math.floor(math.log10(raw))
    return next(power * k for k in (1, 2, 5, 10) if power * k >= raw)


class Axis:
    """From values to places on the paper."""

    def __init__(self, values, begin, end, is_log):
        self.begin, self.end, self.is_log = begin, end, is_log
        most = max(values + [1e-9])
        if is_log:
            least = min([value for value in values if value > 0] + [most])
            self.low = math.floor(math.log10(least))
            self.high = max(math.ceil(math.log10(most)), self.low + 1)
            self.ticks = [10.0 ** k for k in range(self.low, self.high + 1)]
        else:
            step = nice_step(most)
            self.low, self.high = 0, math.ceil(most / step) * step
            self.ticks = [step * k
                          for k in range(round(self.high / step) + 1)]

    def place(self, value):
        if self.is_log:
            value = math.log10(value) if value > 0 else self.low
        share = (value - self.low) / (self.high - self.low)
        return self.begin + share * (self.end - self.begin)


def text(x, y, words, size=12, anchor="middle", turn="", fill="#333"):
    turned = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" '
            f'text-anchor="{anchor}"{turned}>{html.escape(words)}</text>')


def line(x1, y1, x2, y2, colour, width=1.0, dash=""):
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{colour}" stroke-width="{width:g}"{dashed}/>')


def draw_series(points, across, up, colour):
    places = [(across.place(x), up.place(y)) for x, y, _, _ in points]
    made = ['<polyline fill="none" stroke-width="2" '
            f'stroke="{colour}" points="' +
            " ".join(f"{x:.1f},{y:.1f}" for x, y in places) + '"/>']
    for (x, y), (_, _, least, greatest) in zip(places, points):
        made.append(line(x, up.place(least), x, up.place(greatest), colour))
        made.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" '
                    f'fill="{colour}"/>')
    return made


def draw_panel(panel, offset, colours):
    every = [point for points in panel.series.values() for point in points]
    across = Axis([point[0] for point in every], offset + LEFT,
                  offset + WIDTH - RIGHT, False)
    up = Axis([point[3] for point in every] + [point[2] for point in every],
              HEIGHT - BOTTOM, TOP, panel.is_log)
    made = []
    for tick in across.ticks:
        x = across.place(tick)
        made.append(line(x, TOP, x, HEIGHT - BOTTOM, "#e4e4e4"))
        made.append(text(x, HEIGHT - BOTTOM + 18, f"{tick:g}"))
    for tick in up.ticks:
        y = up.place(tick)
        made.append(line(across.begin, y, across.end, y, "#e4e4e4"))
        made.append(text(offset + LEFT - 8, y + 4, f"{tick:g}", anchor="end"))
    if panel.diagonal:
        most = min(across.high, up.high)
        made.append(line(across.place(0), up.place(0), across.place(most),
                         up.place(most), "#bbb", 1, "4 4"))
    for name, points in panel.series.items():
        made += draw_series(points, across, up, colours.get(name, "#000"))
    made.append(text((across.begin + across.end) / 2, HEIGHT - 14,
                     panel.x_title))
    made.append(text(offset + 16, (TOP + HEIGHT - BOTTOM) / 2, panel.y_title,
                     turn="-90"))
    return made


def write(path, title, note, panels, colours):
    """One file; the legend names the series of the first panel."""
    width = WIDTH * len(panels)
    made = ['<svg xmlns="http://www.w3.org/2000/svg" '
            f'viewBox="0 0 {width} {HEIGHT + 24}" width="{width}" '
            f'height="{HEIGHT + 24}" font-family="sans-serif">',
            f'<rect width="{width}" height="{HEIGHT + 24}" fill="#fff"/>',
            text(LEFT, 22, title, 16, "start", fill="#000")]
    for at, name in enumerate(panels[0].series):
        x = LEFT + at * 110
        made.append(line(x, 40, x + 22, 40, colours.get(name, "#000"), 3))
        made.append(text(x + 28, 44, name, anchor="start"))
    for at, panel in enumerate(panels):
        made += draw_panel(panel, at * WIDTH, colours)
    made.append(text(LEFT, HEIGHT + 12, note, 11, "start", fill="#666"))
    made.append("</svg>")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(made) + "\n")
