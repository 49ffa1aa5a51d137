"""The results as pictures, by gnuplot."""

import os
import subprocess

import workloads

COLOURS = ("#999999", "#d08c2f", "#4f8fc4", "#2b6d3f")

STYLE = """set terminal svg size 900,300 font "sans,12" background "#ffffff"
set output "{out}"
set style data histograms
set style histogram clustered gap 1
set style fill solid 1.0 noborder
set boxwidth 0.9
set grid ytics lc rgb "#dddddd"
set border 3
set tics nomirror
set key outside right top
set yrange [{low}:*]
set title "{title}"
set ylabel "{unit}"
{more}
"""

def gnuplot(script):
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def strip_lines(path):
    """gnuplot leaves white space at their ends."""
    with open(path, encoding="utf-8") as picture:
        lines = [line.rstrip() for line in picture]
    with open(path, "w", encoding="utf-8") as picture:
        picture.write("\n".join(lines) + "\n")


def bars(path, title, unit, groups, series, more="", low="0"):
    """groups: names on the axis; series: {name: [a value for each group]}."""
    names = list(series)
    rows = [f'"{group}" ' + " ".join(f"{series[name][i]:.6g}" for name in names)
            for i, group in enumerate(groups)]
    plots = [f'$data using {i + 2}:xtic(1) title "{name}" lc rgb "{COLOURS[i % len(COLOURS)]}"'
             for i, name in enumerate(names)]
    gnuplot(STYLE.format(out=path, title=title, unit=unit, more=more, low=low) +
            "$data << END\n" + "\n".join(rows) + "\nEND\nplot " + ", ".join(plots) + "\n")
    strip_lines(path)
    return path


def by_policy(results, machine, names, value):
    return {policy: [value(results[machine, name, policy]) for name in names]
            for policy in workloads.POLICIES}


def draw(out, results, names):
    machine = workloads.MACHINES[0]
    over = [name for name in workloads.OVERCOMMIT if name in names]
    scaling = [name for name in workloads.SCALING if name in names]
    big = workloads.BIG_MACHINE
    alone = [name for name in names if name not in workloads.SCALING[1:]]
    drawn = []

    def picture(name, title, unit, groups, value, at=machine, **how):
        if groups:
            drawn.append(bars(os.path.join(out, name + ".svg"), f"{title} ({at})", unit, groups,
                              by_policy(results, at, groups, value), **how))

    picture("on-target", "On target", "% of frames", over, lambda r: 100 * r["on_target"])
    picture("scaling", "L2 misses of packets' bytes, per frame", "lines", scaling,
            lambda r: r["packet_l2_misses"], at=big)
    picture("l2-misses", "L2 misses of packets' bytes, per frame", "lines", alone,
            lambda r: r["packet_l2_misses"])
    picture("latency", "99th percentile of latency", "us", alone,
            lambda r: r["p99_ns"] / 1000, more="set logscale y", low="10")
    picture("throughput", "Throughput", "Mbit/s", alone, lambda r: r["mbit_per_s"])
    if "over-2x" in names:
        drawn.append(bars(
            os.path.join(out, "machines.svg"), "L2 misses of packets' bytes, over-2x", "lines",
            workloads.MACHINES,
            {policy: [results[at, "over-2x", policy]["packet_l2_misses"]
                      for at in workloads.MACHINES]
             for policy in workloads.POLICIES}))
    return drawn
