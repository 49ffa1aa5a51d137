#!/usr/bin/env python3
"""Instructions per packet of the 82599's driver, counted by callgrind: `make bench-driver`.

    tests/bench/driver.py PROGRAM     PROGRAM: ixgbe_bench.c, built without sanitizers
"""
import sys

import host

PACKETS = 3200
CHECKSUM = 1 | 2 | 4    # NIC_TX_IPV4, TCP, L4_CSUM of drivers/nic.h
# Of the program's functions; pieces and flags of a packet.
ROWS = (("receive", "bench_receive*", 1, 0),
        ("transmit", "bench_transmit", 1, 0),
        ("transmit, checksum", "bench_transmit", 1, CHECKSUM),
        ("transmit, 3 pieces", "bench_transmit", 3, 0),
        ("transmit, 3 pieces, checksum", "bench_transmit", 3, CHECKSUM))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print("driver of the 82599, batches of 32: instructions per packet")
    for name, function, pieces, flags in ROWS:
        n = host.instructions(sys.argv[1], function, [str(PACKETS), str(pieces), str(flags)])
        print(f"  {name:30}{n / PACKETS:6.1f}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except OSError as e:
        sys.exit(f"bench-driver: {e}")
