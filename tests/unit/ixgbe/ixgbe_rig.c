/* See ixgbe_rig.h. */
#include "tests/unit/ixgbe/ixgbe_rig.h"

#include <stdlib.h>

#include "cpu/hw.h"
#include "cpu/tsc.h"
#include "drivers/ixgbe/ixgbe.h"
#include "drivers/pci/pci.h"
#include "lib/errno.h"
#include "mem/host_paging.h"
#include "mem/page_alloc.h"
#include "tests/models/pci_regs.h"

#define MEMORY_MIB 96
#define BDF(port)  HOST_PCI_BDF(3, 0, port)

struct rig rig;

/* ---- The machine ---- */

uint64_t tsc_khz = 1000000;

void udelay(uint64_t us)
{
	bench_advance(&rig.bench, us * CLOCK_PS_PER_US);
}

void *page_alloc(unsigned nr_pages)
{
	return (void *)bench_alloc(&rig.bench, (uint64_t)nr_pages * PAGE_SIZE, PAGE_SIZE);
}

void *mmio_map(uint64_t hpa, uint64_t len_bytes)
{
	(void)len_bytes;
	return (void *)hpa;
}

static struct pci_dev *device_at(uint64_t address, unsigned *bar, uint64_t *off)
{
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned n = 0; n < PCI_DEV_BARS; n++) {
			uint64_t base = rig.port[i].slot->base[n];
			uint64_t size = rig.port[i].dev->model->bar[n].size_bytes;

			if (!base || address < base || address - base >= size)
				continue;
			*bar = n;
			*off = address - base;
			return rig.port[i].dev;
		}
	}
	fail_msg("nothing answers at %lx", (unsigned long)address);
	return NULL;
}

uint32_t fake_mmio_read32(uint64_t base, uint64_t off)
{
	unsigned bar = 0;
	uint64_t at = 0;
	struct pci_dev *d;

	rig.mmio_reads++;
	if (rig.gone)
		return UINT32_MAX;
	d = device_at(base + off, &bar, &at);
	if (rig.read_filter)
		return rig.read_filter(bench_read32(d, bar, at));
	return bench_read32(d, bar, at);
}

void fake_mmio_write32(uint64_t base, uint64_t off, uint32_t v)
{
	unsigned bar = 0;
	uint64_t at = 0;
	struct pci_dev *d;

	rig.mmio_writes++;
	if (rig.gone)
		return;
	if (rig.defer) {
		assert_in_range(rig.nr_deferred, 0, RIG_DEFERRED_MAX - 1);
		rig.deferred[rig.nr_deferred].address = base + off;
		rig.deferred[rig.nr_deferred++].value = v;
		return;
	}
	d = device_at(base + off, &bar, &at);
	bench_write32(d, bar, at, v);
}

void rig_defer(bool on)
{
	unsigned nr = rig.nr_deferred;

	rig.defer = on;
	rig.nr_deferred = 0;
	for (unsigned i = 0; i < nr; i++)
		fake_mmio_write32(rig.deferred[i].address, 0, rig.deferred[i].value);
}

static struct pci_dev *function(pci_bdf bdf)
{
	assert_true(bdf == BDF(0) || bdf == BDF(1));
	return rig.port[bdf & 1].dev;
}

uint32_t host_pci_read32(pci_bdf bdf, uint16_t off)
{
	return pci_dev_cfg_read(function(bdf), off, 4);
}

uint16_t host_pci_read16(pci_bdf bdf, uint16_t off)
{
	return (uint16_t)pci_dev_cfg_read(function(bdf), off, 2);
}

void host_pci_write16(pci_bdf bdf, uint16_t off, uint16_t v)
{
	pci_dev_cfg_write(function(bdf), off, v, 2);
}

void host_pci_set_command(pci_bdf bdf, uint16_t set, uint16_t clear)
{
	uint16_t v = host_pci_read16(bdf, HOST_PCI_COMMAND);

	host_pci_write16(bdf, HOST_PCI_COMMAND, (uint16_t)((v & ~clear) | set));
}

uint8_t host_pci_find_capability(pci_bdf bdf, uint8_t id)
{
	return id == HOST_PCI_CAP_MSIX && function(bdf)->model->nr_msix ? CAP_MSIX : 0;
}

