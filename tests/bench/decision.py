#!/usr/bin/env python3
"""Instructions of a steering decision, counted by callgrind: `make bench-decision`.

    tests/bench/decision.py PROGRAM       PROGRAM: steer_bench.c, built without sanitizers
"""
import subprocess
import sys

import host

CALLS = 1000
LIMIT = 40
POLICIES = ("static", "rss", "follow", "full")
DCA = 2  # the backends differ in data only
STATES = ("asleep", "queued", "running")
LONG_US = 1000000


def rows():
    """(policy, state, wait in us, elsewhere, engine) of all that makes a difference."""
    for policy in POLICIES:
        for state, wait_us in (("running", 0), ("queued", 0), ("queued", LONG_US), ("asleep", 0)):
            if policy == "full" or state == "running":
                for elsewhere, engine in ((False, False), (True, False), (True, True)):
                    yield policy, state, wait_us, elsewhere, engine


def measure(program):
    """[(row, what was decided, instructions)]"""
    found = []
    for row in rows():
        policy, state, wait_us, elsewhere, engine = row
        arguments = [str(n) for n in (CALLS, POLICIES.index(policy), DCA, STATES.index(state),
                                      wait_us, 3 if elsewhere else 2, int(engine))]
        done = subprocess.run([program] + arguments, stdout=subprocess.PIPE, text=True, check=True)
        found.append((row, done.stdout.strip(),
                      host.instructions(program, "steer_decide", arguments) / CALLS))
    return found


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    worst = {}
    for row, verdict, instructions in measure(sys.argv[1]):
        key = (row[0], verdict.split()[0])
        worst[key] = max(worst.get(key, 0), instructions)
    print(f"{'policy':8} {'verdict':8} instructions, at most")
    for (policy, verdict), instructions in worst.items():
        print(f"{policy:8} {verdict:8} {instructions:5.1f}")
    most = max(worst.values())
    print(f"at most {most:.1f}, target {LIMIT}: {'met' if most <= LIMIT else 'MISSED'}")
    sys.exit(most > LIMIT)


if __name__ == "__main__":
    try:
        main()
    except (OSError, subprocess.CalledProcessError) as e:
        sys.exit(f"bench-decision: {e}")
