"""How cost grows with clients, the pool, versions and the size of images: measured by the program's benchmarks, as rows and as
a chart with logarithmic axes."""

import math

from tables import rows as read

HEADINGS = ("what", "sizes", "cost", "grows with the power")
CLIENTS = (1_000, 3_000, 10_000, 30_000, 100_000)
UPDATES = (500, 1_000, 2_000, 4_000)
PIXELS = (32, 48, 64, 96, 128)
POOLS = (5, 10, 20, 40)


def measure(bench, root):
    """Curves: a title, the unit of the cost, and pairs of size and cost.

    bench: runs 'impromptu bench' with arguments and returns what it prints."""
    events = read(bench(["events", *[word for count in CLIENTS for word in ("--clients", str(count))]]), "clients")
    curves = [
        ("heartbeat, by clients", "µs", [(int(row["clients"]), float(row["heartbeat, µs"])) for row in events]),
        ("tasks for all idle clients, by clients", "ms", [(int(row["clients"]), float(row["all tasks, ms"])) for row in events]),
    ]
    for method in ("pfpt-async", "pfpt"):
        costs = []
        for pool in POOLS:
            flush = read(bench(["aggregation", "--method", method, "--shape", f"10 x {pool} x 768"]), "shape")
            costs.append((pool, float(flush[0]["ms/flush"])))
        curves.append((f"flush of {method}, by prompts", "ms", costs))
    costs = []
    for count in UPDATES:
        passes = read(bench(["replay", "--updates", str(count)]), "pass")
        costs.append((count, next(float(row["ms"]) for row in passes if row["pass"].startswith("replay"))))
    curves.append(("replay, by updates (a version for five)", "ms", costs))
    costs = []
    for pixels in PIXELS:
        encoder = ["--encoder", f"{root}/Sources/PromptTuning/Resources/vit-tiny-32", "--image-size", str(pixels), "--threads", "1"]
        steps = read(bench(["tuning", *encoder]), "shape")
        costs.append((pixels**2, float(steps[0]["ms"])))
    curves.append(("tuning step, by pixels of an image", "ms", costs))
    return curves


def power(points):
    """The slope of the line through the logarithms: least squares."""
    pairs = [(math.log(size), math.log(cost)) for size, cost in points if cost > 0]
    mean = [sum(pair[axis] for pair in pairs) / len(pairs) for axis in (0, 1)]
    spread = sum((x - mean[0]) ** 2 for x, _ in pairs)
    return sum((x - mean[0]) * (y - mean[1]) for x, y in pairs) / spread


def rows(curves):
    return [
        (
            title, ", ".join(f"{size:,}" for size, _ in points), ", ".join(f"{cost:g}" for _, cost in points) + f" {unit}",
            f"{power(points):.2f}",
        )
        for title, unit, points in curves
    ]


def chart(curves):
    """An SVG: for each curve a square with both axes logarithmic, the points, and a dashed straight line from the first."""
    side, gap, columns = 220, 90, 3
    height = (len(curves) + columns - 1) // columns * (side + gap) + 30
    marks = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {columns * (side + gap) + 20} {height}" '
        'font-family="sans-serif" font-size="11" fill="none">'
        "<style>text{fill:#333}.frame{stroke:#999}.line{stroke:#1667b7;stroke-width:2}.dot{fill:#1667b7}.straight{stroke:#999;"
        "stroke-dasharray:4 3}@media(prefers-color-scheme:dark){text{fill:#ddd}.line{stroke:#6db3f2}.dot{fill:#6db3f2}}</style>"
    ]
    for place, (title, unit, points) in enumerate(curves):
        left, top = gap + place % columns * (side + gap), 30 + place // columns * (side + gap)
        points = [(size, cost) for size, cost in points if cost > 0]
        # Straight growth has the slope of the diagonal: both axes span the same factor.
        span = max(points[-1][0] / points[0][0], max(c for _, c in points) / min(c for _, c in points)) * 1.3
        low = min(cost for _, cost in points) / span**0.06

        def at(size, cost):
            x = left + side * math.log(size / points[0][0]) / math.log(span) + 8
            return x, top + side - side * math.log(cost / low) / math.log(span * span**0.12)

        ends = points[0], (points[-1][0], points[0][1] * points[-1][0] / points[0][0])
        marks += [
            f'<text x="{left}" y="{top - 8}" font-weight="bold">{title}</text>',
            f'<rect class="frame" x="{left}" y="{top}" width="{side + 16}" height="{side}"/>',
            f'<clipPath id="c{place}"><rect x="{left}" y="{top}" width="{side + 16}" height="{side}"/></clipPath>',
            f'<polyline class="straight" clip-path="url(#c{place})" points="{path(at, ends)}"/>',
            f'<polyline class="line" points="{path(at, points)}"/>',
        ]
        for size, cost in points:
            x, y = at(size, cost)
            marks.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3"/>')
        for size, cost in (points[0], points[-1]):
            x, y = at(size, cost)
            marks.append(f'<text x="{x:.1f}" y="{top + side + 14}" text-anchor="middle">{size:,}</text>')
            marks.append(f'<text x="{left - 4}" y="{y + 4:.1f}" text-anchor="end">{cost:g} {unit}</text>')
    return "\n".join([*marks, "</svg>\n"])


def path(at, points):
    return " ".join("{:.1f},{:.1f}".format(*at(*point)) for point in points)
