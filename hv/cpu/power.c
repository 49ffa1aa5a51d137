/* Power off and reset; see power.h. ACPI 6.5, 4.8.3.2 (PM1 control), 4.8.3.6 (reset register). */
#include "cpu/power.h"

#include "cpu/acpi.h"
#include "cpu/hw.h"
#include "cpu/piix4.h"
#include "cpu/tsc.h"
#include "drivers/pci/pci.h"
#include "drivers/uart/uart.h"
#include "lib/fmt.h"

#define DEBUG_EXIT_PORT 0xf4

#define PM1_SCI_ENABLE	 BIT32(0)
#define PM1_SLP_TYP(typ) ((uint16_t)((typ) << 10))
#define PM1_SLP_EN	 BIT32(13)
#define PM1_SLP_MASK	 (BIT32(13) | 7u << 10)

#define SETTLE_US 500000 /* how long each way gets to show effect */

static void say(const char *text)
{
	size_t len = 0;

	while (text[len])
		len++;
	uart_write(text, len);
	uart_flush();
}

/* The firmware may have left the chipset in legacy mode, where PM1 control does nothing. */
static void acpi_mode_enter(const struct acpi_info *a)
{
	if (!a->smi_command_port || !a->acpi_enable || (inw(a->pm1a_control_port) & PM1_SCI_ENABLE))
		return;
	outb(a->smi_command_port, a->acpi_enable);
	for (unsigned ms = 0; ms < 100 && !(inw(a->pm1a_control_port) & PM1_SCI_ENABLE); ms++)
		udelay(1000);
}

static void sleep_enter(uint16_t port, uint8_t typ)
{
	uint16_t v = (uint16_t)(inw(port) & ~PM1_SLP_MASK) | PM1_SLP_TYP(typ);

	outw(port, v);
	outw(port, v | PM1_SLP_EN);
}

static void acpi_power_off(void)
{
	const struct acpi_info *a = acpi_get();

	if (!a->s5_valid || !a->pm1a_control_port)
		return;
	acpi_mode_enter(a);
	sleep_enter(a->pm1a_control_port, a->s5_typ_a);
	if (a->pm1b_control_port)
		sleep_enter(a->pm1b_control_port, a->s5_typ_b);
	udelay(SETTLE_US);
}

static void piix4_power_off(void)
{
	uint16_t base = piix4_pm_base();

	if (!base)
		return;
	sleep_enter(base + PIIX4_PM_CONTROL, 0);
	udelay(SETTLE_US);
}

_Noreturn static void halt_with(const char *text)
{
	say(text);
	cpu_stop();
}

void power_off(int status)
{
	char line[64];

	fmt_print(line, sizeof(line), "sluice: power off, status %d\n", status);
	say(line);
	outb(DEBUG_EXIT_PORT, (uint8_t)status);
	acpi_power_off();
	piix4_power_off();
	halt_with("sluice: cannot power off, halted\n");
}

static void acpi_reset(void)
{
	const struct acpi_info *a = acpi_get();

	if (a->reset.address && a->reset.space == ACPI_SPACE_IO && a->reset.address <= UINT16_MAX)
		outb((uint16_t)a->reset.address, a->reset_value);
	udelay(SETTLE_US);
}

void power_reset(void)
{
	acpi_reset();
	outb(0xcf9, 0x02); /* hard reset armed, then done */
	outb(0xcf9, 0x06);
	udelay(SETTLE_US);
	outb(0x64, 0xfe); /* keyboard controller: pulse the reset line */
	udelay(SETTLE_US);
	halt_with("sluice: cannot reset, halted\n");
}
