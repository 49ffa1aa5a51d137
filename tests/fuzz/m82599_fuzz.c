// sources: @82599_model
/* The 82599's model survives any register access on both ports, any descriptors and frames, any
 * fault and any passing of time, also where its DMA reaches its own registers.
 *
 * Input: operations of 8 bytes: what, port and queue, 6 bytes of argument. Rings are set up by an
 * operation of their own, so that an input soon comes to what descriptors can do. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/models/82599/data.h"
#include "tests/models/record.h"

#define CHECK(c)                                                                                   \
	do {                                                                                       \
		if (!(c))                                                                          \
			abort();                                                                   \
	} while (0)

#define MEMORY	     UINT64_C(0x100000)
#define MEMORY_BYTES 0x80000u
#define BAR	     UINT64_C(0xc0000000)
#define BAR_STEP     UINT64_C(0x1000000)
#define RING_BYTES   1024u
#define OP_BYTES     8
#define OPS_MAX	     400
#define STEP_MAX_US  64
#define FRAME_BYTES  2048u

static uint8_t memory[MEMORY_BYTES];
static struct clock emulated;
static struct record record;
static struct wire cable;
static struct m82599 *chip;
static unsigned depth; /* of register accesses by DMA */

struct op {
	uint8_t what, who, arg[6];
};

static bool in_memory(uint64_t addr, uint32_t len)
{
	return addr >= MEMORY && addr - MEMORY <= MEMORY_BYTES &&
	       len <= MEMORY_BYTES - (addr - MEMORY);
}

/* A port's registers by bus address. */
static struct pci_dev *at_bar(uint64_t addr, uint32_t len, uint64_t *off)
{
	for (unsigned n = 0; n < M82599_PORTS; n++) {
		*off = addr - BAR - n * BAR_STEP;
		if (addr >= BAR + n * BAR_STEP && *off < M82599_BAR_SIZE &&
			len <= M82599_BAR_SIZE - *off)
			return m82599_function(chip, n);
	}
	return NULL;
}

static bool dma_read(void *ctx, uint64_t addr, void *buf, uint32_t len_bytes)
{
	uint64_t off;
	struct pci_dev *d = at_bar(addr, len_bytes, &off);

	(void)ctx;
	if (in_memory(addr, len_bytes)) {
		memcpy(buf, memory + (addr - MEMORY), len_bytes);
		return true;
	}
	if (!d || depth > 4)
		return false;
	depth++;
	for (uint32_t i = 0; i + 4 <= len_bytes && i < 64; i += 4) {
		uint32_t v = (uint32_t)pci_dev_bar_read(d, 0, (off & ~3u) + i, 4);

		memcpy((uint8_t *)buf + i, &v, 4);
	}
	depth--;
	return true;
}

static bool dma_write(void *ctx, uint64_t addr, const void *buf, uint32_t len_bytes)
{
	uint64_t off;
	struct pci_dev *d = at_bar(addr, len_bytes, &off);

	(void)ctx;
	if (in_memory(addr, len_bytes)) {
		memcpy(memory + (addr - MEMORY), buf, len_bytes);
		return true;
	}
	if (!d || depth > 4)
		return false;
	depth++;
	for (uint32_t i = 0; i + 4 <= len_bytes && i < 64; i += 4) {
		uint32_t v;

		memcpy(&v, (const uint8_t *)buf + i, 4);
		pci_dev_bar_write(d, 0, (off & ~3u) + i, v, 4);
	}
	depth--;
	return true;
}

/* An interrupt whose handler gives the queues their descriptors at once. */
static void message(void *ctx, uint64_t addr, uint32_t data)
{
	struct pci_dev *d = m82599_function(chip, *(const unsigned *)ctx);

	if (addr & 4 && depth < 4) {
		depth++;
		pci_dev_bar_write(d, 0, REG_RX_QUEUE(data & 0x7f) + RDT, data >> 8 & 63, 4);
		pci_dev_bar_write(d, 0, REG_TX_QUEUE(data & 0x7f) + TDT, data >> 8 & 63, 4);
		depth--;
	}
}

