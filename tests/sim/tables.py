"""The results as Markdown."""

import workloads

# title, key, format
COLUMNS = (
    ("Mbit/s", lambda r: r["mbit_per_s"], "{:.0f}"),
    ("on target", lambda r: 100 * r["on_target"], "{:.0f}%"),
    ("in L2", lambda r: 100 * r["resident"], "{:.0f}%"),
    ("L2 misses", lambda r: l2(r), "{:.1f}"),
    ("of packets", lambda r: r["packet_l2_misses"], "{:.1f}"),
    ("LLC misses", lambda r: llc(r), "{:.2f}"),
    ("of packets", lambda r: r["packet_llc_misses"], "{:.2f}"),
    ("stall cycles", lambda r: r["work_stall_cycles"] + r["guest_stall_cycles"], "{:.0f}"),
    ("p50 us", lambda r: r["p50_ns"] / 1000, "{:.0f}"),
    ("p99 us", lambda r: r["p99_ns"] / 1000, "{:.0f}"),
    ("p99.9 us", lambda r: r["p999_ns"] / 1000, "{:.0f}"),
    ("lost", lambda r: 100 * (r["missed"] + r["dropped"]) / max(r["sent"], 1), "{:.1f}%"),
    ("fairness", lambda r: r["jain_io"], "{:.3f}"),
    ("hogs, 1M lines", lambda r: r["hog_lines"] / 1e6, "{:.1f}"),
)


def l2(r):
    return r["work_l2_misses"] + r["guest_l2_misses"]


def llc(r):
    return r["work_llc_misses"] + r["guest_llc_misses"]


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def cells(result):
    return [form.format(get(result)) for _, get, form in COLUMNS]


def workload_table(results, machine, name):
    rows = [[policy, *cells(results[machine, name, policy])] for policy in workloads.POLICIES]
    return table(["policy", *(title for title, _, _ in COLUMNS)], rows)


def ablation_table(ablation, machine, name):
    rows = []
    for (at, workload, title), result in ablation.items():
        if (at, workload) == (machine, name):
            rows.append([title, *cells(result)])
    return table(["", *(title for title, _, _ in COLUMNS)], rows)


def ratio(a, b):
    return f"{a / b:.2f}" if b else "-"


def target_rows(results, names):
    """Each target, by machine and workload: what `full` reached."""
    rows = []
    for machine, name, policy in results:
        if policy != "full" or name not in names:
            continue
        full, static = results[machine, name, "full"], results[machine, name, "static"]
        rows.append([f"{machine}, {name}",
                     f"{100 * static['on_target']:.0f}% {100 * full['on_target']:.0f}%",
                     ratio(l2(full), l2(static)),
                     ratio(full["packet_l2_misses"], static["packet_l2_misses"]),
                     ratio(llc(full), llc(static)),
                     ratio(full["packet_llc_misses"], static["packet_llc_misses"]),
                     f"{100 * (full['mbit_per_s'] / static['mbit_per_s'] - 1):+.1f}%",
                     ratio(full["p99_ns"], static["p99_ns"])])
    return rows


TARGET_HEAD = ["machine, workload", "on target: static, full", "L2 misses", "of packets",
               "LLC misses", "of packets", "throughput", "p99"]


def verdict(results, names):
    return table(TARGET_HEAD, target_rows(results, names))


def report(results, ablation, names):
    parts = ["# `full` against `static`\n", verdict(results, names)]
    for name in names:
        parts.append(f"# {name}: {workloads.WORKLOADS[name][0]}\n")
        for machine in workloads.MACHINES:
            if (machine, name, "full") in results:
                parts += [machine + ":\n", workload_table(results, machine, name)]
    for name in workloads.ABLATION:
        for machine in workloads.MACHINES:
            if (machine, name, "baseline") in ablation:
                parts += [f"# Ablation: {name}, {machine}\n",
                          ablation_table(ablation, machine, name)]
    return "\n".join(parts)
