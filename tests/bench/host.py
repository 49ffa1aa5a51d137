#!/usr/bin/env python3
"""Instructions per frame of the packet path on the host, counted by callgrind: `make bench-host`.

    tests/bench/host.py PROGRAM       PROGRAM: virtio_net_bench.c, built without sanitizers
"""
import os
import re
import subprocess
import sys

FRAMES = 3200
SIZES = (64, 1514)


def instructions(program, function, arguments):
    """That the function took, with what it calls, in one run of the program."""
    out = os.path.join(os.path.dirname(program), "callgrind." + "-".join(arguments))
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--toggle-collect=" + function,
         "--callgrind-out-file=" + out, program, *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False)
    collected = re.search(r"Collected : (\d+)", done.stdout)
    if done.returncode or not collected:
        raise OSError(f"callgrind of {program}: {done.stdout.strip()[-400:]}")
    return int(collected.group(1))


def count(program, frame_bytes):
    """Instructions inside worker_run() per frame."""
    return instructions(program, "worker_run", [str(FRAMES), str(frame_bytes)]) / FRAMES


def measure(program):
    """[{"frame_bytes", "instructions_per_frame"}]"""
    return [{"frame_bytes": size, "instructions_per_frame": round(count(program, size), 1)}
            for size in SIZES]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for m in measure(sys.argv[1]):
        print(f"{m['instructions_per_frame']:.0f} instructions per frame of {m['frame_bytes']} bytes")


if __name__ == "__main__":
    try:
        main()
    except OSError as e:
        sys.exit(f"bench-host: {e}")
