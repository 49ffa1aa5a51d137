# Stock ixgbe against Linux's own network outside of the emulator: an iperf3 server behind a TAP.
. /native/net.sh
HOST=10.2.0.1 HERE=10.2.0.2

up() {
	ip addr add $HERE/24 dev "$ETH0" && ip link set "$ETH0" up
	wait_until 20 grep 1 "/sys/class/net/$ETH0/carrier" || { echo "no carrier"; return 1; }
}

to_host() { # ARGUMENTS...
	timeout 120 iperf3 -c $HOST -i 0 -f m "$@" >/tmp/iperf 2>&1 || { tail -n 2 /tmp/iperf; return 1; }
	grep receiver /tmp/iperf | sed 's/^\[[^]]*\] *//'
}

check load load_ixgbe || return
check up up || return
check ping ping -c 5 -W 2 $HOST
check tcp to_host -n "${bytes:-10M}"
check tcp-reverse to_host -R -n "${bytes:-10M}"
check udp to_host -u -b 20M -l 1400 -n 1M
check_kernel
check_drivers
