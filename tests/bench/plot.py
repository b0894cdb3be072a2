"""plot.py - lines over two logarithmic axes, as SVG, readable on light and on dark ground.

    plot.draw([(title, x label, y label, [(series, [(x, y), ...]), ...]), ...])

Panels stand side by side. A series keeps its colour, dash and mark in all of them, by its name, so
that it is told apart without colours too.
"""

import html
import math

WIDTH, HEIGHT = 460, 340  # of a panel
LEFT, RIGHT, TOP, BOTTOM = 64, 18, 40, 52
STYLE = '''
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-size: 14px; font-weight: 600 }
.grid { stroke: #d0d7de; stroke-width: 1 }
.axis { stroke: #57606a; stroke-width: 1; fill: none }
.line { fill: none; stroke-width: 2 }
.s0 { stroke: #57606a; fill: #57606a } .s1 { stroke: #0969da; fill: #0969da }
.s2 { stroke: #bc4c00; fill: #bc4c00 } .s3 { stroke: #1a7f37; fill: #1a7f37 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .grid { stroke: #30363d } .axis { stroke: #8b949e }
  .s0 { stroke: #8b949e; fill: #8b949e } .s1 { stroke: #58a6ff; fill: #58a6ff }
  .s2 { stroke: #f0883e; fill: #f0883e } .s3 { stroke: #56d364; fill: #56d364 }
}
.line { fill: none } text { stroke: none }
'''
DASHES = ['6 4', 'none', '2 3', '8 3 2 3']


class Axis:
    """Whole decades from `first` to `last`, over so many pixels from `start` on."""

    def __init__(self, values, start, length):
        self.first = math.floor(math.log10(min(values)) + 1e-9)
        self.last = max(math.ceil(math.log10(max(values)) - 1e-9), self.first + 1)
        self.start, self.length = start, length

    def at(self, value):
        share = (math.log10(value) - self.first) / (self.last - self.first)
        return self.start + share * self.length

    def ticks(self):
        return [10.0 ** power for power in range(self.first, self.last + 1)]


def _mark(kind, x, y, number):
    shapes = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5"',
              f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7"',
              f'<path d="M{x:.1f} {y - 4.5:.1f}l4.5 8h-9z"',
              f'<path d="M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5z"']
    return f'{shapes[kind % len(shapes)]} class="s{number}"/>'


def _text(x, y, text, anchor='middle', more=''):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{html.escape(text)}</text>'


def _axes(across, up, x_label, y_label):
    bottom, right = TOP + up_length(), LEFT + across.length
    for tick in across.ticks():
        x = across.at(tick)
        yield f'<path class="grid" d="M{x:.1f} {TOP}V{bottom}"/>'
        yield _text(x, bottom + 18, f'{tick:,.0f}' if tick < 1e5 else f'10^{math.log10(tick):.0f}')
    for tick in up.ticks():
        y = up.at(tick)
        yield f'<path class="grid" d="M{LEFT} {y:.1f}H{right}"/>'
        yield _text(LEFT - 6, y + 4, nanoseconds(tick), 'end')
    yield f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}"/>'
    yield _text(LEFT + across.length / 2, bottom + 38, x_label)
    middle = TOP + up_length() / 2
    yield _text(14, middle, y_label, more=f' transform="rotate(-90 14 {middle:.1f})"')


def up_length():
    return HEIGHT - TOP - BOTTOM


def nanoseconds(value):
    for unit, size in (('s', 1e9), ('ms', 1e6), ('us', 1e3)):
        if value >= size:
            return f'{value / size:g} {unit}'
    return f'{value:g} ns'


def _panel(title, x_label, y_label, series, order):
    yield _text(LEFT, 20, title, 'start', ' class="title"')
    points = [point for _, line in series for point in line]
    if not points:
        yield _text(LEFT, TOP + 20, 'not measured in this run', 'start')
        return
    across = Axis([x for x, _ in points], LEFT, WIDTH - LEFT - RIGHT)
    up = Axis([y for _, y in points], HEIGHT - BOTTOM, -up_length())
    yield from _axes(across, up, x_label, y_label)
    for name, line in series:
        number = order.index(name) % len(DASHES)
        places = [(across.at(x), up.at(y)) for x, y in line]
        path = 'L'.join(f'{x:.1f} {y:.1f}' for x, y in places)
        yield (f'<path class="line s{number}" stroke-dasharray="{DASHES[number]}" '
               f'style="fill:none" d="M{path}"/>')
        for x, y in places:
            yield _mark(number, x, y, number)


def _legend(order, y):
    x = LEFT
    for number, name in enumerate(order):
        number %= len(DASHES)
        yield (f'<path class="line s{number}" stroke-dasharray="{DASHES[number]}" '
               f'style="fill:none" d="M{x} {y}h34"/>')
        yield _mark(number, x + 17, y, number)
        yield _text(x + 42, y + 4, name, 'start')
        x += 60 + 7 * len(name)


def draw(panels):
    order = []
    for _, _, _, series in panels:
        order += [name for name, _ in series if name not in order]
    width, height = WIDTH * len(panels), HEIGHT + 30
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
             f'width="{width}" height="{height}" role="img">', f'<style>{STYLE}</style>',
             f'<title>{html.escape("; ".join(panel[0] for panel in panels))}</title>']
    for number, panel in enumerate(panels):
        lines += [f'<g transform="translate({number * WIDTH} 0)">', *_panel(*panel, order), '</g>']
    lines += [*_legend(order, HEIGHT + 8), '</svg>', '']
    return '\n'.join(lines)
