"""Do all counts of a run add up? The devices' own, the drivers', the switches' and the guests'.

Compared at the end of a machine that has powered off: the rig's file of counts (its line `counts`),
the hypervisor's statistics, and the guests' lines LINK, which they write when they have settled
(sluice.settle). Switches carry a guest's frames as it made them; on the wire are the segments that
the NIC cuts of them, and the other NIC merges segments again (RSC).
"""
import re


def read_counts(path):
    """{device: {name: number}} of the rig's file."""
    counts, device = {}, None
    with open(path, encoding="ascii") as f:
        for line in f:
            section = re.match(r"\[(.*)\]", line)
            if section:
                device = counts.setdefault(section.group(1), {})
                continue
            name, _, value = line.partition(" ")
            if value.strip().isdigit():
                device[name] = int(value)
    return counts


class Books:
    """Collects what does not balance."""

    def __init__(self):
        self.wrong, self.lines = [], []

    def equal(self, what, left, right):
        self.lines.append(f"{what}: {left} = {right}")
        if left != right:
            self.wrong.append(f"{what}: {left} is not {right}")


def wire(books, name, model, cable):
    """What one port sent is what the other one got, but for what the cable lost."""
    end = int(name[-1])
    books.equal(f"{name} sent, the wire carried", model["tx_frames"] + model["tx_pause"],
                cable[f"end{end}_frames"])
    arrived = cable[f"end{1 - end}_frames"] - cable[f"end{1 - end}_lost"]
    books.equal(f"the wire brought, {name} received", arrived,
                model["rx_frames"] + model["rx_fcs_errors"] + model["rx_length_errors"])


def driver(books, name, model, uplink):
    """The chip's own counts, and what the driver read out of its registers."""
    errors = uplink["errors"]
    for what, mine, its in (
            ("frames sent", model["tx_frames"], uplink["tx_frames"]),
            ("bytes sent", model["tx_bytes"], uplink["tx_bytes"]),
            ("frames received", model["rx_frames"] - model["rx_filtered"] - model["rx_pause"],
             uplink["rx_frames"]),
            ("wrong CRCs", model["rx_fcs_errors"], errors["crc"]),
            ("wrong lengths", model["rx_length_errors"], errors["length"])):
        books.equal(f"{name} {what}, the driver's", mine, its)


def uplink_port(books, name, uplink):
    """Between the wire and the switch."""
    drops = uplink["rx_drops_by_reason"]
    books.equal(f"{name} frames on the wire, of the packets that the switch gave",
                uplink["tx_frames"], uplink["tx_wire_frames"])
    packets = uplink["switch_rx_frames"] + drops["bad_frame"] + drops["bad_descriptor"]
    merged = uplink["rx_coalesced_frames"] - uplink["rx_coalesced"]
    books.equal(f"{name} frames received, lost before the switch, merged, or in it", uplink["rx_frames"],
                drops["missed"] + drops["no_buffer"] + drops["lost_in_reset"] + merged + packets)


def switches(books, net):
    books.equal("switches: in and copies, out and drops", net["frames_in"] + net["extra_copies"],
                net["frames_out"] + sum(net["drops_by_reason"].values()))


def guest(books, link, port):
    """What the guest's kernel counted, and the switch at its port."""
    name = link["guest"]
    for what, its, ours in (("frames sent", "tx_packets", port["rx_frames"]),
                            ("bytes sent", "tx_bytes", port["rx_bytes"]),
                            ("frames received", "rx_packets", port["tx_frames"] - port["tx_joined"]),
                            ("bytes received", "rx_bytes", port["tx_bytes"] - port["tx_joined_bytes"])):
        books.equal(f"guest {name} {what}, at its port", link[its], ours)


def check(counts, stats, links):
    """Books of it all. counts: read_counts(); links: the guests' lines."""
    books = Books()
    uplinks = {f"nic{i // 2}.{i % 2}": u for i, u in enumerate(stats["uplinks"])}
    for name, uplink in uplinks.items():
        wire(books, name, counts[name], counts["wire 0"])
        driver(books, name, counts[name], uplink)
        uplink_port(books, name, uplink)
    switches(books, stats["net"])
    ports = {p["name"]: p for p in stats["ports"]}
    for link in links:
        guest(books, link, ports[link["guest"] + ".0"])
    books.equal("guests that told their counts", len(links), len(stats["guests"]))
    return books
