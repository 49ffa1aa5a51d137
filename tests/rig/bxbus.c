/* PCI functions of the models on the emulator's bus: configuration space, decoding, INTx. */
#include "bx.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile.h"

#define CFG_HEADER	   0x0e
#define CFG_INTERRUPT_LINE 0x3c
#define CFG_INTERRUPT_PIN  0x3d
#define ADDRESS_END	   (UINT64_C(1) << 40)
#define PORT_END	   0x10000
#define LOG_LINES_MAX	   2000

static struct bus_function *functions;
static unsigned nr_log_lines;

/* ---- Configuration space ---- */

/* The emulator keeps the interrupt line itself and never passes its writes on. */
static void take_interrupt_line(struct bus_function *f)
{
	pci_dev_cfg_write(f->dev, CFG_INTERRUPT_LINE, f->object.config[CFG_INTERRUPT_LINE], 1);
}

static uint32_t config_read(struct bx_object *o, uint8_t off, unsigned width_bytes)
{
	struct bus_function *f = (struct bus_function *)o;
	uint64_t started = profile_enter();
	uint32_t v;

	bx_advance_clock();
	take_interrupt_line(f);
	v = pci_dev_cfg_read(f->dev, off, width_bytes);
	profile_leave(PROFILE_ACCESS, started);
	return v;
}

static void config_write(struct bx_object *o, uint8_t off, uint32_t v, unsigned width_bytes)
{
	struct bus_function *f = (struct bus_function *)o;
	uint64_t started = profile_enter();

	bx_advance_clock();
	pci_dev_cfg_write(f->dev, off, v, width_bytes);
	profile_leave(PROFILE_ACCESS, started);
}

/* ---- Ports ---- */

static unsigned port_bar(const struct bus_function *f, uint32_t port, uint64_t *off)
{
	for (unsigned bar = 0; bar < PCI_DEV_BARS; bar++) {
		const struct pci_bar_desc *d = &f->dev->model->bar[bar];

		*off = port - f->mapped[bar];
		if (d->kind == PCI_BAR_IO && f->mapped[bar] && *off < d->size_bytes)
			return bar;
	}
	return PCI_DEV_BARS;
}

static uint32_t port_read(void *param, uint32_t port, unsigned width_bytes)
{
	struct bus_function *f = param;
	uint64_t started = profile_enter(), off;
	unsigned bar = port_bar(f, port, &off);
	uint32_t v = UINT32_MAX;

	bx_advance_clock();
	if (bar < PCI_DEV_BARS)
		v = (uint32_t)pci_dev_bar_read(f->dev, bar, off, width_bytes);
	profile_leave(PROFILE_ACCESS, started);
	return v;
}

static void port_write(void *param, uint32_t port, uint32_t v, unsigned width_bytes)
{
	struct bus_function *f = param;
	uint64_t started = profile_enter(), off;
	unsigned bar = port_bar(f, port, &off);

	bx_advance_clock();
	if (bar < PCI_DEV_BARS)
		pci_dev_bar_write(f->dev, bar, off, v, width_bytes);
	profile_leave(PROFILE_ACCESS, started);
}

static void map_ports(struct bus_function *f, unsigned first, unsigned last)
{
	if (!pluginRegisterIOReadHandlerRange(f, port_read, first, last, f->name, BX_WIDTHS_ALL) ||
		!pluginRegisterIOWriteHandlerRange(
			f, port_write, first, last, f->name, BX_WIDTHS_ALL))
		fprintf(stderr, "rig: %s: ports %#x to %#x are not free\n", f->name, first, last);
}

static void unmap_ports(struct bus_function *f, unsigned first, unsigned last)
{
	pluginUnregisterIOReadHandlerRange(f, port_read, first, last, BX_WIDTHS_ALL);
	pluginUnregisterIOWriteHandlerRange(f, port_write, first, last, BX_WIDTHS_ALL);
}

/* ---- What the models call ---- */

/* All ones have been written to learn the size, and decoding was left on: whatever is there (the
 * firmware's ROM, the local APIC) must not be hidden for that moment. */
static bool is_probe(const struct pci_bar_desc *d, uint64_t base)
{
	if (d->kind == PCI_BAR_IO)
		return (base & 0xffff) + d->size_bytes >= PORT_END;
	return ((base | (d->size_bytes - 1)) & UINT32_MAX) == UINT32_MAX ||
	       base + d->size_bytes > ADDRESS_END;
}