int host_pci_bar_read(pci_bdf bdf, unsigned index, struct host_pci_bar *bar)
{
	struct pci_dev *d = function(bdf);

	if (index >= PCI_DEV_BARS || d->model->bar[index].kind == PCI_BAR_NONE)
		return -ENOENT;
	*bar = (struct host_pci_bar){ .address = d->decoded[index],
		.len_bytes = d->model->bar[index].size_bytes,
		.is_io = d->model->bar[index].kind == PCI_BAR_IO };
	return 0;
}

void *host_pci_bar_map(pci_bdf bdf, unsigned index)
{
	return (void *)function(bdf)->decoded[index];
}

/* ---- Ports ---- */

static struct rig_port *port_of(const struct nic *nic)
{
	return nic == rig.port[0].nic ? &rig.port[0] : &rig.port[1];
}

static void link_changed(void *ctx, struct nic *nic, struct nic_link link)
{
	(void)ctx;
	(void)link;
	port_of(nic)->nr_links++;
}

static void state_changed(void *ctx, struct nic *nic, enum nic_state state)
{
	struct rig_port *p = port_of(nic);

	(void)ctx;
	p->nr_states++;
	if (state == NIC_STOPPED && p->stop_drains)
		rig_drain((unsigned)(p - rig.port));
}

static void wake(void *ctx, struct nic *nic, unsigned vector)
{
	struct rig_port *p = port_of(nic);

	(void)ctx;
	assert_in_range(vector, 0, RIG_VECTORS_MAX - 1);
	p->nr_wakes[vector]++;
	if (p->wake_polls)
		rig_drain((unsigned)(p - rig.port));
}

struct nic_setup rig_setup(void)
{
	return (struct nic_setup){ .name = "eth",
		.client = { .link_changed = link_changed,
			.state_changed = state_changed,
			.wake = wake },
		.nr_pools = 1,
		.queues_per_pool = 1,
		.rx_entries = 256,
		.tx_entries = 256,
		.rx_buffer_bytes = 2048,
		.mtu = 1500,
		.nr_vectors = 1,
		.moderation_us = 20,
		.vlan_strip = true,
		.tso = true };
}

void rig_create(const struct m82599_config *config)
{
	static const struct m82599_config plain = { .mac = { 0x02, 0x1b, 0x21, 0, 0, 0x10 } };
	void *ctx[2];

	memset(&rig, 0, sizeof(rig));
	bench_init(&rig.bench, MEMORY_MIB, 0);
	rig.bench.memory_base = (uint64_t)rig.bench.memory;
	rig.bench.access_ps = 100 * CLOCK_PS_PER_NS;
	rig.bench.verbose = getenv("SLUICE_TEST_LOG") != NULL;
	wire_init(&rig.wire, &rig.bench.clock);
	for (unsigned i = 0; i < 2; i++)
		ctx[i] = rig.port[i].slot = &rig.bench.slot[i];
	rig.chip = m82599_create(
		config ? config : &plain, &rig.bench.clock, &bench_host, ctx, &rig.bench.record, 0);
	assert_non_null(rig.chip);
	for (unsigned i = 0; i < 2; i++) {
		rig.port[i].dev = m82599_function(rig.chip, i);
		bench_enable(rig.port[i].dev);
		m82599_connect(rig.chip, i, &rig.wire, i);
	}
}

int rig_attach(unsigned port, const struct nic_setup *setup)
{
	struct rig_port *p = &rig.port[port];
	int ret = ixgbe_attach(BDF(port), setup, &p->nic);

	for (unsigned v = 0; !ret && p->nic->nr_vectors && v <= p->nic->nr_vectors; v++)
		assert_int_equal(
			p->nic->ops->route_vector(p->nic, v, port, (uint8_t)(RIG_VECTOR_BASE + v)),
			0);
	return ret;
}

static void set_headers(struct nic *nic, uint32_t header_bytes)
{
	for (unsigned q = 0; q < nic->nr_queues; q++)
		nic->rxq[q]->header_bytes = header_bytes;
}

