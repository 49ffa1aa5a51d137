"""Writes and reads as much of sluice.conf as the tools need. Its reference: docs/sluice-conf.md."""
import re

PORT = """\
# {count} Linux guests on one switch.
[sluice]
idle = {idle}

[switch lan0]
"""

WIRED = """\
# {count} Linux guests, each on a switch of its own with a port of a NIC; a cable is between them.
[sluice]
idle = {idle}
steer = dca

[switch lan0]
uplink = nic=0{options}

[switch lan1]
uplink = nic=1{options}
"""
# The emulated CPUs do not report DCA, so it is forced. By this map a core's tag is its APIC ID with
# bit 3 set: 0 would be no tag.
IOAT_DCA = "ioat dca tag-map=01424140"
# the rig's machine for it: tests/rig
WIRED_RIG = ["82599", IOAT_DCA, "wire cable"]

HOST = """\
# A Linux guest on a switch with a port of a NIC, whose wire leads to the host.
[sluice]
idle = {idle}
steer = dca

[switch lan0]
uplink = nic=0{options}
"""
# what tests/native/host-net makes
HOST_ADDRESS = "10.2.0.1"
HOST_RIG = ["82599", IOAT_DCA, "wire 0 tap=tap0"]
# of UDP: what an emulated guest can take
HOST_TESTS = "sluice.tests=tcp,tcp_reverse,udp:4000000:20M,udp_reverse:1:20M"

STEERED = """\
# Two Linux guests that reach each other over a wire, and two that take all the time they get.
[sluice]
policy = {policy}
steer = {backend}

[switch lan0]
uplink = nic=0

[switch lan1]
uplink = nic=1
"""
# started when the others have booted, which the hogs would only make longer
HOG = """
[guest {name}]
memory = 16M
kernel = hog.elf
autostart = off
"""
START_HOGS = ["start hog0 after GUEST b peer", "start hog1 after guest hog0: started"]

GUEST = """
[guest {name}]
vcpus = {vcpus}
memory = {memory}
kernel = vmlinuz
initrd = initrd
nic = switch={switch}{nic}
cmdline = {cmdline}
"""
ROLES = {"a": "sluice.ip=10.0.0.1/24 sluice.role=server",
         "b": "sluice.ip=10.0.0.2/24 sluice.role=client sluice.peer=10.0.0.1"}
HOST_ROLES = {"a": f"sluice.ip=10.2.0.2/24 sluice.role=client sluice.peer={HOST_ADDRESS} {HOST_TESTS}"}


def compose(head, roles, switches, cmdline="", extra="", memory="128M", nic="", vcpus=1):
    """The guests behind the head. A user's cmdline takes the place of ours, extra adds to it."""
    text = head
    for (name, role), switch in zip(roles.items(), switches):
        line = cmdline or f"console=ttyS0 quiet sluice.name={name} {role} {extra}".strip()
        text += GUEST.format(name=name, vcpus=vcpus, memory=memory, cmdline=line, switch=switch,
                             nic=nic and " " + nic)
    return text


def two_guests(idle="poweroff", wired=None, **guests):
    """a serves iperf3, b is its client.

    wired: options of the uplinks ("" for none) through which they reach each other; None: one switch.
    guests: see compose().
    """
    if wired is None:
        head, switches = PORT.format(count=len(ROLES), idle=idle), ["lan0", "lan0"]
    else:
        head = WIRED.format(count=len(ROLES), idle=idle, options=wired and " " + wired)
        switches = ["lan0", "lan1"]
    return compose(head, ROLES, switches, **guests)


def steered_guests(policy="full", backend="dca", hogs=2, after="off", extra=""):
    """As two_guests(wired=""), next to hogs. b is asked to power the machine off when it is done."""
    text = compose(STEERED.format(policy=policy, backend=backend), ROLES, ["lan0", "lan1"],
                   extra=f"{extra} sluice.after={after}".strip())
    text = text.replace("[guest b]\n", "[guest b]\nexit = poweroff\n")
    return text + "".join(HOG.format(name=f"hog{i}") for i in range(hogs))


def host_guest(idle="poweroff", uplink="", **guests):
    """a is the client of an iperf3 server of the host. uplink: its options."""
    head = HOST.format(idle=idle, options=uplink and " " + uplink)
    return compose(head, HOST_ROLES, ["lan0"], **guests)


def guests(text):
    """{name: {option: value}} of all [guest] sections; cmdline's sluice.KEY=VALUE as "sluice.KEY"."""
    found, current = {}, None
    for line in text.splitlines():
        section = re.match(r"\s*\[\s*(\w+)(?:\s+([^\]\s]+))?\s*\]", line)
        if section:
            current = found.setdefault(section.group(2), {}) if section.group(1) == "guest" else None
            continue
        option = re.match(r"\s*(\w+)\s*=\s*(.*)", line)
        if option and current is not None:
            current[option.group(1)] = option.group(2).strip()
            if option.group(1) == "cmdline":
                current.update(w.split("=", 1) for w in option.group(2).split()
                               if w.startswith("sluice.") and "=" in w)
    return found


def expected_tests(text):
    """[(client's name, number, test)] that the guests of this configuration will run."""
    expected = []
    for name, options in guests(text).items():
        if options.get("sluice.role") == "client":
            tests = options.get("sluice.tests", "tcp,tcp_reverse,udp,udp_reverse")
            tests = tests.split(",") * int(options.get("sluice.repeat", "1"))
            expected += [(options.get("sluice.name", name), n, test) for n, test in enumerate(tests, 1)]
    return expected


def name_of_address(text, address):
    """The guest that has this IP address, "host" if it is the host's, or the address itself."""
    for name, options in guests(text).items():
        if options.get("sluice.ip", "").split("/")[0] == address:
            return name
    return "host" if address == HOST_ADDRESS else address
