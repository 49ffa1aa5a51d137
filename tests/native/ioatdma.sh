# Stock ioatdma on the simulated I/OAT, and the kernel's own dmatest over all of its channels.
PARAMETERS=/sys/module/dmatest/parameters

channels() {
	ls -d /sys/class/dma/dma*chan* 2>/dev/null | wc -l
}

# The driver copies (and with XOR and P+Q more) when it is loaded, and does not register otherwise.
load_ioatdma() {
	mark_log
	load ioatdma || return 1
	log_since | grep -iE 'ioat' | tail -n 5
	! log_has 'elf-test.*(fail|timed out)|disabling' && [ "$(channels)" -ge 4 ] &&
		echo "$(channels) channels"
}

# Every copy is of a random length up to SIZE at random offsets; source and destination are compared
# byte by byte, also around what was copied.
run_dmatest() { # SIZE_BYTES COPIES_PER_CHANNEL
	echo "$1" >$PARAMETERS/test_buf_size
	echo "$2" >$PARAMETERS/iterations
	mark_log
	echo "" >$PARAMETERS/channel
	echo 1 >$PARAMETERS/run
	cat $PARAMETERS/wait >/dev/null
	log_since | grep -E 'dmatest.*(summary|failure|timed out|error)' | sed 's/^[^:]*: *//' >/tmp/dmatest
	awk '/summary/ { for (i = 1; i <= NF; i++) { if ($(i + 1) == "tests,") n += $i;
			if ($(i + 1) ~ /^failures/) bad += $i }; threads++ }
		END { print n + 0, bad + 0, threads + 0 }' /tmp/dmatest >/tmp/sum
	read -r n bad threads </tmp/sum
	copies=$((copies + n))
	grep -v summary /tmp/dmatest | tail -n 2
	echo "$n tests by $threads threads, $bad failures"
	[ "$bad" = 0 ] && [ "$threads" -ge "$(channels)" ] && [ "$n" -ge $(($2 * $(channels))) ]
}

copies=0
check load load_ioatdma || return
check dmatest-load insmod /modules/dmatest.ko || return
check copies-1-to-4K run_dmatest 4096 $((9000 / $(channels) + 1))
check copies-1-to-64K run_dmatest 65536 $((1000 / $(channels) + 1))
check copies-1-to-1M run_dmatest 1048576 $((32 / $(channels)))
if [ $copies -ge 10000 ]; then pass copies "$copies"; else fail copies "$copies"; fi
check_kernel
