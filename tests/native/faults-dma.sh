# What stock ioatdma does when a channel of the simulated I/OAT halts, for each cause that CHANERR has:
# its error path runs, and later copies work.
. /native/dma.sh

count() { # NAME: the engine's own count
	rigctl ioat0 counts | sed -n "s/^$1 //p"
}

# A channel that halts with this bit of CHANERR. The driver finds it by its interrupt (data errors)
# or by its timer, says so, resets the channel and goes on; the copy under way is lost.
halted_channel() { # CAUSE
	local halts resets
	dmatest_prepare dma0chan0 4096 4 || return 1
	halts=$(count halts) resets=$(count resets)
	rigctl ioat0 fault halt 0 "$1"
	dmatest_run
	[ "$(count halts)" -gt "$halts" ] || { echo "it did not halt"; return 1; }
	[ "$(count resets)" -gt "$resets" ] || { echo "the driver did not reset it"; return 1; }
	log_since | grep -E 'ioatdma.*(halted|Err|Reset)' | head -n 1 | sed 's/^[^]]*\] *//' >/tmp/said
	[ "$bad" -ge 1 ] || { echo "no copy failed"; return 1; }
	dmatest dma0chan0 4096 20
	echo "$(cat /tmp/said) then $copies copies, $bad failures"
	[ "$bad" = 0 ] && [ "$copies" = 20 ]
}

check load-ioatdma load_ioatdma && check dmatest-load insmod /modules/dmatest.ko || return
# xor-p, xor-q: at a copy a bug in the engine, at which the driver stops the kernel
for cause in source destination next descriptor chain command chipset-data dma-data read write \
	control length completion interrupt soft unaffiliated count; do
	check "halted-$cause" halted_channel $cause
done
check_kernel
