# What the scripts of native Linux share; sourced by init.
#
# A check's verdict is one line, which tests/system/run reads:
#   CHECK name PASS|FAIL detail
passed=0 failed=0

# busybox's shell prefers its own applets
ip() { /bin/ip "$@"; }

pass() { # NAME [DETAIL]
	passed=$((passed + 1))
	echo "CHECK $1 PASS${2:+ $2}"
}

fail() { # NAME [DETAIL]
	failed=$((failed + 1))
	echo "CHECK $1 FAIL${2:+ $2}"
}

# Passes if the command does; what it printed last is the detail.
check() { # NAME COMMAND...
	local name=$1 status=0
	shift
	"$@" >/tmp/check 2>&1 || status=$?
	if [ $status = 0 ]; then
		pass "$name" "$(tail -n 1 /tmp/check)"
	else
		fail "$name" "status $status: $(tail -n 3 /tmp/check | tr '\n' ' ')"
	fi
	return $status
}

# Emulated time is cheap while the machine is idle.
wait_until() { # SECONDS COMMAND...
	local left=$(($1 * 10))
	shift
	until "$@" >/dev/null 2>&1; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		usleep 100000
	done
}

# With what it needs, in order.
load() { # MODULE [PARAMETER...]
	local module=$1 file
	shift
	[ -e "/modules/$module.order" ] || { echo "no module $module"; return 1; }
	while read -r file; do
		case $file in
		*/$module.ko) insmod "$file" "$@" || return 1 ;;
		*) insmod "$file" 2>/dev/null || true ;; # may be there already
		esac
	done <"/modules/$module.order"
}

# The kernel's messages since the last call of mark_log.
mark_log() {
	log_lines=$(dmesg | wc -l)
}
log_since() {
	dmesg | tail -n +$((${log_lines:-0} + 1))
}
log_has() { # REGEX
	log_since | grep -Eq "$1"
}

# What the kernel itself finds wrong.
check_kernel() {
	local bad
	bad=$(dmesg | grep -E 'BUG:|Oops|WARNING: CPU|Call Trace|nobody cared|lockup|general protection' | head -n 1)
	if [ -z "$bad" ]; then pass kernel "no warning"; else fail kernel "$bad"; fi
}

# What ixgbe says where some cases want it to do without MSI-X or MSI.
FALLS_BACK='Failed to allocate MSI|Disabling (SR-IOV|RSS|DCB) support'

# For cases without faults: the drivers have nothing to complain of.
check_drivers() {
	local bad
	bad=$(dmesg -r | grep -E '^<[0-4]>.*(ixgbe|ioatdma)' |
		grep -Ev "$FALLS_BACK" | head -n 1)
	if [ -z "$bad" ]; then pass drivers "no complaint"; else fail drivers "$bad"; fi
}