static void intx(void *ctx, bool asserted)
{
	(void)ctx;
	(void)asserted;
}

static const struct pci_host host = {
	.dma_read = dma_read, .dma_write = dma_write, .message = message, .intx = intx
};

static void put(unsigned n, uint32_t off, uint32_t v)
{
	pci_dev_bar_write(m82599_function(chip, n), 0, off, v, 4);
}

static uint64_t ring_at(unsigned n, unsigned queue, bool tx)
{
	return MEMORY + ((n * 8 + (queue & 3) * 2 + tx) & 15) * RING_BYTES;
}

static void open_rings(unsigned n, unsigned queue, const uint8_t *arg)
{
	uint32_t rx = REG_RX_QUEUE(queue), tx = REG_TX_QUEUE(queue);

	put(n, REG_RXCTRL, RXCTRL_RXEN);
	put(n, REG_FCTRL, 0x702);
	put(n, REG_DMATXCTL, DMATXCTL_TE | 0x81000000);
	put(n, rx + RDBAL, (uint32_t)ring_at(n, queue, false));
	put(n, rx + RDLEN, RING_BYTES);
	put(n, rx + SRRCTL,
		(arg[0] & 7u) << SRRCTL_DESCTYPE_SHIFT | (arg[1] & 1u) << 28 | (arg[2] & 0x1f) |
			(uint32_t)arg[3] << 8);
	put(n, rx + RSCCTL, arg[4] & 0xd);
	put(n, rx + RXDCTL, RXDCTL_ENABLE | (arg[1] & 2u ? RXDCTL_VME : 0));
	put(n, rx + RDT, RING_BYTES / DESCRIPTOR_BYTES - 1);
	put(n, tx + TDBAL, (uint32_t)ring_at(n, queue, true));
	put(n, tx + TDLEN, RING_BYTES);
	put(n, tx + TXDCTL, TXDCTL_ENABLE | (uint32_t)(arg[5] & 0x1f) << TXDCTL_WTHRESH_SHIFT);
}

/* Registers that matter most, by a byte; others by their offset. */
static uint32_t some_register(uint8_t which, unsigned queue)
{
	static const uint32_t common[] = { REG_CTRL, REG_HLREG0, REG_MAXFRS, REG_FCTRL, REG_VLNCTRL,
		REG_MRQC, REG_RXCSUM, REG_RFCTL, REG_RDRXCTL, REG_RSCDBU, REG_PFVTCTL,
		REG_PFVFRE(0), REG_MTQC, REG_PFDTXGSWC, REG_PFVMTXSW(0), REG_PFVFSPOOF(0),
		REG_DMATXCTL, REG_RTTDCS, REG_RXPBSIZE(0), REG_TXPBSIZE(0), REG_FCCFG, REG_FCRTH(0),
		REG_FCRTL(0), REG_FCTTV(0), REG_FCRTV, REG_MFLCN, REG_FDIRCTRL, REG_FDIRCMD,
		REG_FDIRHASH, REG_FDIRM, REG_SYNQF, REG_ETQF(0), REG_ETQS(0), REG_FTQF(0),
		REG_L34TIMIR(0), REG_PSRTYPE(0), REG_GPIE, REG_EIMS, REG_EICS, REG_CTRL_EXT,
		REG_DCA_CTRL, REG_TSYNCRXCTL, REG_TSYNCTXCTL, REG_TIMINCA, REG_AUTOC, REG_SECRXCTRL,
		REG_RTRUP2TC, REG_RETA(0), REG_RSSRK(0), REG_PFVML2FLT(0), REG_PFVMVIR(0),
		REG_PFQDE };
	static const uint8_t of_rx[] = { RDBAL, RDLEN, DCA_RXCTRL, RDH, SRRCTL, RDT, RXDCTL,
		RSCCTL };
	static const uint8_t of_tx[] = { TDBAL, TDLEN, DCA_TXCTRL, TDH, TDT, TXDCTL, TDWBAL,
		TDWBAH };

	if (which < 64)
		return REG_RX_QUEUE(queue) + of_rx[which & 7];
	if (which < 128)
		return REG_TX_QUEUE(queue) + of_tx[which & 7];
	return common[which % (sizeof(common) / sizeof(common[0]))];
}

