"""What the runs of the bench come to, and the table beside targets and alternatives."""

MB = 1_000_000
REFERENCE = ("native and KVM: measured elsewhere with the same emulator, kernel and settings; native: "
             "a bridge\nbetween two namespaces; KVM: Linux KVM, QEMU, vhost-net and a Linux bridge. "
             "All CPU use included;\n"
             "whether its UDP packets are those sent or those delivered is not recorded.")

# (case, iperf3 test, title, unit of work, ((what, scale, unit, target, native, KVM), ...))
TRAFFIC = (
    ("offload", "tcp", "TCP, offloads on", "MB",
     (("ticks", 1e6, "Mticks/MB", 2.5, 1.46, 4.12), ("exits", 1, "exits/MB", 20, None, 107))),
    ("offload", "tcp_reverse", "the same, reversed", "MB",
     (("ticks", 1e6, "Mticks/MB", 2.5, 1.46, 4.12), ("exits", 1, "exits/MB", 20, None, 107))),
    ("no-offload", "tcp", "TCP, offloads off", "MB",
     (("ticks", 1e6, "Mticks/MB", 9, 6.40, 12.9), ("exits", 1, "exits/MB", 30, None, 112))),
    ("no-offload", "udp64", "UDP, 64-byte frames, sent", "packet",
     (("ticks", 1e3, "kticks/packet", 30, 21.4, 50.8), ("exits", 1, "exits/packet", 0.25, None, 1.61))),
    # a sender that nothing slows down overruns its receiver's socket: what gets lost is cheap
    ("no-offload", "udp64", "the same, delivered", "delivered",
     (("ticks", 1e3, "kticks/packet", 30, 21.4, 50.8), ("exits", 1, "exits/packet", 0.25, None, 1.61))),
)
# over the wire, against stock Linux measured in the same call
WIRE = (("tcp", "TCP over the wire"), ("tcp_reverse", "the same, reversed"))
WIRE_TICKS_FACTOR = 1.15
WIRE_EXITS_PER_PACKET = 0.25
NATIVE_BOOT = 1508e6  # ticks, kernel entry to init
BOOT = (("boot_ticks", 1e6, "Mticks", NATIVE_BOOT * 1.05 / 1e6, NATIVE_BOOT / 1e6,
         NATIVE_BOOT * 1.078 / 1e6),
        ("boot_exits", 1e3, "k exits", 5, None, 13.1))
MEMORY_TARGET_MIB = 8
KVM_MEMORY_MIB = 62 * MB / 2**20  # one QEMU process; Linux comes on top


def figure(title, unit, whole, steady, target, native, kvm):
    return {"figure": title, "unit": unit, "whole": whole, "steady": steady, "target": target,
            "native": native, "kvm": kvm}


def work(entry, unit):
    """How much of it a test did."""
    if unit == "MB":
        return entry["bytes"] / MB
    if unit == "frame":  # on the wire, those with data: an MTU of 1500 less headers and timestamps
        return entry["bytes"] / 1448
    return entry["packets"] - (entry["lost"] if unit == "delivered" else 0)


def whole_and_slope(short, long, what, unit):
    """Per unit of work: of the longer test with all that it begins and ends with, and steady."""
    more = work(long, unit) - work(short, unit)
    whole = long[what] / work(long, unit) if work(long, unit) else None
    slope = (long[what] - short[what]) / more if more > 0 else 0
    return whole, slope if slope > 0 else None  # not above 0: lost in the scatter between two runs


def traffic(runs):
    found = []
    for case, test, title, per, rows in TRAFFIC:
        run = runs.get(case)
        tests = sorted((i for i in run["iperf"] if i["test"] == test),
                       key=lambda i: work(i, per)) if run else []
        for what, scale, unit, target, native, kvm in rows:
            pair = whole_and_slope(tests[-2], tests[-1], what, per) if len(tests) > 1 else (None, None)
            found.append(figure(title, unit, *(v / scale if v is not None else None for v in pair),
                                target, native, kvm))
    return found


def tests_of(run, test):
    return sorted((i for i in run["iperf"] if i["test"] == test), key=lambda i: i["bytes"]) if run else []


