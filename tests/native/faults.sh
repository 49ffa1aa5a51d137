# What stock ixgbe does when the simulated 82599 fails as a real one may. Every fault is put in by
# rigctl; the driver's own watchdog has to notice, and all has to work afterwards.
. /native/net.sh

# ixgbe uses one queue a CPU, and the stack may send by any.
fault_queues() { # FUNCTION COMMAND [US]
	local queue
	for queue in 0 1 2 3; do
		rigctl "nic0.$1" fault "$2" $queue $3
	done
}

ping_works() {
	in_a ping -c 2 -W 1 $B
}

recovers() { # SECONDS
	wait_until "$1" ping_works && ping_works | grep 'packets received'
}

# A queue that stands still: the driver finds that what it gave to the chip does not get sent, says
# so and resets the chip, which also ends the fault.
stalled_queue() {
	mark_log
	fault_queues 0 stall-tx
	ping_works >/dev/null && { echo "the queue did not stall"; return 1; }
	wait_until 30 log_has 'Detected Tx Unit Hang|Reset adapter|initiating reset' || { echo "not noticed"; return 1; }
	recovers 30 || { echo "no recovery"; return 1; }
	log_since | grep -E 'Hang|reset' | head -n 1 | sed 's/^[^]]*\] *//'
}

# A message that gets lost: the cause is cleared and masked by then, and only the watchdog, which
# raises every queue's interrupt every 2 seconds, can find what has arrived.
lost_interrupt() {
	local before
	ping_works >/dev/null || { echo "no ping before"; return 1; }
	before=$(rigctl nic0.1 pci | sed -n 's/^lost_interrupts //p')
	rigctl nic0.1 fault lose-interrupts 1
	in_a ping -c 1 -W 10 $B >/tmp/ping || { echo "no answer"; return 1; }
	[ "$(rigctl nic0.1 pci | sed -n 's/^lost_interrupts //p')" -gt "$before" ] || { echo "none was lost"; return 1; }
	recovers 10 >/dev/null || { echo "no recovery"; return 1; }
	sed -n 's/.*time=/answered after /p' /tmp/ping
	# by the watchdog, not by an interrupt
	sed -n 's/.*time=\([0-9]*\).*/\1/p' /tmp/ping | grep -q '[0-9][0-9]'
}

spurious_interrupt() {
	rigctl nic0.0 fault spurious-interrupt 0
	rigctl nic0.0 fault spurious-interrupt 1
	recovers 10
}

link_flap() {
	mark_log
	serve_iperf
	in_a timeout 120 iperf3 -c $B -i 0 -n 10M >/tmp/iperf 2>&1 &
	usleep 100000
	rigctl nic0.0 fault link-flap 500000
	wait_until 20 log_has 'NIC Link is Down' || { echo "down was not noticed"; return 1; }
	wait_until 20 links_up && log_has 'NIC Link is Up' || { echo "up was not noticed"; return 1; }
	wait $! || { echo "iperf3: $(tail -n 1 /tmp/iperf)"; return 1; }
	grep receiver /tmp/iperf | sed 's/^\[[^]]*\] */the connection lived on: /'
}

damaged_frames() {
	local before after
	before=$(stat b "$ETH1" rx_crc_errors)
	rigctl nic0.1 fault damage-fcs 1
	in_a ping -c 2 -W 2 $B >/dev/null
	usleep 100000
	after=$(stat b "$ETH1" rx_crc_errors)
	echo "rx_crc_errors from $before to $after"
	[ "$after" -gt "$before" ] && recovers 10
}

check load-ixgbe load_ixgbe && check namespaces net_up 1500 || return
check ping recovers 10
check stalled-queue stalled_queue
check lost-interrupt lost_interrupt
check spurious-interrupt spurious_interrupt
check link-flap link_flap
check damaged-frames damaged_frames
check_kernel