static uint32_t word(const uint8_t *p)
{
	return load_le32(p);
}

/* A descriptor of a ring: its buffer somewhere in memory, and the rest as the input says. */
static void describe(unsigned n, unsigned queue, const struct op *o)
{
	bool tx = o->what & 8;
	uint8_t *d = memory + (ring_at(n, queue, tx) - MEMORY) + (o->arg[0] & 63) * 16;
	uint64_t at = MEMORY + 0x8000 + (uint32_t)o->arg[1] * 1024;

	if (o->arg[1] == 0xff) /* its own registers */
		at = BAR + n * BAR_STEP + REG_TX_QUEUE(queue);
	memset(d, 0, 16);
	store_le32(d, (uint32_t)at);
	if (!tx) {
		store_le32(d + 8, (uint32_t)at + 512);
		return;
	}
	store_le32(d + 8, (uint32_t)o->arg[2] << 24 | (o->arg[3] & 0xf0u) << 16 |
				  (o->arg[3] & 0xfu) << 8 | o->arg[4]);
	/* PAYLEN as it should be, more often than not */
	store_le32(d + 12, (uint32_t)o->arg[5] << 7 | ((o->arg[3] & 0xfu) << 8 | o->arg[4]) << 14);
	if ((o->arg[3] >> 4 & 0xf) == 2) {
		store_le32(d, (uint32_t)14 << 9 | 20 | (uint32_t)o->arg[4] << 16);
		store_le32(d + 12, (uint32_t)o->arg[5] << 16 | 20u << 8);
	}
}

static void send_frame(unsigned n, const struct op *o)
{
	uint32_t at = 0x8000 + (uint32_t)o->arg[0] * 1024, len = (o->arg[2] & 7u) << 8 | o->arg[1];

	uint8_t frame[FRAME_BYTES];

	if (at + FRAME_BYTES > MEMORY_BYTES)
		return;
	memcpy(frame, memory + at, len); /* the wire's: DMA does not change it */
	data_receive(&chip->port[n], frame, len, !(o->arg[3] & 1));
}

/* Something that the parser knows, with sums that are as they are. */
static void make_frame(unsigned n, const struct op *o)
{
	static const uint8_t ipv4[] = { 0x08, 0, 0x45, 0, 0, 200, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0,
		0, 1, 10, 0, 0, 2, 0x9c, 0x40, 0x13, 0x89, 0, 0, 0, 0, 0, 0, 0, 1, 0x50, 0x10 };
	uint8_t *p = memory + 0x8000 + (o->arg[0] & 0x7f) * 1024;
	uint16_t sum;

	memset(p, 0, 256);
	p[0] = (uint8_t)(n + 2);
	memcpy(p + 12, ipv4, sizeof(ipv4));
	p[18 + (o->arg[1] % 60)] ^= o->arg[2];
	p[41] = o->arg[3]; /* sequence number */
	sum = (uint16_t)~sum_fold(sum_words(p + 14, 20, 0));
	store_be16(p + 24, sum);
	p[23] = o->arg[4] & 3 ? 6 : o->arg[4];
}

static void some_fault(unsigned n, const struct op *o)
{
	static const char *const commands[] = { "link-down", "link-up", "link-flap 20",
		"lose-interrupts 2", "spurious-interrupt 3", "stall-tx 1 30", "stall-rx 1 30",
		"run-tx 1", "run-rx 1", "abort-reads on", "abort-reads off", "abort-writes on",
		"abort-writes off", "damage-fcs 3", "damage-length 2", "delay-write-back 7",
		"delay-write-back 0", "eeprom-checksum bad" };
	const char *why;

	m82599_fault(chip, n, commands[o->arg[0] % (sizeof(commands) / sizeof(commands[0]))], &why);
}

