# What the models cost: the host's time spent in them, and all of the emulator's, while stock ixgbe
# sends frames of 1518 bytes through the cable as fast as pktgen can feed it. The other port
# receives them; the stack drops them.
. /native/net.sh
FRAMES=60000
LINE_RATE=800000 # a little less than 10 Gbit/s of 1538 bytes with preamble and gap

profile() { # NAME
	rigctl profile | sed -n "s/^$1 //p"
}

up() {
	ip link set "$ETH0" up && ip link set "$ETH1" up
	wait_until 20 grep 1 "/sys/class/net/$ETH0/carrier" && wait_until 20 grep 1 "/sys/class/net/$ETH1/carrier"
}

idle_cost() {
	local models=$(profile models_ns) cpu=$(profile host_cpu_ns)
	sleep 3
	models=$(($(profile models_ns) - models)) cpu=$(($(profile host_cpu_ns) - cpu))
	echo "links up, idle for 3 s: models $((models / 1000)) us of $((cpu / 1000)) us CPU"
	[ $((models * 20)) -lt $cpu ]
}

set_up_pktgen() {
	local line
	insmod /modules/pktgen.ko || return 1
	echo "add_device $ETH0" >/proc/net/pktgen/kpktgend_0
	for line in "count $FRAMES" "pkt_size 1514" "clone_skb 1000" "delay 0" "dst 10.1.0.2" \
		"dst_mac $(cat "/sys/class/net/$ETH1/address")"; do
		echo "$line" >"/proc/net/pktgen/$ETH0" || return 1
	done
}

stream() {
	local received=$(model 1 rx_delivered) models=$(profile models_ns) cpu=$(profile host_cpu_ns) rate
	echo start >/proc/net/pktgen/pgctrl
	sleep 0.1
	models=$(($(profile models_ns) - models)) cpu=$(($(profile host_cpu_ns) - cpu))
	received=$(($(model 1 rx_delivered) - received))
	rate=$(sed -n 's/ *\([0-9]*\)pps.*/\1/p' "/proc/net/pktgen/$ETH0")
	echo "$received of $FRAMES frames, $rate a second: models $((models / FRAMES)) ns a frame," \
		"all else $(((cpu - models) / FRAMES)) ns: $((models * 100 / cpu)) %"
	[ "$received" = "$FRAMES" ] && [ "$rate" -gt $LINE_RATE ] && [ $((models * 2)) -lt $cpu ]
}

check load load_ixgbe && check up up || return
check idle idle_cost
check pktgen set_up_pktgen || return
check stream stream
check_kernel
check_drivers
