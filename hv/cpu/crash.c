/* Panic: stop the other cores, dump, power off. */
#include "cpu/crash.h"

#include <stdarg.h>

#include "cpu/apic.h"
#include "cpu/interrupt.h"
#include "cpu/percpu.h"
#include "cpu/power.h"
#include "cpu/symbols.h"
#include "lib/atomic.h"
#include "lib/fmt.h"
#include "lib/log.h"

static uint32_t owner; /* 1 + index of the core that crashes, 0: none */

void crash_begin(void)
{
	uint32_t me = this_cpu()->index + 1, expected = 0;

	interrupts_disable();
	if (!atomic_cas(&owner, &expected, me)) {
		if (expected == me)
			power_off(CRASH_STATUS);
		cpu_stop();
	}
	nmi_stops_cores();
	if (nr_cpus > 1)
		apic_send_nmi_all_but_self();
	log_go_synchronous();
}

void crash_end(void)
{
	power_off(CRASH_STATUS);
}

void panic(const char *fmt, ...)
{
	const uint64_t *frame = (const uint64_t *)read_frame_pointer(); /* our own stack */
	char text[200];
	va_list ap;

	crash_begin();
	va_start(ap, fmt);
	fmt_vprint(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_error("PANIC on core %u: %s", this_cpu()->index, text);
	backtrace_print(frame[1], frame[0]);
	crash_end();
}
