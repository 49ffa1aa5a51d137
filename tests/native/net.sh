# Both ports of the 82599, each in a network namespace of its own, with a cable between them.
A=10.1.0.1 B=10.1.0.2

port_of() { # FUNCTION
	ls /sys/bus/pci/devices/*."$1"/net 2>/dev/null | head -n 1
}

in_a() { nsenter --net=/run/netns/a "$@"; }
in_b() { nsenter --net=/run/netns/b "$@"; }

carrier() {
	[ "$(in_a cat "/sys/class/net/$ETH0/carrier" 2>/dev/null)" = 1 ]
}

has_carrier() { # NAMESPACE PORT
	nsenter --net=/run/netns/"$1" /bin/ip link show "$2" | grep -q LOWER_UP
}

links_up() {
	has_carrier a "$ETH0" && has_carrier b "$ETH1"
}

# Loads the driver: ETH0 and ETH1 are the ports' names then.
load_ixgbe() {
	load ixgbe || return 1
	ETH0=$(port_of 0) ETH1=$(port_of 1)
	[ -n "$ETH0" ] && [ -n "$ETH1" ] || { echo "ports: '$ETH0' '$ETH1'"; return 1; }
	echo "$ETH0 and $ETH1"
}

# Into the namespaces, addresses, up.
net_up() { # MTU
	ip netns add a && ip netns add b || return 1
	ip link set "$ETH0" netns a && ip link set "$ETH1" netns b || return 1
	# what IPv6 says by itself would come between two readings of a counter
	in_a sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
	in_b sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
	in_a /bin/ip addr add $A/24 dev "$ETH0" && in_b /bin/ip addr add $B/24 dev "$ETH1" || return 1
	in_a /bin/ip link set "$ETH0" mtu "$1" up && in_b /bin/ip link set "$ETH1" mtu "$1" up || return 1
	in_a /bin/ip link set lo up
	in_b /bin/ip link set lo up
	wait_until 20 links_up || { echo "no carrier"; return 1; }
	echo "MTU $1"
}

speed() {
	in_a ethtool "$ETH0" | grep -E 'Speed: 10000Mb/s' && in_b ethtool "$ETH1" | grep 'Speed: 10000Mb/s'
}

# Statistics of the driver: in_a stat eth0 NAME
stat() { # NAMESPACE PORT NAME
	nsenter --net=/run/netns/"$1" ethtool -S "$2" | sed -n "s/^ *$3: //p"
}

ERRORS='err|drop|fail|missed|timeout|no_buffer|no_dma|overflow|abort|collision'

# Passes if no counter of anything wrong has moved.
no_errors() { # NAMESPACE PORT
	local bad
	bad=$(nsenter --net=/run/netns/"$1" ethtool -S "$2" | grep -E "$ERRORS" | grep -v ': 0$' | tr -d '\n')
	echo "${bad:-all 0}"
	[ -z "$bad" ]
}

model() { # PORT NAME: the model's own count
	rigctl "nic0.$1" counts | sed -n "s/^$2 //p"
}

# What the driver read out of the chip's registers, and what the model counted by itself.
snapshot() { # NAMESPACE PORT FUNCTION
	echo "$(stat "$1" "$2" rx_pkts_nic) $(stat "$1" "$2" tx_pkts_nic)" \
		"$(stat "$1" "$2" rx_bytes_nic) $(stat "$1" "$2" tx_bytes_nic)" \
		"$(model "$3" rx_frames) $(model "$3" tx_frames) $(model "$3" rx_bytes) $(model "$3" tx_bytes)"
}

# Passes if both have moved by the same amounts since the snapshot.
counts_agree() { # NAMESPACE PORT FUNCTION SNAPSHOT
	set -- $4 $(snapshot "$1" "$2" "$3")
	echo "frames received $(($9 - $1)) sent $((${10} - $2)), bytes $((${11} - $3)) and $((${12} - $4))," \
		"the model: $((${13} - $5)) $((${14} - $6)), $((${15} - $7)) $((${16} - $8))"
	[ $(($9 - $1)) = $((${13} - $5)) ] && [ $((${10} - $2)) = $((${14} - $6)) ] &&
		[ $((${11} - $3)) = $((${15} - $7)) ] && [ $((${12} - $4)) = $((${16} - $8)) ]
}

listens() {
	in_b netstat -ltn | grep -q ':5201 '
}

serve_iperf() {
	in_b iperf3 -s -D >/dev/null 2>&1
	wait_until 5 listens
}

# Passes if everything that was sent was received.
iperf() { # ARGUMENTS...
	in_a timeout 120 iperf3 -c $B -i 0 -f m "$@" >/tmp/iperf 2>&1 || { tail -n 2 /tmp/iperf; return 1; }
	grep receiver /tmp/iperf | sed 's/^\[[^]]*\] *//'
}

# UDP at a rate that the machine can follow: nothing may get lost.
iperf_udp() { # ARGUMENTS...
	iperf -u "$@" || return 1
	grep receiver /tmp/iperf | grep -q ' 0/[1-9][0-9]* (0%)'
}
