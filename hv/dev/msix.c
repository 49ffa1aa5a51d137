/* MSI-X; see msix.h. */
#include "dev/msix.h"

#include "lib/errno.h"
#include "lib/string.h"

/* 6.8.2.3 Message Control, at capability + 2 */
#define CONTROL		0x02
#define CONTROL_ENABLE	0x8000
#define CONTROL_MASKALL 0x4000
#define TABLE		0x04
#define PBA		0x08
#define CAP_LEN_BYTES	12

/* 6.8.2.6 - 6.8.2.9 Table entries */
#define ENTRY_ADDRESS 0
#define ENTRY_DATA    8
#define ENTRY_CONTROL 12
#define ENTRY_MASKED  0x01

struct message {
	uint64_t address;
	uint32_t data;
};

static bool masked(const struct msix *m, unsigned vector)
{
	return m->function_masked ||
	       (m->table[vector * MSIX_ENTRY_BYTES + ENTRY_CONTROL] & ENTRY_MASKED);
}

static struct message message_of(const struct msix *m, unsigned vector)
{
	struct message msg;

	memcpy(&msg.address, &m->table[vector * MSIX_ENTRY_BYTES + ENTRY_ADDRESS], 8);
	memcpy(&msg.data, &m->table[vector * MSIX_ENTRY_BYTES + ENTRY_DATA], 4);
	return msg;
}

/* Takes the message if it may go now, else leaves it pending. Under the lock. */
static bool take(struct msix *m, unsigned vector, struct message *msg)
{
	if (!m->enabled)
		return false;
	if (masked(m, vector)) {
		m->pending |= BIT64(vector);
		return false;
	}
	m->pending &= ~BIT64(vector);
	*msg = message_of(m, vector);
	return true;
}

void msix_notify(struct msix *m, unsigned vector)
{
	struct message msg;
	bool send;

	if (vector >= m->nr_vectors)
		return;
	spin_lock(&m->lock);
	send = take(m, vector, &msg);
	spin_unlock(&m->lock);
	if (send)
		m->send(m->ctx, msg.address, msg.data);
}

/* After something was unmasked. */
static void send_pending(struct msix *m)
{
	for (unsigned v = 0; v < m->nr_vectors; v++) {
		if (load_relaxed(&m->pending) & BIT64(v))
			msix_notify(m, v);
	}
}

static void table_write(struct msix *m, const struct bus_access *a)
{
	spin_lock(&m->lock);
	for (unsigned i = 0; i < a->size_bytes; i++) {
		unsigned off = (unsigned)a->offset + i, field = off % MSIX_ENTRY_BYTES;
		uint8_t byte = (uint8_t)(a->value >> (8 * i));

		if (off >= m->nr_vectors * MSIX_ENTRY_BYTES)
			break;
		if (field == ENTRY_ADDRESS)
			byte &= 0xfc;
		else if (field >= ENTRY_CONTROL)
			byte &= field == ENTRY_CONTROL ? ENTRY_MASKED : 0;
		m->table[off] = byte;
	}
	spin_unlock(&m->lock);
	send_pending(m);
}

static uint8_t read_byte(const struct msix *m, uint64_t off)
{
	if (off < m->nr_vectors * MSIX_ENTRY_BYTES)
		return m->table[off];
	if (off >= MSIX_PBA_OFFSET && off < MSIX_PBA_OFFSET + 8)
		return (uint8_t)(m->pending >> (8 * (off - MSIX_PBA_OFFSET)));
	return 0;
}

static void bar_access(void *arg, struct bus_access *a)
{
	struct msix *m = arg;

	if (a->write) {
		table_write(m, a);
		return;
	}
	a->value = 0;
	spin_lock(&m->lock);
	for (unsigned i = 0; i < a->size_bytes; i++)
		a->value |= (uint64_t)read_byte(m, a->offset + i) << (8 * i);
	spin_unlock(&m->lock);
}

void msix_config_written(struct msix *m, const struct pci_function *f)
{
	uint16_t control = pci_get16(f, m->cap + CONTROL);

	spin_lock(&m->lock);
	m->enabled = (control & CONTROL_ENABLE) != 0;
	m->function_masked = (control & CONTROL_MASKALL) != 0;
	spin_unlock(&m->lock);
	send_pending(m);
}

void msix_reset(struct msix *m)
{
	spin_lock(&m->lock);
	memset(m->table, 0, sizeof(m->table));
	for (unsigned v = 0; v < m->nr_vectors; v++)
		m->table[v * MSIX_ENTRY_BYTES + ENTRY_CONTROL] = ENTRY_MASKED;
	m->pending = 0;
	spin_unlock(&m->lock);
}

int msix_init(struct msix *m, struct pci_bus *b, struct pci_function *f, unsigned n,
	unsigned nr_vectors, msi_send send, void *ctx)
{
	int cap = pci_add_capability(f, PCI_CAP_ID_MSIX, CAP_LEN_BYTES);

	memset(m, 0, sizeof(*m));
	if (nr_vectors == 0 || nr_vectors > MSIX_VECTORS_MAX)
		return -EINVAL;
	if (cap < 0)
		return cap;
	m->cap = (unsigned)cap;
	m->nr_vectors = nr_vectors;
	m->send = send;
	m->ctx = ctx;
	pci_set16(f, m->cap + CONTROL, (uint16_t)(nr_vectors - 1));
	f->writable[m->cap + CONTROL + 1] = (CONTROL_ENABLE | CONTROL_MASKALL) >> 8;
	pci_set32(f, m->cap + TABLE, MSIX_TABLE_OFFSET | n);
	pci_set32(f, m->cap + PBA, MSIX_PBA_OFFSET | n);
	msix_reset(m);
	return pci_add_bar(b, f, n, PCI_BAR_MEM32, MSIX_BAR_LEN_BYTES, bar_access, m);
}
