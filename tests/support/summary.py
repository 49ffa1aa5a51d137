"""The summary of a run: the guests' RESULT lines and the hypervisor's statistics in one object.

The hypervisor's line "sluice: stats {...}" has cores, hypervisor, guests, net, uplinks, and
  "marks": [{"guest", "label", "tsc", "exits_total", "frames_in", "frames_out"}, ...]
one for each byte that a guest wrote to the mark port; exits_total is over all guests. Test N lies
between the labels 2N and 2N+1 of its client.
"""
import conf

GUEST_FIELDS = ("name", "vcpus", "kernel", "boot_ticks", "boot_exits", "exits_by_reason")
NET_FIELDS = ("frames_in", "frames_out", "drops_by_reason", "copies")
HYPERVISOR_FIELDS = ("image_bytes", "memory_bytes", "buffer_bytes")


def between_marks(marks, guest, number):
    """What happened between the two marks of a test: {ticks, exits, frames}, None where unknown."""
    begin = [m for m in marks if m.get("guest") == guest and m.get("label") == 2 * number]
    end = [m for m in marks if m.get("guest") == guest and m.get("label") == 2 * number + 1]
    if not begin or not end:
        return {"ticks": None, "exits": None, "frames": None}

    def delta(key):
        return end[-1][key] - begin[-1][key] if key in end[-1] and key in begin[-1] else None
    return {"ticks": delta("tsc"), "exits": delta("exits_total"), "frames": delta("frames_in")}


def iperf_entry(result, marks, conf_text):
    client, peer = result["guest"], conf.name_of_address(conf_text, result["peer"])
    forward = result["direction"] == "forward"
    measured = between_marks(marks, client, result["n"])
    frames = measured["frames"] if measured["frames"] is not None else result["frames"]
    return {
        "from": client if forward else peer, "to": peer if forward else client,
        "proto": result["proto"], "test": result["test"], "bytes": result["bytes"],
        "packets": result["packets"] or frames, "lost": result["lost"], "frames": frames,
        "seconds": result["seconds"], "ticks": measured["ticks"], "exits": measured["exits"],
        "retransmits": result["retransmits"], "rtt_ms": result.get("rtt_ms"),
    }


def added(objects, key):
    """The sum of the objects' dictionaries of that name."""
    total = {}
    for o in objects:
        for name, value in o.get(key, {}).items():
            total[name] = total.get(name, 0) + value
    return total


def uplink(stats, iperf):
    """All physical ports as one; None if there is none. The figures per packet are of the tests."""
    ports = stats.get("uplinks")
    if not ports:
        return None
    packets = sum(i["packets"] or 0 for i in iperf)

    def per_packet(key):
        values = [i[key] for i in iperf]
        return sum(values) / packets if packets and None not in values else None
    copies = added(ports, "copies")
    return {
        "driver": ports[0]["driver"],
        "rx_frames": sum(p["rx_frames"] for p in ports),
        "tx_frames": sum(p["tx_frames"] for p in ports),
        "rx_drops_by_reason": added(ports, "rx_drops_by_reason"),
        "errors": added(ports, "errors"),
        "copies": {**stats.get("net", {}).get("copies", {}), **copies},
        "exits_per_packet": per_packet("exits"),
        "ticks_per_packet": per_packet("ticks"),
        "ports": ports,
    }


def build(emulator, results, stats, conf_text):
    stats = stats or {}
    iperf = [iperf_entry(r, stats.get("marks", []), conf_text) for r in results]
    return {
        "emulator": emulator["kind"],
        "machine": emulator,
        "cores": stats.get("cores"),
        "hypervisor": {k: stats.get("hypervisor", {}).get(k) for k in HYPERVISOR_FIELDS},
        "guests": [{k: g.get(k) for k in GUEST_FIELDS} for g in stats.get("guests", [])],
        "iperf": iperf,
        "net": {k: stats.get("net", {}).get(k) for k in NET_FIELDS},
        "uplink": uplink(stats, iperf),
        "steer": stats.get("steer"),
    }


