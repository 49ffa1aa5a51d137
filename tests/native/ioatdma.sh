# Stock ioatdma on the simulated I/OAT, and dmatest over all of its channels.
. /native/dma.sh

run_dmatest() { # SIZE_BYTES COPIES_PER_CHANNEL
	dmatest "" "$1" "$2"
	total=$((total + copies))
	grep -E "result|dstbuf|srcbuf" /tmp/dmatest | tail -n 2
	echo "$copies copies by $threads threads, $bad failures"
	[ "$bad" = 0 ] && [ "$threads" = "$(channels)" ] && [ "$copies" = $(($2 * threads)) ]
}

total=0
check load load_ioatdma || return
check dmatest-load insmod /modules/dmatest.ko || return
check copies-1-to-4K run_dmatest 4096 $((9500 / $(channels)))
check copies-1-to-64K run_dmatest 65536 $((500 / $(channels)))
check copies-1-to-1M run_dmatest 1048576 $((16 / $(channels)))
echo 1 >$PARAMETERS/transfer_size
check copies-of-1 run_dmatest 4096 10
echo 0 >$PARAMETERS/transfer_size
echo Y >$PARAMETERS/norandom
check copies-of-1M run_dmatest 1048576 2
if [ $total -ge 10000 ]; then pass total "$total"; else fail total "$total"; fi
check_kernel
check_drivers
