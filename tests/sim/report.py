#!/usr/bin/env python3
"""Runs every workload with every policy on every machine, and the ablation; writes tables
(results.md), pictures (*.svg, by gnuplot) and all figures (results.json)."""

import argparse
import json
import os

import pictures
import runs
import tables
import workloads


def wanted_runs(names):
    wanted = {}
    for machine in workloads.MACHINES:
        for name in names:
            big = name in workloads.BIG
            if big and machine != workloads.BIG_MACHINE:
                continue
            for policy in workloads.POLICIES:
                options = {"machine": machine, **workloads.WORKLOADS[name][1], "policy": policy}
                seeds = workloads.SEEDS[:1] if big else workloads.SEEDS
                wanted[machine, name, policy] = [{**options, "seed": seed} for seed in seeds]
    return wanted


def wanted_ablation(names):
    wanted = {}
    for machine in workloads.MACHINES:
        for name in workloads.ABLATION:
            if name not in names:
                continue
            for title, changes in workloads.ablation():
                options = {"machine": machine, **workloads.WORKLOADS[name][1], **changes}
                wanted[machine, name, title] = [{**options, "seed": seed}
                                                for seed in workloads.SEEDS]
    return wanted


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--workload", action="append", choices=workloads.WORKLOADS)
    args = parser.parse_args()
    names = args.workload or list(workloads.WORKLOADS)
    os.makedirs(args.out, exist_ok=True)

    results = runs.run_all(args.program, wanted_runs(names), args.jobs)
    ablation = runs.run_all(args.program, wanted_ablation(names), args.jobs)
    with open(os.path.join(args.out, "results.json"), "w", encoding="utf-8") as out:
        json.dump({"runs": [dict(zip(("machine", "workload", "policy"), key), **value)
                            for key, value in results.items()],
                   "ablation": [dict(zip(("machine", "workload", "row"), key), **value)
                                for key, value in ablation.items()]}, out, indent=1)
    text = tables.report(results, ablation, names)
    with open(os.path.join(args.out, "results.md"), "w", encoding="utf-8") as out:
        out.write(text)
    drawn = pictures.draw(args.out, results, names)
    print(tables.verdict(results, names))
    for path in (os.path.join(args.out, "results.md"), *drawn):
        print(path)


if __name__ == "__main__":
    main()
