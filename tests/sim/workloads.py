"""What the simulation runs: workloads, machines, policies, and the ablation."""

POLICIES = ("static", "rss", "follow", "full")
MACHINES = ("westmere", "haswell", "skylake")
SEEDS = (1, 2)

# The I/O guests and the hogs of a machine with so many cores, overcommitted by that factor.
def crowd(cores, factor):
    vcpus = cores * factor
    return {"cores": cores, "io": vcpus // 2, "hogs": vcpus - vcpus // 2}


STREAMS = {"flows": 4, "window": 16}

# name: (title, options)
WORKLOADS = {
    "one-flow": ("one guest, one flow, 4 cores", {"cores": 4, "io": 1, "window": 64}),
    "many-flows": ("4 guests, 16 flows each, 4 cores",
                   {"cores": 4, "io": 4, "flows": 16, "window": 8}),
    "beside-hogs": ("2 guests that get 20,000 frames/s of mixed sizes, 6 hogs, 4 cores",
                    {"cores": 4, "io": 2, "hogs": 6, "traffic": "poisson", "frames": "mix",
                     "pps": 20000}),
    "bursts": ("4 guests, 50,000 frames/s each in bursts of 32, 4 hogs, 4 cores",
               {"cores": 4, "io": 4, "hogs": 4, "traffic": "bursts", "pps": 50000,
                "burst": 32}),
    "over-1x": ("2 guests, 2 hogs, 4 cores", {**crowd(4, 1), **STREAMS}),
    "over-2x": ("4 guests, 4 hogs, 4 cores", {**crowd(4, 2), **STREAMS}),
    "over-4x": ("8 guests, 8 hogs, 4 cores", {**crowd(4, 4), **STREAMS}),
    "over-8x": ("16 guests, 16 hogs, 4 cores", {**crowd(4, 8), **STREAMS}),
    "cores-16": ("16 guests, 16 hogs, 16 cores, 4 ports",
                 {**crowd(16, 2), **STREAMS, "ports": 4, "run_us": 100000}),
    "cores-64": ("64 guests, 64 hogs, 64 cores, 16 ports",
                 {**crowd(64, 2), **STREAMS, "ports": 16, "sample": 16, "run_us": 50000}),
    "cores-256": ("256 guests, 256 hogs, 256 cores, 64 ports",
                  {**crowd(256, 2), **STREAMS, "ports": 64, "sample": 32, "warm_us": 20000,
                   "run_us": 20000}),
}

# On one machine only, with one seed: they take long.
BIG = ("cores-64", "cores-256")
BIG_MACHINE = "skylake"

OVERCOMMIT = ("over-1x", "over-2x", "over-4x", "over-8x")
SCALING = ("over-2x", "cores-16", "cores-64", "cores-256")

# The paper's baseline, and what is added to it: alone, and together.
BASELINE = {"policy": "static", "sched": "rr", "cache_aware": "off", "credit_stealing": "off",
            "engine": "off", "linux_bridge": "on"}
ADDITIONS = {
    "boost of I/O": {"sched": "full"},
    "cache-aware scheduling": {"sched": "full", "cache_aware": "on"},
    "credit stealing": {"sched": "full", "credit_stealing": "on"},
    "data movement": {"policy": "full", "engine": "on"},
    "simplified bridge": {"linux_bridge": "off"},
}


ABLATION = ("over-2x", "beside-hogs")


def ablation():
    """(title, options) of each row."""
    rows = [("baseline", dict(BASELINE))]
    rows += [("+ " + title, {**BASELINE, **change}) for title, change in ADDITIONS.items()]
    both = {**ADDITIONS["cache-aware scheduling"], **ADDITIONS["credit stealing"]}
    rows.append(("+ both scheduler changes", {**BASELINE, **both}))
    rows.append(("+ both, and data movement", {**BASELINE, **both, **ADDITIONS["data movement"]}))
    everything = dict(BASELINE)
    for change in ADDITIONS.values():
        everything.update(change)
    rows.append(("all", everything))
    for title, change in ADDITIONS.items():
        without = {key: BASELINE[key] for key in change}
        if title in ("cache-aware scheduling", "credit stealing"):
            without.pop("sched", None) # the boost stays
        rows.append(("all but " + title, {**everything, **without}))
    return rows
