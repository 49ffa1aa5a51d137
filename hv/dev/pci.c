/* A guest's PCI bus; see pci.h. */
#include "dev/pci.h"

#include "lib/errno.h"
#include "lib/string.h"

#define CONFIG_ADDRESS_ENABLE	BIT32(31)
#define CONFIG_ADDRESS_WRITABLE 0x80fffffcu

#define BAR_IO	  0x1u
#define BAR_MEM64 0x4u

static bool is_memory(const struct pci_bar *bar)
{
	return bar->type == PCI_BAR_MEM32 || bar->type == PCI_BAR_MEM64;
}

static uint64_t bar_address(const struct pci_function *f, unsigned n)
{
	uint32_t low = pci_get32(f, PCI_BAR0 + 4 * n);

	if (f->bar[n].type == PCI_BAR_IO)
		return low & 0xfffc;
	if (f->bar[n].type == PCI_BAR_MEM32)
		return low & ~0xfu;
	return (low & ~0xfu) | ((uint64_t)pci_get32(f, PCI_BAR0 + 4 * n + 4) << 32);
}

/* Moves every BAR to where the header says, or off the bus if decode is disabled. */
static void update_decode(struct pci_function *f)
{
	uint16_t command = pci_get16(f, PCI_COMMAND);

	for (unsigned n = 0; n < PCI_BARS; n++) {
		struct pci_bar *bar = &f->bar[n];
		uint16_t enable = is_memory(bar) ? PCI_COMMAND_MEMORY : PCI_COMMAND_IO;

		if (bar->type != PCI_BAR_NONE)
			bus_move(bar->region, command & enable ? bar_address(f, n) : BUS_UNMAPPED);
	}
}

static uint64_t function_read(struct pci_function *f, unsigned off, unsigned size_bytes)
{
	uint64_t value = 0;

	if (f->ops && f->ops->config_read)
		f->ops->config_read(f, off, size_bytes);
	for (unsigned i = 0; i < size_bytes; i++)
		value |= (uint64_t)f->config[off + i] << (8 * i);
	return value;
}

static void function_write(
	struct pci_function *f, unsigned off, unsigned size_bytes, uint64_t value)
{
	for (unsigned i = 0; i < size_bytes; i++) {
		uint8_t mask = f->writable[off + i];
		uint8_t byte = (uint8_t)(value >> (8 * i));

		f->config[off + i] = (uint8_t)((f->config[off + i] & ~mask) | (byte & mask));
	}
	if (off < PCI_BAR0 + 4 * PCI_BARS)
		update_decode(f);
	if (f->ops && f->ops->config_written)
		f->ops->config_written(f, off, size_bytes);
}

/* One access to a function's space, or to nobody's: reads give ones, writes are lost. */
static void config_access(struct pci_bus *b, unsigned slot, unsigned off, struct bus_access *a)
{
	struct pci_function *f = b->function[slot];

	if (!a->write)
		a->value = UINT64_MAX;
	if (!f || off + a->size_bytes > PCI_CONFIG_LEN_BYTES)
		return;
	spin_lock(&b->lock);
	if (a->write)
		function_write(f, off, a->size_bytes, a->value);
	else
		a->value = function_read(f, off, a->size_bytes);
	spin_unlock(&b->lock);
}

void pci_ecam_access(void *arg, struct bus_access *a)
{
	bool function0 = ((a->offset >> 12) & 7) == 0;

	if (a->offset < PCI_ECAM_LEN_BYTES && function0)
		config_access(arg, (unsigned)(a->offset >> 15), a->offset & 0xfff, a);
	else if (!a->write)
		a->value = UINT64_MAX;
}

/* CONFIG_ADDRESS is a register for 32-bit accesses only (3.2.2.3.2); others are not for it. */
static void address_access(struct pci_bus *b, struct bus_access *a)
{
	if (a->offset != 0 || a->size_bytes != 4) {
		if (!a->write)
			a->value = UINT64_MAX;
		return;
	}
	if (a->write)
		store_relaxed(&b->address, (uint32_t)a->value & CONFIG_ADDRESS_WRITABLE);
	else
		a->value = load_relaxed(&b->address);
}

static void port_access(void *arg, struct bus_access *a)
{
	struct pci_bus *b = arg;
	uint32_t address = load_relaxed(&b->address);

	if (a->offset < 4) {
		address_access(b, a);
		return;
	}
	/* Bus 0, function 0. */
	if ((address & CONFIG_ADDRESS_ENABLE) && (address & 0x00ff0700) == 0)
		config_access(
			b, (address >> 11) & 31, (address & 0xfc) + (unsigned)(a->offset & 3), a);
	else if (!a->write)
		a->value = UINT64_MAX;
}

