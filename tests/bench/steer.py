"""What steering's policies do for guests over the wire next to CPU hogs: `make bench CASE=steer`.

Four guests: a client and a server of iperf3, each on a switch of its own with a port of the simulated
82599, a cable between; and two that take all the time and cache they get. On two cores (twice as
many vCPUs as cores) and on four, each policy in turn, with the same seeds and settings, and DCA by
the simulated devices' tags (steer=dca). The consoles, images and summaries are in
build/bench/steer-CORES-POLICY.
"""
import concurrent.futures
import json
import os
import shutil
import subprocess

import conf

SUPPORT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support")

POLICIES = ("full", "static", "follow", "rss")
CORES = (2, 4)
IPS = 100_000_000
MODEL = "corei7_skylake_x"
LINUX = f"clearcpuid=112,297 tsc_early_khz={IPS // 1000}"
# a short one first, which loads programs and fills tables
TESTS = "tcp:1000000,tcp:8000000,tcp_reverse:8000000,rtt:100"
SECONDS_MAX = 1800


def run_one(build, cache, cores, policy):
    """The summary, or None."""
    directory = os.path.join(build, "bench", f"steer-{cores}-{policy}")
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, "summary.json")
    if os.path.exists(path):
        os.remove(path)
    shutil.copy(os.path.join(build, "guest-stub/hog.elf"), directory)
    with open(os.path.join(directory, "sluice.conf"), "w", encoding="utf-8") as f:
        f.write(conf.steered_guests(policy, extra=f"{LINUX} sluice.tests={TESTS}"))
    command = [os.path.join(SUPPORT, "run-guests"), "--loader", os.path.join(build, "BOOTX64.EFI"),
               "--build", build, "--uplink", "82599", "--hv", os.path.join(build, "sluice.elf"),
               "--cache", cache, "--kernel", os.path.join(cache, "guest-1/vmlinuz"),
               "--initrd", os.path.join(build, "guest/initrd"),
               "--conf", os.path.join(directory, "sluice.conf"), "--emu", "bochs",
               "--cpus", str(cores), "--model", MODEL, "--ips", str(IPS),
               "--timeout", str(SECONDS_MAX), "--quiet-limit", "600", "--dir", directory]
    for line in conf.WIRED_RIG:
        command += ["--rig", line]
    for line in conf.START_HOGS:
        command += ["--send", line]
    with open(os.path.join(directory, "run.txt"), "w", encoding="utf-8") as log:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)
    if done.returncode or not os.path.exists(path):
        print(f"steer-{cores}-{policy}: did not complete: see {directory}/run.txt", flush=True)
        return None
    print(f"steer-{cores}-{policy}: done", flush=True)
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def cell(value, digits=2):
    return "-" if value is None else f"{value:.{digits}f}"


def per(entries, what, scale=1.0):
    packets = sum(e["packets"] for e in entries)
    return sum(e[what] for e in entries) / packets / scale if packets else None


def mbits(entry):
    return entry["bytes"] * 8e-6 / entry["seconds"] if entry["seconds"] else None


def row(cores, policy, s):
    """A line of the table, as text."""
    if not s:
        return [str(cores), policy] + ["-"] * (len(HEAD) - 2)
    t = s["steer"]
    known = t["on_target"] + sum(t["missed"].values())
    tcp = [e for e in s["iperf"] if e["proto"] == "tcp"][1:]
    rtt = [e["rtt_ms"] for e in s["iperf"] if e["rtt_ms"]][0]
    return [str(cores), policy, cell(100 * t["on_target"] / known if known else None, 1),
            str(t["placed"]), str(t["held"]), str(t["moved"]), str(t["retagged"]),
            cell(per(tcp, "ticks", 1e3)), cell(per(tcp, "exits")),
            *(cell(mbits(e), 0) for e in tcp), *(cell(v) for v in rtt)]


HEAD = ("cores", "policy", "on target %", "placed", "held", "moved", "retagged", "kticks/packet",
        "exits/packet", "Mbit/s", "reverse", "RTT min ms", "mean", "max")


def table(rows):
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(c.ljust(w) if i < 2 else c.rjust(w)
                               for i, (c, w) in enumerate(zip(r, widths))).rstrip() for r in rows)


def run(build, cache, jobs, version):
    """Runs all of it and prints the table; the exit status."""
    wanted = [(cores, policy) for cores in CORES for policy in POLICIES]
    with concurrent.futures.ThreadPoolExecutor(max(jobs, 1)) as pool:
        found = list(pool.map(lambda w: run_one(build, cache, *w), wanted))
    rows = [HEAD] + [row(*w, s) for w, s in zip(wanted, found)]
    path = os.path.join(build, "bench", "steer.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump({f"{w[0]}-{w[1]}": s for w, s in zip(wanted, found)}, f, indent=1)
        f.write("\n")
    print(f"Sluice {version}, bochs, {MODEL}, ips={IPS}, two iperf3 guests over the wire and two CPU hogs,"
          f"\n1 vCPU each, steer=dca, \"{LINUX}\"\n{table(rows)}\n{path}")
    return 0 if all(found) else 1
