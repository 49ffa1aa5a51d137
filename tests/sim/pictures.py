"""The results as pictures, by gnuplot."""

import os
import subprocess

import tables
import workloads

COLOURS = ("#999999", "#d08c2f", "#4f8fc4", "#2b6d3f")

STYLE = """set terminal svg size 760,300 font "sans,12" background "#ffffff"
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

LATENCY = (("median", "p50_ns"), ("99%", "p99_ns"), ("99.9%", "p999_ns"))


def gnuplot(script):
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def bars(path, title, unit, groups, series, more="", low="0"):
    """groups: names on the axis; series: {name: [a value for each group]}."""
    names = list(series)
    rows = [f'"{group}" ' + " ".join(f"{series[name][i]:.6g}" for name in names)
            for i, group in enumerate(groups)]
    plots = [f'$data using {i + 2}:xtic(1) title "{name}" lc rgb "{COLOURS[i % len(COLOURS)]}"'
             for i, name in enumerate(names)]
    gnuplot(STYLE.format(out=path, title=title, unit=unit, more=more, low=low) +
            "$data << END\n" + "\n".join(rows) + "\nEND\nplot " + ", ".join(plots) + "\n")
    return path


def by_policy(results, machine, names, value):
    return {policy: [value(results[machine, name, policy]) for name in names]
            for policy in workloads.POLICIES}


def draw(out, results, names):
    machine = workloads.MACHINES[0]
    over = [name for name in workloads.OVERCOMMIT if name in names]
    scaling = [name for name in workloads.SCALING if name in names]
    alone = [name for name in names if name not in workloads.SCALING[1:]]
    drawn = []

    def picture(name, title, unit, groups, value, **how):
        if groups:
            drawn.append(bars(os.path.join(out, name + ".svg"), title, unit, groups,
                              by_policy(results, machine, groups, value), **how))

    picture("on-target", f"On target ({machine})", "% of frames", over + scaling[1:],
            lambda r: 100 * r["on_target"])
    picture("l2-misses", f"L2 misses per frame ({machine})", "lines", alone, tables.l2)
    picture("llc-misses", f"LLC misses per frame ({machine})", "lines", alone, tables.llc)
    picture("latency", f"99th percentile of latency ({machine})", "us", alone,
            lambda r: r["p99_ns"] / 1000, more="set logscale y", low="10")
    picture("throughput", f"Throughput ({machine})", "Mbit/s", alone,
            lambda r: r["mbit_per_s"])
    if "over-2x" in names:
        drawn.append(bars(
            os.path.join(out, "machines.svg"), "L2 misses per frame, over-2x", "lines",
            workloads.MACHINES,
            {policy: [tables.l2(results[at, "over-2x", policy]) for at in workloads.MACHINES]
             for policy in workloads.POLICIES}))
    return drawn
