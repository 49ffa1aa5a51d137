/* Is the emulator that loaded the plugin the one that bxabi.h describes? First its build id, then
 * what its tables and functions really do. */
#define _GNU_SOURCE
#include "bxabi.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* check-abi reads this too: one a line. */
static const struct {
	const char *id, *version;
} known[] = {
	{ "f9c80ecb172a805acee2c7c2d7772a1f38b70396", "3.0+dfsg-1" },
};

#define ID_BYTES 20

static char reason[200];

__attribute__((format(printf, 1, 2))) static const char *no(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(reason, sizeof(reason), format, ap);
	va_end(ap);
	return reason;
}

static bool take_id(const uint8_t *note, const uint8_t *end, char *hex)
{
	while (end - note >= (ptrdiff_t)sizeof(Elf64_Nhdr)) {
		const Elf64_Nhdr *h = (const Elf64_Nhdr *)note;
		const uint8_t *name = note + sizeof(*h);
		const uint8_t *text = name + ((h->n_namesz + 3) & ~3u);

		if (h->n_type == NT_GNU_BUILD_ID && h->n_descsz == ID_BYTES &&
			memcmp(name, "GNU", 4) == 0) {
			for (unsigned i = 0; i < ID_BYTES; i++)
				sprintf(hex + 2 * i, "%02x", text[i]);
			return true;
		}
		note = text + ((h->n_descsz + 3) & ~3u);
	}
	return false;
}

/* The first object is the program itself. */
static int first_object(struct dl_phdr_info *info, size_t size, void *hex)
{
	(void)size;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const uint8_t *p = (const uint8_t *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);

		if (info->dlpi_phdr[i].p_type == PT_NOTE &&
			take_id(p, p + info->dlpi_phdr[i].p_memsz, hex))
			break;
	}
	return 1;
}

static const char *check_build(void)
{
	char hex[2 * ID_BYTES + 1] = "none";

	dl_iterate_phdr(first_object, hex);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(hex, known[i].id) == 0)
			return NULL;
	if (getenv("RIG_ANY_BUILD"))
		return NULL;
	return no("build id %s is not that of bochs %s for amd64", hex, known[0].version);
}

static bool slot_is(const void *const *table, unsigned slot, const char *name)
{
	Dl_info info;

	return dladdr(table[slot], &info) && info.dli_sname && strstr(info.dli_sname, name);
}

static const char *check_table(const void *const *table)
{
	static const char *const slot[] = { [2] = "4initEv",
		"5resetEj",
		"14register_state",
		"19after_restore_state",
		"10debug_dump",
		"16pci_read_handler",
		"17pci_write_handler",
		"21pci_bar_change_notify" };

	for (unsigned i = 2; i < sizeof(slot) / sizeof(slot[0]); i++)
		if (!slot_is(table, i, slot[i]))
			return no("slot %u of a PCI device is not %s", i, slot[i]);
	return NULL;
}

static const char *check_router(void)
{
	const void *const *const *router =
		*(const void *const *const **)(bx_devices + BX_DEVICES_ROUTER);

	if (!router || !slot_is(*router, BX_ROUTER_SLOT, "11pci_set_irqEhjb"))
		return no("no router of PCI interrupts at %#x, slot %d", BX_DEVICES_ROUTER,
			BX_ROUTER_SLOT);
	return NULL;
}

typedef void (*init_config_fn)(void *, uint16_t vendor, uint16_t device, uint8_t revision,
	uint32_t class_code, uint8_t header, uint8_t pin);
typedef void (*init_bar_fn)(void *, uint8_t nr, uint32_t size, void *read, void *write);
typedef uint32_t (*read_fn)(void *, uint8_t off, unsigned width_bytes);

/* Lets the emulator's own functions fill an object of ours. */
static const char *check_layout(const void *const *table)
{
	init_config_fn init_config =
		(init_config_fn)dlsym(RTLD_DEFAULT, "_ZN15bx_pci_device_c13init_pci_confEtthjhh");
	init_bar_fn init_bar = (init_bar_fn)dlsym(
		RTLD_DEFAULT, "_ZN15bx_pci_device_c12init_bar_memEhjPFbmjPvS0_ES2_");
	static struct bx_object o;
	int read, write;
	uint32_t id;

	if (!init_config || !init_bar)
		return no("a function of PCI devices is missing");
	bx_log_create(&o);
	o.table = table;
	init_config(&o, 0x1234, 0x5678, 9, 0xabcdef, 0, 1);
	init_bar(&o, 5, 0x4000, &read, &write);
	id = ((read_fn)table[BX_SLOT_READ])(&o, 0, 4);
	bx_log_destroy(&o);
	if (id != 0x56781234 || o.config[0] != 0x34 || o.config[8] != 9 || o.config[0x3d] != 1)
		return no("configuration space is not where it should be");
	if (o.bar[5].type != 1 || o.bar[5].size != 0x4000 || o.bar[5].read != &read ||
		o.bar[5].write != &write)
		return no("BARs are not where they should be");
	return NULL;
}

const char *bx_check(void)
{
	const void *const *type = dlsym(RTLD_DEFAULT, "_ZTV15bx_pci_device_c");
	const char *why = check_build();

	if (!why && !type)
		why = no("it has no class of PCI devices");
	if (!why)
		why = check_table(type + 2);
	if (!why)
		why = check_router();
	if (!why)
		why = check_layout(type + 2);
	return why;
}