static void host_decode(void *ctx, unsigned bar, uint64_t base)
{
	struct bus_function *f = ctx;
	const struct pci_bar_desc *d;
	bool io;

	if (!f->dev)
		return;
	d = &f->dev->model->bar[bar];
	io = d->kind == PCI_BAR_IO;
	if (base && is_probe(d, base))
		base = 0;
	if (base == f->mapped[bar])
		return;
	if (f->mapped[bar] && io)
		unmap_ports(
			f, (unsigned)f->mapped[bar], (unsigned)f->mapped[bar] + d->size_bytes - 1);
	else if (f->mapped[bar])
		bx_unmap(f, bar);
	f->mapped[bar] = base;
	if (base && io)
		map_ports(f, (unsigned)base, (unsigned)base + d->size_bytes - 1);
	else if (base)
		bx_map(f, bar, base, d->size_bytes);
}

static unsigned pin_of(const struct bus_function *f)
{
	return f->dev->model->interrupt_pin;
}

/* The router knows a line by device and pin: functions that share one are joined here. */
static void host_intx(void *ctx, bool asserted)
{
	struct bus_function *f = ctx;
	void *router = *(void **)(bx_devices + BX_DEVICES_ROUTER);
	bool level = false;

	f->intx = asserted;
	if (!f->dev || !pin_of(f))
		return;
	for (struct bus_function *g = functions; g; g = g->next)
		level |= g->intx && g->devfn >> 3 == f->devfn >> 3 && pin_of(g) == pin_of(f);
	(*(bx_router_fn **)router)[BX_ROUTER_SLOT](router, f->devfn, pin_of(f), level);
}

static void host_message(void *ctx, uint64_t addr, uint32_t data)
{
	if (BX_IS_MESSAGE(addr))
		bx_message(addr, data);
	else
		bx_host_dma_write(ctx, addr, &data, sizeof(data));
}

static void host_log(void *ctx, const char *text)
{
	struct bus_function *f = ctx;

	if (nr_log_lines++ < LOG_LINES_MAX)
		fprintf(stderr, "rig: %s: %s\n", f->name, text);
}

const struct pci_host bus_host = {
	.dma_read = bx_host_dma_read,
	.dma_write = bx_host_dma_write,
	.message = host_message,
	.intx = host_intx,
	.decode = host_decode,
	.log = host_log,
};

/* ---- On and off the bus ---- */

static void nothing(struct bx_object *o)
{
	(void)o;
}

static void no_reset(struct bx_object *o, unsigned type)
{
	(void)o;
	(void)type;
}

static void no_dump(struct bx_object *o, int argc, char **argv)
{
	(void)o;
	(void)argc;
	(void)argv;
}

static const struct bx_table table = {
	.destroy = nothing,
	.destroy_and_free = nothing,
	.init = nothing,
	.reset = no_reset,
	.register_state = nothing,
	.after_restore = nothing,
	.debug_dump = no_dump,
	.config_read = config_read,
	.config_write = config_write,
	.bar_changed = nothing,
};

struct bus_function *bus_create(const char *name)
{
	struct bus_function *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	snprintf(f->name, sizeof(f->name), "%s", name);
	bx_log_create(&f->object);
	f->object.table = BX_TABLE(&table);
	bx_log_prefix(&f->object, f->name);
	return f;
}

int bus_attach(struct bus_function *f, struct pci_dev *d, unsigned slot, unsigned function)
{
	f->devfn = (uint8_t)(slot << 3 | function);
	if (!bx_register_pci(bx_devices, &f->object, &f->devfn, RIG_NAME, f->name, 0))
		return -EBUSY;
	/* no type 0 header: the emulator then leaves the BARs to config_write() */
	f->object.config[CFG_HEADER] = 1;
	f->object.config[CFG_INTERRUPT_PIN] = d->model->interrupt_pin;
	f->dev = d;
	d->bdf = f->devfn;
	f->next = functions;
	functions = f;
	return f->devfn >> 3;
}

void bus_destroy(struct bus_function *f)
{
	struct bus_function **p = &functions;

	while (*p && *p != f)
		p = &(*p)->next;
	if (*p)
		*p = f->next;
	bx_log_destroy(&f->object);
	free(f);
}

void bus_reset(void)
{
	bx_advance_clock();
	for (struct bus_function *f = functions; f; f = f->next) {
		f->object.config[CFG_INTERRUPT_LINE] = 0;
		pci_dev_reset(f->dev);
	}
}