static void start(const struct nic_setup *setup, uint32_t header_bytes)
{
	rig_create(NULL);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(rig_attach(i, setup), 0);
		set_headers(rig.port[i].nic, header_bytes);
		assert_int_equal(rig.port[i].nic->ops->start(rig.port[i].nic), 0);
		for (unsigned q = 0; q < rig.port[i].nic->nr_queues; q++)
			assert_int_equal(rig_post(i, q, setup->rx_entries), setup->rx_entries - 1);
	}
	for (unsigned i = 0; i < 100 && !(rig.port[0].nic->link.up && rig.port[1].nic->link.up);
		i++)
		rig_ms(10);
	assert_true(rig.port[0].nic->link.up && rig.port[1].nic->link.up);
}

void rig_start(const struct nic_setup *setup)
{
	start(setup, 0);
}

void rig_start_split(const struct nic_setup *setup)
{
	start(setup, NIC_HEADER_BYTES);
}

void rig_destroy(void)
{
	m82599_destroy(rig.chip);
	wire_destroy(&rig.wire);
	bench_destroy(&rig.bench);
}

int rig_teardown(void **state)
{
	(void)state;
	rig_destroy();
	return 0;
}

/* ---- Time ---- */

uint64_t rig_now_us(void)
{
	return clock_now(&rig.bench.clock) / CLOCK_PS_PER_US;
}

void rig_us(uint64_t us)
{
	bench_advance(&rig.bench, us * CLOCK_PS_PER_US);
}

void rig_ms(unsigned ms)
{
	for (unsigned i = 0; i < ms; i += 10) {
		rig_us(10000);
		for (unsigned k = 0; k < 2; k++) {
			if (rig.port[k].nic)
				rig.port[k].nic->ops->housekeeping(rig.port[k].nic, rig_now_us());
		}
	}
}

void rig_fault(unsigned port, const char *command)
{
	const char *why = "";

	if (m82599_fault(rig.chip, port, command, &why))
		fail_msg("%s: %s", command, why);
}

/* ---- Packets ---- */

uint64_t rig_alloc(uint64_t len_bytes, uint64_t align)
{
	return bench_alloc(&rig.bench, len_bytes, align);
}

struct nic_buffer rig_buffer(const struct nic_rxq *q, uint64_t hpa)
{
	return (struct nic_buffer){ .hpa = hpa,
		.cookie = hpa,
		.len_bytes = q->buffer_bytes,
		.header_hpa = q->header_bytes ? hpa + q->buffer_bytes : 0 };
}

unsigned rig_post(unsigned port, unsigned queue, unsigned nr)
{
	struct nic_rxq *q = rig.port[port].nic->rxq[queue];
	unsigned posted = 0;

	while (posted < nr) {
		struct nic_buffer b =
			rig_buffer(q, rig_alloc(q->buffer_bytes + q->header_bytes, 64));

		if (!nic_rx_post(q, &b, 1))
			break;
		posted++;
	}
	nic_rx_flush(q);
	return posted;
}

int rig_send_offload(unsigned port, unsigned queue, const void *data, struct nic_tx_packet packet)
{
	struct nic_txq *q = rig.port[port].nic->txq[queue];
	struct nic_segment segment = { .len_bytes = packet.len_bytes };
	int ret;

	segment.hpa = packet.cookie = rig_alloc(packet.len_bytes, 2);
	memcpy((void *)segment.hpa, data, packet.len_bytes);
	packet.segment = &segment;
	packet.nr_segments = 1;
	ret = nic_tx_prepare(q, &packet, 1);
	nic_tx_flush(q);
	return ret;
}

int rig_send(unsigned port, unsigned queue, const void *data, uint32_t len_bytes)
{
	return rig_send_offload(
		port, queue, data, (struct nic_tx_packet){ .len_bytes = len_bytes });
}

static void repost(struct rig_port *p, struct nic_rxq *q)
{
	for (unsigned i = 0; i < p->batch.nr_buffers; i++) {
		struct nic_buffer b = rig_buffer(q, p->batch.buffer[i].cookie);

		assert_int_equal(nic_rx_post(q, &b, 1), 1);
	}
	nic_rx_flush(q);
}

