# What else stock ixgbe can do with the simulated 82599: rings, queues, VLANs, filters, addresses.
. /native/net.sh

pings() { # [ADDRESS]
	in_a ping -c 2 -W 1 "${1:-$B}"
}

# Both ports are changed by ethtool, and then still work.
with() { # OPTION SETTING...
	local option=$1
	shift
	in_a ethtool "$option" "$ETH0" "$@" && in_b ethtool "$option" "$ETH1" "$@" || return 1
	wait_until 20 links_up && pings
}

add_vlan() { # NAMESPACE PORT ADDRESS
	nsenter --net=/run/netns/"$1" /bin/ip link add link "$2" name v10 type vlan id 10 &&
		nsenter --net=/run/netns/"$1" /bin/ip addr add "$3/24" dev v10 &&
		nsenter --net=/run/netns/"$1" /bin/ip link set v10 up
}

vlan() {
	load 8021q || return 1
	add_vlan a "$ETH0" $VLAN_A && add_vlan b "$ETH1" $VLAN_B && pings $VLAN_B
}

tcp_over_vlan() {
	in_a timeout 120 iperf3 -c $VLAN_B -i 0 -f m -n 2M >/tmp/iperf 2>&1 || { tail -n 2 /tmp/iperf; return 1; }
	grep receiver /tmp/iperf | sed 's/^\[[^]]*\] *//'
}

# A perfect filter: what matches goes to queue 1, wherever RSS would put it.
flow_director() {
	local queued matched
	in_b ethtool -K "$ETH1" ntuple on && wait_until 20 links_up || return 1
	in_b ethtool -N "$ETH1" flow-type udp4 dst-ip $B dst-port 5201 action 1 loc 5 || return 1
	queued=$(stat b "$ETH1" rx_queue_1_packets) matched=$(stat b "$ETH1" fdir_match)
	iperf_udp -b 10M -l 1400 -n 140K || return 1
	queued=$(($(stat b "$ETH1" rx_queue_1_packets) - queued))
	matched=$(($(stat b "$ETH1" fdir_match) - matched))
	echo "$queued frames in queue 1, $matched matches"
	[ $queued -ge 100 ] && [ $matched -ge 100 ] && in_b ethtool -N "$ETH1" delete 5
}

new_address() {
	in_b /bin/ip link set "$ETH1" address 02:11:22:33:44:55 && in_a /bin/ip neigh flush all
	pings
}

# A foreign unicast address gets through only if everything does.
promiscuous() {
	local before without with
	in_a /bin/ip neigh replace $STRANGER lladdr 02:99:99:99:99:99 dev "$ETH0" || return 1
	before=$(model 1 rx_filtered)
	pings $STRANGER >/dev/null
	without=$(($(model 1 rx_filtered) - before))
	in_b /bin/ip link set "$ETH1" promisc on
	before=$(model 1 rx_filtered)
	pings $STRANGER >/dev/null
	with=$(($(model 1 rx_filtered) - before))
	in_b /bin/ip link set "$ETH1" promisc off
	echo "$without frames filtered, promiscuous $with"
	[ $without = 2 ] && [ $with = 0 ]
}

down_and_up() {
	in_a /bin/ip link set "$ETH0" down && in_a /bin/ip link set "$ETH0" up
	wait_until 20 links_up && pings
}

reload() {
	killall iperf3 # it would keep its namespace
	ip netns del a && ip netns del b
	wait_until 10 port_is_back && rmmod ixgbe && load_ixgbe && net_up 1500 && pings
}
port_is_back() {
	[ -e "/sys/class/net/$ETH0" ] && [ -e "/sys/class/net/$ETH1" ]
}

STRANGER=10.1.0.9 VLAN_A=10.3.0.1 VLAN_B=10.3.0.2
check load load_ixgbe && check namespaces net_up 1500 || return
check rings with -G rx 4096 tx 64
check one-queue with -L combined 1
check two-queues with -L combined 2
check no-pause with -A rx off tx off
check vlan vlan
check vlan-by-software with -K rxvlan off txvlan off
check vlan-by-software-ping pings $VLAN_B
check vlan-by-hardware with -K rxvlan on txvlan on
serve_iperf
check tcp-over-vlan tcp_over_vlan
check flow-director flow_director
check rss with -X equal 1
check address new_address
check promiscuous promiscuous
check errors-0 no_errors a "$ETH0"
check errors-1 no_errors b "$ETH1"
check down-and-up down_and_up
check reload reload
check_kernel
check_drivers
