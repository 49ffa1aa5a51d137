/* What turns a guest off and on again, and the little of a PC that Linux looks for on the way:
 * ACPI sleep registers and reset register, keyboard controller, CMOS clock.
 *
 * ACPI 6.4, sections 4.8.3.6 (reset register) and 4.8.3.7 (sleep control and status, which exist on
 * hardware-reduced platforms). */
#ifndef SLUICE_DEV_POWER_H
#define SLUICE_DEV_POWER_H

#include <stdint.h>

#include "dev/bus.h"

/* For the FADT and for \_S5 in the DSDT. */
#define POWER_SLEEP_CONTROL_PORT 0x600
#define POWER_SLEEP_STATUS_PORT	 0x601
#define POWER_SLP_TYP_S5	 5
#define POWER_RESET_PORT	 0xcf9
#define POWER_RESET_VALUE	 0x06
#define POWER_CMOS_CENTURY	 0x32

/* Both callbacks that end the guest come on the vCPU's core, inside the port access, and return. */
struct power_ops {
	void (*poweroff)(void *ctx);
	void (*reset)(void *ctx);
	/* Seconds since 1970-01-01 UTC. */
	uint64_t (*wall_clock_s)(void *ctx);
};

struct power {
	const struct power_ops *ops;
	void *ctx;
	uint8_t sleep_control, reset_control, cmos_index;
};

void power_init(struct power *p, const struct power_ops *ops, void *ctx);
/* Adds its port regions; before any region that covers 0xCF8-0xCFF, since one of them is 0xCF9.
 * 0 or -ENOSPC. */
int power_attach(struct power *p, struct bus *ports) __must_check;

/* bus_handlers, for tests. */
void power_sleep_port(void *arg, struct bus_access *a);	   /* 0x600, 2 ports */
void power_reset_port(void *arg, struct bus_access *a);	   /* 0xcf9, 1 port */
void power_keyboard_port(void *arg, struct bus_access *a); /* 0x60, 5 ports */
void power_cmos_port(void *arg, struct bus_access *a);	   /* 0x70, 2 ports */

#endif
