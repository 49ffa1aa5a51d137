"""Stock Linux with stock ixgbe over the same cable, in the same emulator: the alternative."""
import os
import re
from types import SimpleNamespace

import conf
import console
import emulator
import native

SECONDS_MAX = 600
BENCH = re.compile(r"BENCH (\w+) (\d+) (\d+)")


def run(directory, build, cache, model, ips):
    """[{"test", "bytes", "ticks"}] in the form of a summary's "iperf"; None if it did not complete."""
    os.makedirs(directory, exist_ok=True)
    directory, build, cache = (os.path.abspath(p) for p in (directory, build, cache))
    case = SimpleNamespace(w={"native": "bench", "cmdline": "", "within": ""},
                           n={"ips": ips, "cpus": 1, "mem": 1024})
    common = {"model": model, "ips": ips, "cache": cache, "build": build, "rig": conf.WIRED_RIG,
              "extra": []}
    tests, checks, lines = [], native.Checks(), console.Lines()
    with emulator.Running(native.machine(case, directory, common)) as machine:
        while machine.elapsed() < SECONDS_MAX:
            data = machine.read(1)
            if data is None:
                break
            for line in lines.feed(data):
                checks.line(line)
                found = BENCH.search(line)
                if found:
                    tests.append({"test": found.group(1), "bytes": int(found.group(2)), "lost": 0,
                                  "retransmits": 0, "packets": 0,
                                  "ticks": int(found.group(3)) * ips // 10**12})
    return None if checks.failure() else {"iperf": tests, "hypervisor": None}