static void run(const struct op *o)
{
	unsigned n = o->who & 1, queue = o->who >> 1;
	struct pci_dev *d = m82599_function(chip, n);

	switch (o->what & 0xf7) {
	case 0:
		put(n, some_register(o->arg[0], queue), word(o->arg + 2));
		break;
	case 1:
		put(n, (uint32_t)(o->arg[0] | o->arg[1] << 8 | (o->what & 8) << 13) & 0x1fffc,
			word(o->arg + 2));
		break;
	case 2:
		pci_dev_bar_read(d, 0, (uint32_t)(o->arg[0] | o->arg[1] << 8) & 0xfffc, 4);
		break;
	case 3:
		open_rings(n, queue, o->arg);
		break;
	case 4:
		describe(n, queue, o);
		break;
	case 5:
		send_frame(n, o);
		break;
	case 6:
		make_frame(n, o);
		break;
	case 7:
		some_fault(n, o);
		break;
	case 16:
		pci_dev_cfg_write(d, o->arg[0] & 0xfc, word(o->arg + 2), 4);
		break;
	case 17:
		pci_dev_bar_write(d, 4, o->arg[0] * 4u, word(o->arg + 2), 4);
		break;
	case 18:
		memory[word(o->arg) % MEMORY_BYTES] = o->arg[4];
		break;
	default:
		clock_advance(&emulated,
			clock_now(&emulated) + (o->arg[0] % STEP_MAX_US + 1) * CLOCK_PS_PER_US);
		break;
	}
}

static void start(void)
{
	static unsigned numbers[M82599_PORTS] = { 0, 1 };
	static void *const ctx[M82599_PORTS] = { &numbers[0], &numbers[1] };
	const struct m82599_config config = { .mac = { 2, 0, 0, 0, 0, 0 } };

	memset(memory, 0, sizeof(memory));
	clock_init(&emulated, NULL, NULL);
	CHECK(record_init(&record, 64) == 0);
	wire_init(&cable, &emulated);
	chip = m82599_create(&config, &emulated, &host, ctx, &record, 0);
	CHECK(chip);
	for (unsigned n = 0; n < M82599_PORTS; n++) {
		struct pci_dev *d = m82599_function(chip, n);

		m82599_connect(chip, n, &cable, n);
		pci_dev_cfg_write(d, 0x10, (uint32_t)(BAR + n * BAR_STEP), 4);
		pci_dev_cfg_write(d, 0x14, 0, 4);
		pci_dev_cfg_write(d, 0x04, 0x0007, 2);
	}
	clock_advance(&emulated, 20 * CLOCK_PS_PER_MS);
}

/* What is stored is accounted for. */
static void check(void)
{
	for (unsigned n = 0; n < M82599_PORTS; n++) {
		const struct data *d = chip->port[n].data;

		for (unsigned tc = 0; tc < RX_PACKET_BUFFERS; tc++) {
			CHECK(!d->fifo[tc].frames == !d->fifo[tc].used);
			CHECK(d->fifo[tc].used <= RX_PACKET_BUFFER_SIZE * 2);
		}
		CHECK(!d->tx_fifo.frames == !d->tx_fifo.used);
		CHECK(d->tx_fifo.used <= TX_PACKET_BUFFER_SIZE);
		CHECK(d->nr_rsc <= RSC_CONTEXTS);
		CHECK(d->in_dma == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct op o;

	start();
	for (unsigned i = 0; i < OPS_MAX && size >= OP_BYTES; i++) {
		memcpy(&o, data, OP_BYTES);
		data += OP_BYTES;
		size -= OP_BYTES;
		run(&o);
		check();
	}
	clock_advance(&emulated, clock_now(&emulated) + CLOCK_PS_PER_MS);
	check();
	m82599_destroy(chip);
	wire_destroy(&cable);
	record_destroy(&record);
	clock_destroy(&emulated);
	return 0;
}