def wire(runs):
    found = []
    for test, title in WIRE:
        ours, theirs = tests_of(runs.get("wire"), test), tests_of(runs.get("native-wire"), test)
        pair = whole_and_slope(ours[-2], ours[-1], "ticks", "MB") if len(ours) > 1 else (None, None)
        native = whole_and_slope(theirs[-2], theirs[-1], "ticks", "MB")[1] if len(theirs) > 1 else None
        found.append(figure(title, "Mticks/MB", *(v / 1e6 if v is not None else None for v in pair),
                            native * WIRE_TICKS_FACTOR / 1e6 if native else None,
                            native / 1e6 if native else None, None))
        exits = whole_and_slope(ours[-2], ours[-1], "exits", "frame") if len(ours) > 1 else (None, None)
        found.append(figure(title, "exits/frame", *exits, WIRE_EXITS_PER_PACKET, None, None))
    return found


def boot(runs):
    run = runs.get("boot")
    guest = run["guests"][0] if run else {}
    return [figure("boot, kernel entry to init", unit,
                   guest[what] / scale if guest.get(what) is not None else None, None,
                   target, native, kvm)
            for what, scale, unit, target, native, kvm in BOOT]


def memory(runs):
    run = runs.get("offload") or runs.get("no-offload") or runs.get("boot")
    size = run["hypervisor"]["memory_bytes"] if run else None  # the image is part of it
    mib = size / 2**20 if size is not None else None
    return [figure("memory beside the guests'", "MiB", mib, None, MEMORY_TARGET_MIB, None,
                   KVM_MEMORY_MIB)]


def verdict(f):
    value = f["steady"] if f["steady"] is not None else f["whole"]
    if value is None or f["target"] is None:
        return "not measured"
    difference = (value / f["target"] - 1) * 100
    return f"met, {-difference:.0f}% below" if difference <= 0 else f"MISSED by {difference:.0f}%"


def figures(runs):
    found = traffic(runs) + wire(runs) + boot(runs) + memory(runs)
    for f in found:
        f["verdict"] = verdict(f)
    return found


def cell(value):
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}" if value >= 100 else f"{value:.2f}"


def losses(runs):
    """What a reader must know about the traffic: what got lost or was sent twice."""
    said = []
    for case, run in runs.items():
        for i in run["iperf"] if run else ():
            if i["lost"] or i["retransmits"]:
                said.append(f"{case}: {i['test']} of {i['bytes'] / MB:.1f} MB in {i['packets']} packets: "
                            f"{i['lost']} lost, {i['retransmits']} sent again")
    return said


def table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    left = (0, 1, len(widths) - 1)
    return "\n".join("  ".join(c.ljust(w) if i in left else c.rjust(w)
                               for i, (c, w) in enumerate(zip(row, widths))).rstrip() for row in rows)


def text(results):
    s = results["settings"]
    rows = [("", "", "whole", "steady", "target", "native", "KVM", "against target")]
    for f in results["figures"]:
        rows.append((f["figure"], f["unit"], cell(f["whole"]), cell(f["steady"]),
                     "<= " + cell(f["target"]) if f["target"] is not None else "-",
                     cell(f["native"]), cell(f["kvm"]), f["verdict"]))
    out = [f"Sluice {s['version']}, {s['emulator']}, {s['cpus']} CPU {s['model']}, ips={s['ips']}, "
           f"guests with 1 vCPU, {s['guest_memory']},\n\"{s['linux']}\"", table(rows),
           "whole: the longer test from start to end of iperf3; steady: the slope between two lengths, "
           "without\nthat fixed cost; where there is no steady figure the whole one is judged. "
           "MB: 10^6 bytes of payload.\n"
           "Memory: image, pages and tables; not the boot files, which are kept to start guests again.",
           REFERENCE, *losses(results["runs"])]
    if results["host"]:
        out += ["", *(f"packet path on the host: {h['instructions_per_frame']:.0f} instructions per "
                      f"frame of {h['frame_bytes']} bytes" for h in results["host"])]
    return "\n".join(out)
