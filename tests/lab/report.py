"""The laboratory's table (text and Markdown), JSON and picture."""
import html
import json
import statistics

COLUMNS = (("detected", "detection"), ("decided", "decision"),
           ("wire", "UPDATE on the wire"), ("first", "gone at first router"),
           ("far", "told to farthest"))
COLOURS = {"site1": "#0072b2", "site2": "#d55e00", "site3": "#009e73",
           "-": "#cc0000"}


def spread(values):
    """'median (worst)' of those that are there, in ms."""
    there = [value for value in values if value is not None]
    if not there:
        return "-"
    middle = f"{statistics.median(there):.1f}"
    return middle if len(there) == 1 else f"{middle} ({max(there):.1f})"


def table(rows):
    lines = ["| step | tries | " + " | ".join(t for _, t in COLUMNS) +
             " | queries lost | catchments | mark |",
             "| --- | ---: |" + " ---: |" * (len(COLUMNS) + 1) +
             " --- | --- |"]
    for row in rows:
        lost = [t["lost"] for t in row["tries"]]
        lines.append(
            f"| {row['name']} | {len(row['tries'])} | " + " | ".join(
                spread([t.get(key) for t in row["tries"]])
                for key, _ in COLUMNS) +
            f" | {spread(lost)} | {row['tries'][-1]['shift']} | "
            f"{row['mark']} |")
    return "\n".join(lines)


def save_json(path, rows, verdicts, about):
    with open(path, "w", encoding="utf-8") as file:
        json.dump({**about, "rows": rows, "verdicts": verdicts}, file, indent=1)
        file.write("\n")


def picture(path, answers, marks, bin_s=0.5):
    """Queries a second of each site over time, unanswered ones in red."""
    if not answers:
        return
    begin = min(a[0] for a in answers)
    bins = int((max(a[0] for a in answers) - begin) / bin_s) + 1
    counts = {site: [0] * bins for site in COLOURS}
    for answer in answers:
        if answer[3] in counts:
            counts[answer[3]][int((answer[0] - begin) / bin_s)] += 1
    top = max(max(row) for row in counts.values()) or 1
    width, height, left, up = max(900, bins * 3), 420, 60, 170

    def x(seconds):
        return left + seconds / (bins * bin_s) * (width - left - 20)

    def y(count):
        return height - 40 - count / top * (height - 40 - up)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
           f'height="{height}" font-family="sans-serif" font-size="11">',
           f'<rect width="{width}" height="{height}" fill="white"/>']
    for when, name in marks:
        at = x(when - begin)
        out.append(f'<path d="M{at:.1f} {up}V{height - 40}" stroke="#999" '
                   f'stroke-dasharray="3"/><text transform="translate({at:.1f} '
                   f'{up - 4}) rotate(-60)">{html.escape(name)}</text>')
    for number, (site, row) in enumerate(counts.items()):
        line = " ".join(f"{x((i + .5) * bin_s):.1f},{y(count):.1f}"
                        for i, count in enumerate(row))
        name = "unanswered" if site == "-" else site
        out.append(f'<polyline fill="none" stroke="{COLOURS[site]}" '
                   f'points="{line}"/><text x="{left + number * 90}" y="16" '
                   f'fill="{COLOURS[site]}">{name}</text>')
    for share in (0, 0.5, 1):
        out.append(f'<text x="{left - 6}" y="{y(top * share) + 4:.1f}" '
                   f'text-anchor="end">{top * share / bin_s:.0f}</text>')
    for second in range(0, int(bins * bin_s) + 1, 10):
        out.append(f'<text x="{x(second):.1f}" y="{height - 24}" '
                   f'text-anchor="middle">{second}</text>')
    out.append(f'<text x="{left}" y="{height - 6}">seconds; queries a second '
               'by the site that answered</text></svg>')
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")