void pci_function_init(struct pci_function *f, const struct pci_ids *ids, const struct pci_ops *ops)
{
	memset(f, 0, sizeof(*f));
	f->ops = ops;
	f->cap_end = 0x40;
	pci_set16(f, PCI_VENDOR_ID, ids->vendor);
	pci_set16(f, PCI_DEVICE_ID, ids->device);
	pci_set16(f, PCI_CLASS_DEVICE, ids->class);
	pci_set16(f, PCI_SUBSYSTEM_VENDOR_ID, ids->subsystem_vendor);
	pci_set16(f, PCI_SUBSYSTEM_ID, ids->subsystem);
	f->config[PCI_REVISION_ID] = ids->revision;
	f->writable[PCI_COMMAND] = PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	f->writable[PCI_COMMAND + 1] = PCI_COMMAND_INTX_DISABLE >> 8;
	f->writable[PCI_CACHE_LINE_SIZE] = 0xff;
	f->writable[PCI_INTERRUPT_LINE] = 0xff;
}

int pci_add_capability(struct pci_function *f, uint8_t id, unsigned len_bytes)
{
	unsigned off = f->cap_end;

	if (len_bytes < 2 || len_bytes > PCI_CONFIG_LEN_BYTES - off)
		return -ENOSPC;
	f->config[off] = id;
	f->config[f->cap_last ? f->cap_last + 1 : PCI_CAPABILITY_LIST] = (uint8_t)off;
	f->config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	f->cap_last = off;
	f->cap_end = ALIGN_UP(off + len_bytes, 4u);
	return (int)off;
}

/* A naturally aligned piece of a window, or 0 if it is full. */
static uint64_t window_take(uint64_t *next, uint64_t base, uint64_t window_len, uint64_t size_bytes)
{
	uint64_t off = ALIGN_UP(*next, size_bytes);

	if (size_bytes > window_len || off > window_len - size_bytes)
		return 0;
	*next = off + size_bytes;
	return base + off;
}

int pci_add_bar(struct pci_bus *b, struct pci_function *f, unsigned n, enum pci_bar_type type,
	uint64_t size_bytes, bus_handler handler, void *arg)
{
	struct pci_bar *bar = &f->bar[n];
	bool io = type == PCI_BAR_IO;
	unsigned off = PCI_BAR0 + 4 * n;
	uint32_t flags = io ? BAR_IO : type == PCI_BAR_MEM64 ? BAR_MEM64 : 0;
	uint64_t mask = ~(size_bytes - 1) & (io ? 0xfffc : ~UINT64_C(0xf));

	bar->reset_address =
		io ? window_take(&b->next_io, PCI_IO_BASE, PCI_IO_LEN_BYTES, size_bytes)
		   : window_take(&b->next_mmio, PCI_MMIO_BASE, PCI_MMIO_LEN_BYTES, size_bytes);
	bar->region = bus_add(io ? b->io : b->memory, BUS_UNMAPPED, size_bytes, handler, arg);
	if (!bar->reset_address || !bar->region)
		return -ENOSPC;
	bar->type = type;
	bar->size_bytes = size_bytes;
	pci_set32(f, off, (uint32_t)bar->reset_address | flags);
	for (unsigned i = 0; i < (type == PCI_BAR_MEM64 ? 8u : 4u); i++)
		f->writable[off + i] = (uint8_t)(mask >> (8 * i));
	return 0;
}

int pci_add_function(struct pci_bus *b, struct pci_function *f)
{
	uint16_t command = 0;

	for (unsigned n = 0; n < PCI_BARS; n++) {
		if (f->bar[n].type != PCI_BAR_NONE)
			command |= is_memory(&f->bar[n]) ? PCI_COMMAND_MEMORY : PCI_COMMAND_IO;
	}
	pci_set16(f, PCI_COMMAND, command);
	for (unsigned slot = 0; slot < PCI_SLOTS; slot++) {
		if (b->function[slot])
			continue;
		f->slot = slot;
		memcpy(f->at_reset, f->config, sizeof(f->config));
		update_decode(f);
		b->function[slot] = f;
		return 0;
	}
	return -ENOSPC;
}

void pci_bus_reset(struct pci_bus *b)
{
	spin_lock(&b->lock);
	b->address = 0;
	for (unsigned slot = 0; slot < PCI_SLOTS; slot++) {
		struct pci_function *f = b->function[slot];

		if (!f)
			continue;
		memcpy(f->config, f->at_reset, sizeof(f->config));
		update_decode(f);
		if (f->ops && f->ops->config_written)
			f->ops->config_written(f, 0, PCI_CONFIG_LEN_BYTES);
	}
	spin_unlock(&b->lock);
}

bool pci_bar_access(struct pci_function *f, unsigned n, uint64_t offset, struct bus_access *a)
{
	if (n >= PCI_BARS || f->bar[n].type == PCI_BAR_NONE || offset >= f->bar[n].size_bytes ||
		a->size_bytes > f->bar[n].size_bytes - offset)
		return false;
	a->offset = offset;
	f->bar[n].region->handler(f->bar[n].region->arg, a);
	return true;
}

int pci_bus_init(struct pci_bus *b, struct bus *memory, struct bus *io)
{
	/* A bridge that no driver binds to and no quirk looks for. */
	static const struct pci_ids bridge = {
		.vendor = 0x1b36, .device = 0x0008, .class = 0x0600
	};

	memset(b, 0, sizeof(*b));
	b->memory = memory;
	b->io = io;
	if (!bus_add(io, PCI_CONFIG_PORT, 8, port_access, b))
		return -ENOSPC;
	pci_function_init(&b->bridge, &bridge, NULL);
	return pci_add_function(b, &b->bridge);
}