static void reap(struct rig_port *p, struct nic_txq *q)
{
	struct nic_tx_done done[NIC_BATCH];
	unsigned nr;

	while ((nr = nic_tx_reap(q, done, NIC_BATCH))) {
		for (unsigned i = 0; i < nr; i++) {
			p->nr_sent += done[i].sent;
			p->nr_lost += !done[i].sent;
		}
	}
}

unsigned rig_drain(unsigned port)
{
	struct rig_port *p = &rig.port[port];
	unsigned nr = 0;

	for (unsigned q = 0; q < p->nic->nr_queues; q++) {
		reap(p, p->nic->txq[q]);
		while (nic_rx_poll(p->nic->rxq[q], &p->batch)) {
			for (unsigned i = 0; i < p->batch.nr_packets; i++) {
				p->nr_errors += p->batch.packet[i].error != NIC_RX_OK;
				p->nr_bytes += p->batch.packet[i].len_bytes;
			}
			nr += p->batch.nr_packets;
			repost(p, p->nic->rxq[q]);
		}
	}
	p->nr_packets += nr;
	return nr;
}

void rig_frame(
	uint8_t *frame, uint32_t len_bytes, const uint8_t *to, const uint8_t *from, uint32_t seed)
{
	memcpy(frame, to, 6);
	memcpy(frame + 6, from, 6);
	frame[12] = 0x88;
	frame[13] = 0xb5; /* local experimental EtherType */
	for (uint32_t i = 14; i < len_bytes; i++)
		frame[i] = (uint8_t)(seed * 31 + i * 7 + (i >> 8));
}

uint32_t rig_gather(const struct rig_port *p, unsigned packet, uint8_t *data, uint32_t max)
{
	const struct nic_rx_packet *k = &p->batch.packet[packet];
	uint64_t first = p->batch.buffer[k->first_buffer].cookie;
	uint32_t at = k->header_bytes;

	assert_in_range(at, 0, p->nic->rxq[0]->header_bytes);
	memcpy(data, (const void *)(first + p->nic->rxq[0]->buffer_bytes), at);
	for (unsigned i = 0; i < k->nr_buffers; i++) {
		const struct nic_rx_buffer *b = &p->batch.buffer[k->first_buffer + i];

		assert_true(at + b->len_bytes <= max);
		memcpy(data + at, (const void *)b->cookie, b->len_bytes);
		at += b->len_bytes;
	}
	assert_int_equal(at, k->len_bytes);
	return at;
}

uint16_t rig_sum(const uint8_t *data, uint32_t len_bytes, uint32_t start)
{
	uint32_t sum = start;

	for (uint32_t i = 0; i + 1 < len_bytes; i += 2)
		sum += (uint32_t)data[i] << 8 | data[i + 1];
	if (len_bytes & 1)
		sum += (uint32_t)data[len_bytes - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

uint32_t rig_tcp(uint8_t *frame, const uint8_t *to, const uint8_t *from, uint16_t source_port,
	uint32_t seq, uint32_t payload_bytes)
{
	uint8_t *ip = frame + 14, *tcp = ip + 20;
	uint32_t tcp_bytes = 20 + payload_bytes;

	rig_frame(frame, 54, to, from, 0);
	put16(frame + 12, 0x0800);
	memset(ip, 0, 40);
	ip[0] = 0x45;
	put16(ip + 2, (uint16_t)(20 + tcp_bytes));
	ip[8] = 64;
	ip[9] = 6;
	memcpy(ip + 12, "\x0a\x00\x00\x01\x0a\x00\x00\x02", 8);
	put16(ip + 10, (uint16_t)~rig_sum(ip, 20, 0));
	put16(tcp, source_port);
	put16(tcp + 2, 5201);
	put16(tcp + 4, (uint16_t)(seq >> 16));
	put16(tcp + 6, (uint16_t)seq);
	tcp[12] = 0x50;
	tcp[13] = 0x10; /* ACK */
	put16(tcp + 14, 0xffff);
	for (uint32_t i = 0; i < payload_bytes; i++)
		tcp[20 + i] = (uint8_t)((seq + i) * 13 + ((seq + i) >> 8));
	put16(tcp + 16, (uint16_t)~rig_sum(tcp, tcp_bytes, rig_sum(ip + 12, 8, 6 + tcp_bytes)));
	return 34 + tcp_bytes;
}
