# The I/OAT engine's driver, and the kernel's dmatest.
PARAMETERS=/sys/module/dmatest/parameters

channels() {
	ls -d /sys/class/dma/dma*chan* 2>/dev/null | wc -l
}

# The driver copies once when it is loaded, and does not register otherwise.
load_ioatdma() {
	mark_log
	load ioatdma || return 1
	log_since | grep ioat | tail -n 3
	! log_has 'elf-test.*(fail|timed out)|disabling' && [ "$(channels)" -ge 4 ] &&
		echo "$(channels) channels"
}

# Takes the channels: the driver starts them, which is a first descriptor.
dmatest_prepare() { # CHANNEL|"" SIZE_BYTES COPIES_PER_CHANNEL
	echo "$2" >$PARAMETERS/test_buf_size
	echo "$3" >$PARAMETERS/iterations
	echo "$1" >$PARAMETERS/channel
}

# Runs it until it is through: $copies, $bad, $threads then say how often it copied, what of that
# went wrong, and how many threads did it. Every copy is of a random length up to SIZE at random
# offsets; source and destination are compared byte by byte, also around what was copied.
dmatest_run() {
	mark_log
	echo 1 >$PARAMETERS/run
	usleep 100000 # until the threads count as running
	cat $PARAMETERS/wait >/dev/null
	log_since | grep dmatest | sed 's/^[^]]*\] *//' >/tmp/dmatest
	awk '/summary/ {
			for (i = 1; i < NF; i++) {
				if ($(i + 1) == "tests,") n += $i
				if ($(i + 1) == "failures") bad += $i
			}
			threads++
		}
		END { print n + 0, bad + 0, threads + 0 }' /tmp/dmatest >/tmp/sum
	read -r copies bad threads </tmp/sum
}

dmatest() { # CHANNEL|"" SIZE_BYTES COPIES_PER_CHANNEL
	dmatest_prepare "$@" && dmatest_run
}
