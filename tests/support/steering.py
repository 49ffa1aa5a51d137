"""Did packets go where steering says? The hypervisor's books against the devices' own record.

From a machine that has ended: the console's lines of `steer trace`, the statistics, and the rig's
record of all DMA writes with the cache that each was aimed at (its line `record`).

- Placements by an engine: the channel's write to that address names a core. It must be the one that
  the hypervisor says it chose, and the placement is on target if the vCPU took it there.
- Placements by a CPU leave no write of a device: the core that copied is the hypervisor's own word.
- The 82599's writes of payload name a core by their tag. Each belongs to a guest by its queue, and is
  on target if that guest's vCPU next took packets on that core.
"""
import bisect
import re
from collections import Counter, defaultdict

PLACED = re.compile(r"placed (\S+) 0x([0-9a-f]+) (\d+) \d+ (cpu|engine|nic) (\d+) (\d+) (\d+) (\d+) (\w+)")
TAG_BIT = 8          # conf.WIRED_RIG: a core's tag is its APIC ID with this bit set
PS_PER_US = 1_000_000
NEWEST_US = 20_000   # a copy is published that long after it was written, at most
IOAT_TARGET = 0xffff
MIN_PLACEMENTS = 200
MIN_SHARE = 0.95     # of the cores
MIN_IN_TIME = 0.95   # that, and within the estimate of how long packets survive in a cache


class Placement:
    def __init__(self, match):
        self.guest, self.writer, self.verdict = match.group(1), match.group(4), match.group(9)
        self.addr, self.len_bytes = int(match.group(2), 16), int(match.group(3))
        self.core, self.consumed = int(match.group(5)), int(match.group(6))
        self.published_us, self.consumed_us = int(match.group(7)), int(match.group(8))


def read_trace(lines):
    return [Placement(m) for m in map(PLACED.search, lines) if m]


class Write:
    def __init__(self, words):
        self.at_ps, self.device, self.queue = int(words[0]), int(words[1]), int(words[2])
        self.kind, self.addr, self.len_bytes = words[3], int(words[4], 16), int(words[5])
        self.target = None if words[6] == "-" else int(words[6])


def read_record(path):
    with open(path, encoding="ascii") as f:
        return [Write(line.split()) for line in f]


class Engine:
    """The I/OAT function's writes of payload, by their place in memory."""
    BLOCK = 4096

    def __init__(self, writes):
        self.blocks = defaultdict(list)
        for w in writes:
            for block in range(w.addr // self.BLOCK, (w.addr + w.len_bytes - 1) // self.BLOCK + 1):
                self.blocks[block].append(w)

    def write_of(self, p):
        """The newest one into the packet before it was published."""
        end_ps, best = (p.published_us + 1) * PS_PER_US, None
        for block in range(p.addr // self.BLOCK, (p.addr + p.len_bytes - 1) // self.BLOCK + 1):
            for w in self.blocks[block]:
                if w.addr < p.addr + p.len_bytes and p.addr < w.addr + w.len_bytes and \
                        end_ps - NEWEST_US * PS_PER_US <= w.at_ps <= end_ps and \
                        (best is None or w.at_ps > best.at_ps):
                    best = w
        return best


class Check:
    def __init__(self, lines, stats, record, guest_of_nic, ioat):
        self.trace, self.stats = read_trace(lines), stats["steer"]
        self.apic = [c["apic_id"] for c in stats["core_ticks"]]
        self.guest_of_nic = guest_of_nic
        self.record = record
        self.engine = Engine(w for w in record if w.device == ioat and w.kind == "payload")
        self.wrong, self.lines = [], []

    def say(self, text):
        self.lines.append(text)

    def demand(self, good, text):
        self.say(text)
        if not good:
            self.wrong.append(text)

    def core_of_apic(self, apic_id):
        return self.apic.index(apic_id) if apic_id in self.apic else None

    def counters(self):
        """Placed is on target, missed, or not yet taken."""
        for s in [self.stats] + self.stats["guests"]:
            known = s["on_target"] + sum(s["missed"].values())
            self.demand(known <= s["placed"] and s["placed"] - known <= 1024,
                        f"{s.get('name', 'all')}: {s['placed']} placed, {s['on_target']} on target, "
                        f"missed {s['missed']}")

    def engine_placements(self):
        """(on target by the record, of how many); each one's verdict must be the hypervisor's."""
        seen, good, unlike = 0, 0, Counter()
        for p in self.trace:
            if p.writer != "engine":
                continue
            w = self.engine.write_of(p)
            if w is None:
                unlike["no write in the record"] += 1
                continue
            aimed = None if w.target is None else self.core_of_apic(w.target & IOAT_TARGET)
            seen += 1
            good += aimed == p.consumed
            if aimed != p.core and p.verdict != "astray":
                unlike[f"aimed at core {aimed}, meant for {p.core}"] += 1
            elif (aimed == p.consumed) != (p.verdict in ("on_target", "old")):
                unlike[f"aimed at {aimed}, taken on {p.consumed}, said to be {p.verdict}"] += 1
        self.demand(not unlike, f"engine: {seen} placements, {good} on target by the record, "
                    f"not as the hypervisor says: {dict(unlike) or 'none'}")
        return good, seen

    def cpu_placements(self):
        seen = [p for p in self.trace if p.writer == "cpu"]
        good = sum(p.core == p.consumed and p.verdict != "astray" for p in seen)
        unlike = sum((p.core == p.consumed) != (p.verdict in ("on_target", "old"))
                     for p in seen if p.verdict != "astray")
        self.demand(not unlike, f"cpu: {len(seen)} placements, {good} on target, {unlike} not as said")
        return good, len(seen)

    def nic_writes(self):
        """(on target, of how many): the NICs' payload against where the guest took packets next."""
        taken = defaultdict(list)
        for p in self.trace:
            taken[p.guest].append((p.consumed_us * PS_PER_US, p.consumed))
        good = seen = untagged = 0
        for w in self.record:
            guest = self.guest_of_nic.get(w.device)
            if w.kind not in ("payload", "header") or guest not in taken or w.queue == 0:
                continue
            times = taken[guest]
            at = bisect.bisect_left(times, (w.at_ps, 0))
            if w.at_ps < times[0][0] or at == len(times):
                continue # not in the trace's time
            seen += 1
            untagged += w.target is None
            good += w.target is not None and self.core_of_apic(w.target & ~TAG_BIT) == times[at][1]
        self.say(f"82599: {seen} writes of payload in the trace's time, {good} aimed at the core where "
                 f"the guest took packets next, {untagged} without a tag")
        return good, seen

    def run(self):
        self.counters()
        self.trace.sort(key=lambda p: p.consumed_us)
        engine, cpu, nic = self.engine_placements(), self.cpu_placements(), self.nic_writes()
        good, seen = engine[0] + cpu[0], engine[1] + cpu[1]
        self.demand(seen >= MIN_PLACEMENTS, f"{seen} placements in the trace")
        share = good / seen if seen else 0
        self.demand(share >= MIN_SHARE, f"on target: {100 * share:.1f}% of the trace")
        self.demand(engine[1] > 0, f"engine: {engine[1]} placements")
        share = nic[0] / nic[1] if nic[1] else 0
        self.demand(share >= MIN_SHARE, f"82599's tags on target: {100 * share:.1f}%")
        known = self.stats["on_target"] + sum(self.stats["missed"].values())
        share = self.stats["on_target"] / known if known else 0
        self.demand(share >= MIN_IN_TIME, f"on target by the counters of the whole run, and in time: "
                    f"{100 * share:.1f}%")
        return self
