/* See e1000_rig.h. */
#include "tests/unit/e1000/e1000_rig.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cpu/hw.h"
#include "cpu/tsc.h"
#include "drivers/e1000/e1000.h"
#include "drivers/pci/pci.h"
#include "mem/page_alloc.h"

#define MEMORY_BYTES (16u << 20)
#define BAR	     UINT64_C(0x1000) /* no memory is there: only the accessors come by */
#define BDF	     HOST_PCI_BDF(0, 3, 0)

struct rig rig;
const uint8_t rig_mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

static void require(bool ok)
{
	if (!ok)
		abort();
}

/* ---- The machine ---- */

void udelay(uint64_t us)
{
	rig.now_us += us;
}

void *rig_alloc(uint64_t len_bytes)
{
	void *p = rig.memory + rig.used;

	rig.used += ALIGN_UP(len_bytes, UINT64_C(64));
	require(rig.used <= MEMORY_BYTES);
	return p;
}

void *page_alloc(unsigned nr_pages)
{
	rig.used = ALIGN_UP(rig.used, (uint64_t)PAGE_SIZE);
	return rig_alloc((uint64_t)nr_pages * PAGE_SIZE);
}

uint32_t fake_mmio_read32(uint64_t base, uint64_t off)
{
	require(base == BAR && off < M82540_BAR_BYTES && off % 4 == 0);
	return m82540_read(&rig.chip, (uint32_t)off);
}

void fake_mmio_write32(uint64_t base, uint64_t off, uint32_t v)
{
	require(base == BAR && off < M82540_BAR_BYTES && off % 4 == 0);
	m82540_write(&rig.chip, (uint32_t)off, v);
}

uint16_t host_pci_read16(pci_bdf bdf, uint16_t off)
{
	require(bdf == BDF && off == HOST_PCI_STATUS);
	return (uint16_t)(rig.status | (rig.chip.aborted ? 0x2000 : 0));
}

void host_pci_write16(pci_bdf bdf, uint16_t off, uint16_t v)
{
	require(bdf == BDF && off == HOST_PCI_STATUS);
	rig.status &= (uint16_t)~v;
	if (v & 0x2000)
		rig.chip.aborted = false;
}

void host_pci_set_command(pci_bdf bdf, uint16_t set, uint16_t clear)
{
	require(bdf == BDF);
	rig.command = (uint16_t)((rig.command & ~clear) | set);
	rig.chip.bus_master = rig.command & HOST_PCI_COMMAND_MASTER;
}

void *host_pci_bar_map(pci_bdf bdf, unsigned index)
{
	require(bdf == BDF && index == 0);
	return rig.no_bar ? NULL : (void *)BAR;
}

/* ---- The model's side ---- */

static void *memory(void *ctx, uint64_t addr, uint32_t len_bytes)
{
	uint64_t base = (uint64_t)rig.memory;

	(void)ctx;
	if (addr < base || addr - base > MEMORY_BYTES || len_bytes > MEMORY_BYTES - (addr - base))
		return NULL;
	return (void *)addr;
}

static void sent(void *ctx, const uint8_t *data, uint32_t len_bytes)
{
	(void)ctx;
	require(len_bytes <= M82540_FRAME_MAX);
	if (rig.nr_sent < RIG_FRAMES_MAX) {
		rig.sent[rig.nr_sent].len_bytes = len_bytes;
		memcpy(rig.sent[rig.nr_sent].data, data, len_bytes);
	}
	rig.nr_sent++;
}

/* ---- The client ---- */

static void link_changed(void *ctx, struct nic *nic, struct nic_link link)
{
	(void)ctx;
	(void)nic;
	(void)link;
	rig.nr_links++;
}

static void state_changed(void *ctx, struct nic *nic, enum nic_state state)
{
	(void)ctx;
	(void)nic;
	(void)state;
	rig.nr_states++;
}

static void wake(void *ctx, struct nic *nic, unsigned vector)
{
	(void)ctx;
	(void)nic;
	require(vector == 0);
	rig.nr_wakes++;
}

struct nic_setup rig_setup(void)
{
	return (struct nic_setup){ .name = "eth",
		.client = { NULL, link_changed, state_changed, wake },
		.nr_pools = 1,
		.queues_per_pool = 1,
		.rx_entries = 64,
		.tx_entries = 64,
		.rx_buffer_bytes = 2048,
		.mtu = 1500,
		.nr_vectors = 1 };
}

void rig_create(void)
{
	static const struct m82540_host host = { NULL, memory, sent };

	memset(&rig, 0, sizeof(rig));
	/* zeroed, and cheap where it is not touched */
	rig.memory = mmap(
		NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(rig.memory != MAP_FAILED);
	m82540_init(&rig.chip, &host, rig_mac);
}

void rig_start(const struct nic_setup *setup)
{
	rig_create();
	require(!e1000_attach(BDF, setup, &rig.nic));
	require(!rig.nic->ops->start(rig.nic));
	rig_post(setup->rx_entries);
	rig_ms(10);
	require(rig.nic->link.up);
}

void rig_destroy(void)
{
	munmap(rig.memory, MEMORY_BYTES);
	rig.memory = NULL;
}

void rig_ms(unsigned ms)
{
	for (unsigned i = 0; i < ms; i += 10) {
		rig.now_us += 10000;
		rig.nic->ops->housekeeping(rig.nic, rig.now_us);
	}
}

unsigned rig_post(unsigned nr)
{
	struct nic_rxq *q = rig.nic->rxq[0];
	unsigned posted = 0;

	for (; posted < nr; posted++) {
		struct nic_buffer b = { .len_bytes = q->buffer_bytes };

		b.hpa = b.cookie = (uint64_t)rig_alloc(q->buffer_bytes);
		if (!nic_rx_post(q, &b, 1))
			break;
	}
	nic_rx_flush(q);
	return posted;
}

int rig_send(const uint8_t *data, uint32_t len_bytes, uint32_t segment_bytes, uint64_t cookie)
{
	struct nic_segment segment[NIC_TX_SEGMENTS_MAX];
	struct nic_tx_packet p = { .cookie = cookie, .segment = segment, .len_bytes = len_bytes };
	uint8_t *copy = rig_alloc(len_bytes);
	int ret;

	memcpy(copy, data, len_bytes);
	for (uint32_t off = 0; off < len_bytes; off += segment_bytes)
		segment[p.nr_segments++] = (struct nic_segment){ (uint64_t)copy + off,
			MIN(segment_bytes, len_bytes - off) };
	ret = nic_tx_prepare(rig.nic->txq[0], &p, 1);
	nic_tx_flush(rig.nic->txq[0]);
	return ret;
}
