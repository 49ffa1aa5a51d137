# Stock ixgbe on both ports of the simulated 82599. $irq says which interrupts it is to use: msix,
# msi, intx; $short leaves out what does not depend on that.
. /native/net.sh

OFFLOADS="rx tx sg tso gso gro"
MTU=9000

# Which kind of interrupts the driver really has.
irq_kind() {
	local wanted
	case $irq in
	msix) wanted='PCI-MSIX?.*-TxRx-' ;;
	msi) wanted="PCI-MSI.*$ETH0\$" ;;
	intx) wanted="IO-APIC.*$ETH0" ;;
	esac
	grep -E "$wanted" /proc/interrupts | head -n 1 | tr -s ' '
	grep -Eq "$wanted" /proc/interrupts
}

# ethtool's own tests: each must be 0.
self_test() { # NAMESPACE PORT
	nsenter --net=/run/netns/"$1" ethtool -t "$2" offline >/tmp/selftest 2>&1 || { tr '\n' ' ' </tmp/selftest; return 1; }
	tr -s '\n\t ' ' ' </tmp/selftest
	grep -q 'result is PASS' /tmp/selftest && [ "$(grep -c '[^0-9]0$' /tmp/selftest)" = 5 ]
}

offloads() { # on|off
	local each
	for each in $OFFLOADS; do
		in_a ethtool -K "$ETH0" $each "$1" && in_b ethtool -K "$ETH1" $each "$1" || return 1
	done >/dev/null
	[ "$1" = off ] || { in_a ethtool -K "$ETH0" lro on && in_b ethtool -K "$ETH1" lro on; }
	in_a ethtool -k "$ETH0" | grep -E "^\s*(tcp-segm|generic-rec|large-rec|rx-check|tx-checksum-ip-gen)" | tr -s '\n\t ' ' '
}

# Between these two nothing may reset the ports: the driver loses what its registers held.
agree_begin() {
	before_a=$(snapshot a "$ETH0" 0) before_b=$(snapshot b "$ETH1" 1)
}
agree_end() { # NAME
	check "counts-$1-0" counts_agree a "$ETH0" 0 "$before_a"
	check "counts-$1-1" counts_agree b "$ETH1" 1 "$before_b"
}

check load load_ixgbe || return
check namespaces net_up $MTU || return
check irq-kind irq_kind
check speed speed
check ethtool-test-0 self_test a "$ETH0"
check ethtool-test-1 self_test b "$ETH1"
check links-again wait_until 20 links_up
agree_begin
check ping in_a ping -c 3 -W 2 $B
if [ -z "$short" ]; then
	check ping-every-size in_a pingall $B 64 9018
else
	check ping-some-sizes in_a pingall $B 64 9018 61
fi
agree_end pings
serve_iperf
check offloads-on offloads on
check links-on wait_until 20 links_up
agree_begin
check tcp-offloads-on iperf -n "${bytes:-20M}"
check udp iperf_udp -b 20M -l 1472 -n 1M
if [ -z "$short" ]; then
	check tcp-reverse iperf -R -n "${bytes:-20M}"
	agree_end offloads-on
	check offloads-off offloads off
	check links-off wait_until 20 links_up
	agree_begin
	check tcp-offloads-off iperf -n 8M
	check udp-offloads-off iperf_udp -b 100M -l 8000 -n 2M
	agree_end offloads-off
else
	agree_end offloads-on
fi
check errors-0 no_errors a "$ETH0"
check errors-1 no_errors b "$ETH1"
check_kernel
check_drivers
