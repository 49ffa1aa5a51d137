# What a payload byte costs stock Linux with stock ixgbe over the cable, for `make bench`: each test
# as a line  BENCH name bytes picoseconds  of emulated time, start and end of iperf3 included.
. /native/net.sh
TESTS=${tests:-tcp:1000000,tcp:20000000,tcp:80000000,tcp_reverse:20000000,tcp_reverse:80000000}

now_ps() {
	rigctl time | sed -n 's/^ps //p'
}

measure() { # NAME BYTES
	local start=$(now_ps) reverse=
	[ "$1" = tcp ] || reverse=-R
	in_a iperf3 -c $B -i 0 -n "$2" $reverse >/tmp/iperf 2>&1 || { tail -n 1 /tmp/iperf; return 1; }
	echo "BENCH $1 $2 $(($(now_ps) - start))" >/dev/console
}

check load load_ixgbe || return
ethtool -K "$ETH0" lro on && ethtool -K "$ETH1" lro on # the NIC merges, as Sluice has it do
check namespaces net_up 1500 || return
serve_iperf
for each in $(echo "$TESTS" | tr , ' '); do
	check "$each" measure "${each%%:*}" "${each#*:}"
done
check_kernel