def problems(conf_text, results, stats):
    """What is missing or wrong, as sentences; empty if all of it worked."""
    found = []
    have = {(r["guest"], r["n"]): r for r in results}
    for guest, number, test in conf.expected_tests(conf_text):
        r = have.get((guest, number))
        if r is None:
            found.append(f"guest {guest}: no result of test {number}, {test}")
        elif r.get("error"):
            found.append(f"guest {guest}: {test}: iperf3 says: {r['error']}")
        elif not r["bytes"] or not r["received"]:
            found.append(f"guest {guest}: {test}: nothing was transferred")
    if stats is None:
        found.append("the hypervisor printed no statistics")
    elif any(m is None for e in build({"kind": ""}, results, stats, conf_text)["iperf"]
             for m in (e["ticks"], e["exits"])):
        found.append("the hypervisor's statistics lack the marks of a test")
    return found


def number(value, scale=1.0, digits=2):
    return "-" if value is None else f"{value / scale:.{digits}f}"


def per(value, count, scale=1.0, digits=2):
    return "-" if value is None or not count else f"{value / count / scale:.{digits}f}"


def table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  " + "  ".join(
        cell.ljust(w) if i < 2 else cell.rjust(w)
        for i, (cell, w) in enumerate(zip(row, widths))).rstrip() for row in rows)


def steer_text(t):
    """What steering did, in a line."""
    known = t["on_target"] + sum(t["missed"].values())
    share = f"{100 * t['on_target'] / known:.1f}%" if known else "-"
    missed = {k: v for k, v in t["missed"].items() if v}
    return (f"steering: policy {t['policy']}, backend {t['backend']}, {t['placed']} packets placed, "
            f"on target {share}, missed {missed or 'none'}, held {t['held']}, "
            f"retagged {t['retagged']}, to a helper {t['helped']}, "
            f"expected waits wrong by {t['wait_error_us']} us")


def text(s):
    """The summary for a human."""
    e = s["machine"]
    out = [f"{e['kind']}, {e['cpus']} CPUs" + (f", {e['model']}" if e.get("model") else "") +
           f", {e['seconds']:.0f} s; hypervisor {number(s['hypervisor']['image_bytes'], 1024, 0)} KiB"
           f" image, {number(s['hypervisor']['memory_bytes'], 1048576)} MiB memory, "
           f"{number(s['hypervisor']['buffer_bytes'], 1048576)} MiB buffers"]
    rows = [("guest", "kernel", "vCPUs", "boot Mticks", "boot exits")]
    for g in s["guests"]:
        rows.append((str(g["name"]), str(g["kernel"]), str(g["vcpus"]),
                     number(g["boot_ticks"], 1e6, 0), number(g["boot_exits"], 1, 0)))
    out.append(table(rows))
    rows = [("test", "from > to", "MB", "packets", "lost", "retr", "Mticks/MB", "exits/MB",
             "kticks/packet", "exits/packet")]
    for i in s["iperf"]:
        mb = i["bytes"] / 1e6
        rows.append((i["test"], f"{i['from']} > {i['to']}", number(mb), str(i["packets"]),
                     str(i["lost"]), str(i["retransmits"]), per(i["ticks"], mb, 1e6),
                     per(i["exits"], mb, 1, 1), per(i["ticks"], i["packets"], 1e3),
                     per(i["exits"], i["packets"])))
    out.append(table(rows))
    n = s["net"]
    drops = {k: v for k, v in (n["drops_by_reason"] or {}).items() if v}
    out.append(f"net: {n['frames_in']} frames in, {n['frames_out']} out, drops "
               f"{drops or 'none'}, copies {n['copies']}")
    if s["uplink"]:
        u = s["uplink"]
        bad = {k: v for k, v in {**u["rx_drops_by_reason"], **u["errors"]}.items() if v}
        out.append(f"uplink: {u['driver']}, {u['rx_frames']} frames in, {u['tx_frames']} out, "
                   f"errors and drops {bad or 'none'}, sent without a copy {u['copies']['zero_copy']}, "
                   f"received without {u['copies']['rx_zero_copy']}")
    if s["steer"]:
        out.append(steer_text(s["steer"]))
    return "\n".join(out)
