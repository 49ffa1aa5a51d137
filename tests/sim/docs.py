#!/usr/bin/env python3
"""Puts the tables and pictures of the last `make sim` into docs/results.md and docs/results.

A table of the page is known by the line of text before it: "`machine`, `workload`" has that
workload's, or the ablation's below the heading "### Ablation"; the one with the targets' head has
the targets'. Text between tables is left alone: whether it is still true is for a reader to see."""

import argparse
import glob
import json
import os
import re
import shutil

import tables
import workloads

CAPTION = re.compile(r"`(\S+)`, `(\S+)`:")


def load(path):
    with open(path, encoding="utf-8") as file:
        data = json.load(file)
    return ({(r["machine"], r["workload"], r["policy"]): r for r in data["runs"]},
            {(r["machine"], r["workload"], r["row"]): r for r in data["ablation"]})


def new_table(old, caption, in_ablation, runs, ablation):
    """The table to put in the place of that one; itself where it is none of ours."""
    named = CAPTION.match(caption)
    if named and in_ablation:
        return tables.ablation_table(ablation, *named.groups()).splitlines()
    if named:
        return tables.workload_table(runs, *named.groups()).splitlines()
    if old[0].startswith(f"| {tables.TARGET_HEAD[0]} |"):
        return tables.verdict(runs, list(workloads.WORKLOADS)).splitlines()
    return old


def rewrite(lines, runs, ablation):
    out, caption, in_ablation = [], "", False
    while lines:
        if not lines[0].startswith("|"):
            line = lines.pop(0)
            if line.startswith("#"):
                in_ablation = line == "### Ablation"
            caption = line or caption
            out.append(line)
            continue
        old = []
        while lines and lines[0].startswith("|"):
            old.append(lines.pop(0))
        out += new_table(old, caption, in_ablation, runs, ablation)
        caption = ""
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", required=True, help="results.json of all workloads")
    parser.add_argument("--page", required=True)
    args = parser.parse_args()
    runs, ablation = load(args.results)
    with open(args.page, encoding="utf-8") as page:
        lines = page.read().splitlines()
    with open(args.page, "w", encoding="utf-8") as page:
        page.write("\n".join(rewrite(lines, runs, ablation)) + "\n")
    pictures = os.path.join(os.path.dirname(args.results), "*.svg")
    known = os.path.splitext(args.page)[0]
    for path in glob.glob(pictures):
        if os.path.exists(os.path.join(known, os.path.basename(path))):
            shutil.copy(path, known)


if __name__ == "__main__":
    main()
