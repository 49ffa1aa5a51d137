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

[switch lan0]
uplink = nic=0{options}

[switch lan1]
uplink = nic=1{options}
"""
# the rig's machine for it: tests/rig
WIRED_RIG = ["82599", "ioat", "wire cable"]

GUEST = """
[guest {name}]
vcpus = 1
memory = {memory}
kernel = vmlinuz
initrd = initrd
nic = switch={switch}{nic}
cmdline = {cmdline}
"""


def two_guests(cmdline="", extra="", idle="poweroff", memory="128M", wired=None, nic=""):
    """a serves iperf3, b is its client. A user's cmdline takes the place of ours, extra adds to it.

    wired: options of the uplinks ("" for none) through which they reach each other; None: one switch.
    """
    roles = {"a": "sluice.ip=10.0.0.1/24 sluice.role=server",
             "b": "sluice.ip=10.0.0.2/24 sluice.role=client sluice.peer=10.0.0.1"}
    if wired is None:
        text, switches = PORT.format(count=len(roles), idle=idle), ["lan0", "lan0"]
    else:
        text = WIRED.format(count=len(roles), idle=idle, options=wired and " " + wired)
        switches = ["lan0", "lan1"]
    for (name, role), switch in zip(roles.items(), switches):
        line = cmdline or f"console=ttyS0 quiet sluice.name={name} {role} {extra}".strip()
        text += GUEST.format(name=name, memory=memory, cmdline=line, switch=switch,
                             nic=nic and " " + nic)
    return text


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
            expected += [(options.get("sluice.name", name), n, test)
                         for n, test in enumerate(tests.split(","), 1)]
    return expected


def name_of_address(text, address):
    """The guest that has this IP address, or the address itself."""
    for name, options in guests(text).items():
        if options.get("sluice.ip", "").split("/")[0] == address:
            return name
    return address
