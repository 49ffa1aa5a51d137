/* The virtio PCI transport; see virtio_pci.h. */
#include "dev/virtio_pci.h"

#include "lib/errno.h"
#include "lib/string.h"

#define VENDOR_VIRTIO  0x1af4 /* 4.1.2 PCI Device Discovery */
#define DEVICE_ID_BASE 0x1040
#define SUBSYSTEM_BASE 0x40
#define CLASS_NETWORK  0x0200

#define ISR_QUEUE  1 /* 4.1.4.5 */
#define ISR_CONFIG 2

/* struct virtio_pci_cap */
#define CAP_LEN	     2
#define CAP_CFG_TYPE 3
#define CAP_BAR	     4
#define CAP_OFFSET   8
#define CAP_LENGTH   12
#define CAP_BYTES    16
#define CAP_EXTRA    16 /* notify_off_multiplier, or pci_cfg_data */

#define FIELD(name) offsetof(struct virtio_pci_common, name)

static bool driver_ok(const struct virtio_pci *p)
{
	return (load_relaxed(&p->status) & VIRTIO_STATUS_DRIVER_OK) != 0;
}

static void clear_registers(struct virtio_pci *p)
{
	p->config_vector = VIRTIO_MSI_NO_VECTOR;
	p->queue_select = 0;
	p->device_feature_select = 0;
	p->driver_feature_select = 0;
	p->driver_features = 0;
	for (unsigned q = 0; q < p->dev->nr_queues; q++) {
		p->queue[q] = (struct virtio_pci_queue){
			.conf.size = p->dev->queue_size_max,
			.msix_vector = VIRTIO_MSI_NO_VECTOR,
		};
	}
	store_relaxed(&p->isr, 0u);
	/* Release: who reads 0 may give ring memory another use. */
	store_release(&p->status, 0u);
}

/* True while a reset is under way; ends it if the device has become quiet. Under the lock. */
static bool still_resetting(struct virtio_pci *p)
{
	if (p->resetting && !p->dev->ops->reset_pending(p->dev)) {
		p->resetting = false;
		clear_registers(p);
	}
	return p->resetting;
}

static void begin_reset(struct virtio_pci *p)
{
	if (!p->resetting)
		p->dev->ops->reset(p->dev);
	p->resetting = true;
	(void)still_resetting(p);
}

static void write_status(struct virtio_pci *p, uint8_t value)
{
	uint32_t old = load_relaxed(&p->status);
	uint32_t set = value & ~old; /* 2.1.1: the driver does not clear bits */

	if (value == 0) {
		begin_reset(p);
		return;
	}
	set &= ~(uint32_t)VIRTIO_STATUS_DEVICE_NEEDS_RESET;
	if (set & VIRTIO_STATUS_FEATURES_OK) {
		/* 2.2.2: unset after this write, the device does not support that subset. */
		if ((p->driver_features & ~p->dev->features_offered) ||
			p->dev->ops->set_features(p->dev, p->driver_features))
			set &= ~(uint32_t)VIRTIO_STATUS_FEATURES_OK;
	}
	if (!((old | set) & VIRTIO_STATUS_FEATURES_OK))
		set &= ~(uint32_t)VIRTIO_STATUS_DRIVER_OK;
	/* An add: the device may set NEEDS_RESET meanwhile. */
	if (set && p->dev->ops->set_status)
		p->dev->ops->set_status(p->dev, (uint8_t)(atomic_fetch_or(&p->status, set) | set));
}

static uint16_t valid_vector(const struct virtio_pci *p, uint16_t vector)
{
	return vector < p->msix.nr_vectors ? vector : VIRTIO_MSI_NO_VECTOR;
}

static void write_driver_features(struct virtio_pci *p, uint32_t value)
{
	unsigned shift = 32 * p->driver_feature_select;

	if (p->driver_feature_select > 1 || (load_relaxed(&p->status) & VIRTIO_STATUS_FEATURES_OK))
		return;
	p->driver_features &= ~((uint64_t)UINT32_MAX << shift);
	p->driver_features |= (uint64_t)value << shift;
}

static void enable_queue(struct virtio_pci *p, struct virtio_pci_queue *q, uint16_t value)
{
	bool negotiated = (load_relaxed(&p->status) & VIRTIO_STATUS_FEATURES_OK) != 0;

	if (value != 1 || !negotiated || driver_ok(p))
		return;
	q->enabled = p->dev->ops->queue_enable(p->dev, p->queue_select, &q->conf) == 0;
}

static bool valid_size(const struct virtio_pci *p, uint16_t size)
{
	return size != 0 && size <= p->dev->queue_size_max && (size & (size - 1)) == 0;
}

static void write_queue(struct virtio_pci *p, unsigned field, const struct virtio_pci_common *c)
{
	struct virtio_pci_queue *q;

	if (p->queue_select >= p->dev->nr_queues)
		return;
	q = &p->queue[p->queue_select];
	if (field == FIELD(queue_msix_vector))
		q->msix_vector = valid_vector(p, c->queue_msix_vector);
	if (q->enabled) /* what the device maps does not change under it */
		return;
	if (field == FIELD(queue_size) && valid_size(p, c->queue_size))
		q->conf.size = c->queue_size;
	else if (field == FIELD(queue_enable))
		enable_queue(p, q, c->queue_enable);
	else if (field == FIELD(queue_desc))
		q->conf.desc_gpa = c->queue_desc;
	else if (field == FIELD(queue_driver))
		q->conf.driver_gpa = c->queue_driver;
	else if (field == FIELD(queue_device))
		q->conf.device_gpa = c->queue_device;
}

static void write_field(struct virtio_pci *p, unsigned field, const struct virtio_pci_common *c)
{
	switch (field) {
	case FIELD(device_feature_select):
		p->device_feature_select = c->device_feature_select;
		return;
	case FIELD(driver_feature_select):
		p->driver_feature_select = c->driver_feature_select;
		return;
	case FIELD(driver_feature):
		write_driver_features(p, c->driver_feature);
		return;
	case FIELD(config_msix_vector):
		p->config_vector = valid_vector(p, c->config_msix_vector);
		return;
	case FIELD(device_status):
		write_status(p, c->device_status);
		return;
	case FIELD(queue_select):
		p->queue_select = c->queue_select;
		return;
	default:
		write_queue(p, field, c);
	}
}

static uint32_t feature_word(uint64_t features, uint32_t select)
{
	return select > 1 ? 0 : (uint32_t)(features >> (32 * select));
}

static void read_common(const struct virtio_pci *p, struct virtio_pci_common *c)
{
	*c = (struct virtio_pci_common){
		.device_feature_select = p->device_feature_select,
		.device_feature = feature_word(p->dev->features_offered, p->device_feature_select),
		.driver_feature_select = p->driver_feature_select,
		.driver_feature = feature_word(p->driver_features, p->driver_feature_select),
		.config_msix_vector = p->config_vector,
		.num_queues = (uint16_t)p->dev->nr_queues,
		.device_status = (uint8_t)load_relaxed(&p->status),
		.config_generation = p->config_generation,
		.queue_select = p->queue_select,
	};
	if (p->queue_select < p->dev->nr_queues) {
		const struct virtio_pci_queue *q = &p->queue[p->queue_select];

		c->queue_size = q->conf.size;
		c->queue_msix_vector = q->msix_vector;
		c->queue_enable = q->enabled;
		c->queue_notify_off = p->queue_select;
		c->queue_desc = q->conf.desc_gpa;
		c->queue_driver = q->conf.driver_gpa;
		c->queue_device = q->conf.device_gpa;
	}
}

/* Where the structure's fields begin; each ends where the next begins. */
static const uint8_t common_field[] = { FIELD(device_feature_select), FIELD(device_feature),
	FIELD(driver_feature_select), FIELD(driver_feature), FIELD(config_msix_vector),
	FIELD(num_queues), FIELD(device_status), FIELD(config_generation), FIELD(queue_select),
	FIELD(queue_size), FIELD(queue_msix_vector), FIELD(queue_enable), FIELD(queue_notify_off),
	FIELD(queue_desc), FIELD(queue_driver), FIELD(queue_device),
	sizeof(struct virtio_pci_common) };

/* A write of any width and offset: the fields it touches, with what they were where it does not. */
static void write_common(struct virtio_pci *p, unsigned off, const struct bus_access *a)
{
	unsigned end = off + a->size_bytes;

	for (unsigned i = 0; i + 1 < ARRAY_SIZE(common_field); i++) {
		unsigned from = MAX(off, common_field[i]), to = MIN(end, common_field[i + 1]);
		struct virtio_pci_common c;

		if (from >= to)
			continue;
		read_common(p, &c);
		/* x86 is little-endian, as the structure is. */
		memcpy((uint8_t *)&c + from, (const uint8_t *)&a->value + (from - off), to - from);
		write_field(p, common_field[i], &c);
	}
}

static void common_access(struct virtio_pci *p, unsigned off, struct bus_access *a)
{
	struct virtio_pci_common c;
	bool busy;

	if (off >= sizeof(c))
		return;
	spin_lock(&p->lock);
	busy = still_resetting(p);
	if (a->write) {
		if (!busy)
			write_common(p, off, a);
	} else {
		read_common(p, &c);
		memcpy(&a->value, (uint8_t *)&c + off, MIN(a->size_bytes, sizeof(c) - off));
	}
	spin_unlock(&p->lock);
}

/* In naturally aligned pieces of at most 4 bytes. */
static void device_access(struct virtio_pci *p, unsigned off, struct bus_access *a)
{
	const struct virtio_ops *ops = p->dev->ops;
	unsigned done = 0;

	while (done < a->size_bytes && off + done < p->dev->config_len_bytes) {
		unsigned at = off + done;
		unsigned left = MIN(a->size_bytes - done, p->dev->config_len_bytes - at);
		unsigned piece = (at & 1) || left < 2 ? 1 : (at & 2) || left < 4 ? 2 : 4;
		uint32_t value = (uint32_t)(a->value >> (8 * done));

		if (a->write)
			ops->config_write(p->dev, at, piece, value);
		else
			a->value |= (uint64_t)ops->config_read(p->dev, at, piece) << (8 * done);
		done += piece;
	}
}

static void kick(struct virtio_pci *p, uint64_t off)
{
	uint64_t q = off / VIRTIO_PCI_NOTIFY_MULTIPLIER;

	if (q < p->dev->nr_queues)
		p->dev->ops->kick(p->dev, (unsigned)q);
}

static void notify_access(void *arg, struct bus_access *a)
{
	if (a->write)
		kick(arg, a->offset);
	else
		a->value = 0;
}

static void registers_access(void *arg, struct bus_access *a)
{
	struct virtio_pci *p = arg;
	unsigned off = a->offset & 0xfff;

	if (!a->write)
		a->value = 0;
	switch (a->offset & ~UINT64_C(0xfff)) {
	case VIRTIO_PCI_COMMON_OFFSET:
		common_access(p, off, a);
		return;
	case VIRTIO_PCI_ISR_OFFSET: /* 4.1.4.5: reading clears it */
		if (!a->write && off == 0)
			a->value = atomic_xchg(&p->isr, 0u);
		return;
	case VIRTIO_PCI_DEVICE_OFFSET:
		device_access(p, off, a);
		return;
	default:
		if (a->write)
			kick(p, off);
	}
}

/* 4.1.4.9: the window onto a BAR. cap.offset and cap.length name the piece. */
static void pci_cfg_access(struct virtio_pci *p, bool write)
{
	struct pci_function *f = &p->pci;
	unsigned cap = p->pci_cfg_cap;
	uint32_t offset = pci_get32(f, cap + CAP_OFFSET), length = pci_get32(f, cap + CAP_LENGTH);
	struct bus_access a = { .value = pci_get32(f, cap + CAP_EXTRA), .write = write };

	if ((length != 1 && length != 2 && length != 4) || offset % length != 0)
		return;
	a.size_bytes = (uint8_t)length;
	if (pci_bar_access(f, f->config[cap + CAP_BAR], offset, &a) && !write)
		pci_set32(f, cap + CAP_EXTRA, (uint32_t)a.value);
}

static bool is_pci_cfg_data(const struct virtio_pci *p, unsigned off)
{
	return off >= p->pci_cfg_cap + CAP_EXTRA && off < p->pci_cfg_cap + CAP_EXTRA + 4;
}

static void config_read(struct pci_function *f, unsigned off, unsigned size_bytes)
{
	struct virtio_pci *p = CONTAINER_OF(f, struct virtio_pci, pci);

	(void)size_bytes;
	if (is_pci_cfg_data(p, off))
		pci_cfg_access(p, false);
}

static void config_written(struct pci_function *f, unsigned off, unsigned size_bytes)
{
	struct virtio_pci *p = CONTAINER_OF(f, struct virtio_pci, pci);

	if (is_pci_cfg_data(p, off))
		pci_cfg_access(p, true);
	else if (off < p->msix.cap + 4 && off + size_bytes > p->msix.cap)
		msix_config_written(&p->msix, f);
}

static const struct pci_ops virtio_pci_ops = { config_read, config_written };

static void notify_queue(void *transport, unsigned q)
{
	struct virtio_pci *p = transport;

	if (!load_relaxed(&p->msix.enabled))
		(void)atomic_fetch_or(&p->isr, ISR_QUEUE);
	else
		msix_notify(&p->msix, load_relaxed(&p->queue[q].msix_vector));
}

static void notify_config(void *transport)
{
	struct virtio_pci *p = transport;

	store_relaxed(&p->config_generation, (uint8_t)(p->config_generation + 1));
	(void)atomic_fetch_or(&p->isr, ISR_CONFIG);
	msix_notify(&p->msix, load_relaxed(&p->config_vector));
}

/* 2.1.2: a driver that is past DRIVER_OK is told. */
static void needs_reset(void *transport)
{
	struct virtio_pci *p = transport;

	if (atomic_fetch_or(&p->status, VIRTIO_STATUS_DEVICE_NEEDS_RESET) & VIRTIO_STATUS_DRIVER_OK)
		notify_config(p);
}

/* Where a structure lies: the bytes of struct virtio_pci_cap after its header. */
struct structure {
	uint8_t type, bar;
	uint32_t offset, len_bytes;
};

static int add_structure(struct virtio_pci *p, const struct structure *s, unsigned extra_bytes)
{
	int cap = pci_add_capability(&p->pci, PCI_CAP_ID_VENDOR, CAP_BYTES + extra_bytes);
	unsigned off = (unsigned)cap;

	if (cap < 0)
		return cap;
	p->pci.config[off + CAP_LEN] = (uint8_t)(CAP_BYTES + extra_bytes);
	p->pci.config[off + CAP_CFG_TYPE] = s->type;
	p->pci.config[off + CAP_BAR] = s->bar;
	pci_set32(&p->pci, off + CAP_OFFSET, s->offset);
	pci_set32(&p->pci, off + CAP_LENGTH, s->len_bytes);
	if (s->type == VIRTIO_PCI_CAP_NOTIFY_CFG)
		pci_set32(&p->pci, off + CAP_EXTRA, VIRTIO_PCI_NOTIFY_MULTIPLIER);
	return cap;
}

static int add_capabilities(struct virtio_pci *p, uint32_t notify_bytes)
{
	const struct structure s[] = {
		{ VIRTIO_PCI_CAP_COMMON_CFG, VIRTIO_PCI_BAR_REGISTERS, VIRTIO_PCI_COMMON_OFFSET,
			sizeof(struct virtio_pci_common) },
		{ VIRTIO_PCI_CAP_NOTIFY_CFG, VIRTIO_PCI_BAR_NOTIFY, 0, notify_bytes },
		{ VIRTIO_PCI_CAP_NOTIFY_CFG, VIRTIO_PCI_BAR_REGISTERS, VIRTIO_PCI_NOTIFY_OFFSET,
			notify_bytes },
		{ VIRTIO_PCI_CAP_ISR_CFG, VIRTIO_PCI_BAR_REGISTERS, VIRTIO_PCI_ISR_OFFSET, 1 },
		{ VIRTIO_PCI_CAP_DEVICE_CFG, VIRTIO_PCI_BAR_REGISTERS, VIRTIO_PCI_DEVICE_OFFSET,
			p->dev->config_len_bytes },
		{ VIRTIO_PCI_CAP_PCI_CFG, 0, 0, 0 },
	};
	int cap = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(s) && cap >= 0; i++) {
		bool longer = s[i].type == VIRTIO_PCI_CAP_NOTIFY_CFG ||
			      s[i].type == VIRTIO_PCI_CAP_PCI_CFG;

		cap = add_structure(p, &s[i], longer ? 4 : 0);
	}
	if (cap < 0)
		return cap;
	p->pci_cfg_cap = (unsigned)cap;
	p->pci.writable[p->pci_cfg_cap + CAP_BAR] = 0xff;
	memset(&p->pci.writable[p->pci_cfg_cap + CAP_OFFSET], 0xff, 12); /* offset, length, data */
	return 0;
}

static int add_bars(
	struct virtio_pci *p, struct pci_bus *b, uint32_t notify_bytes, msi_send send, void *ctx)
{
	int r = pci_add_bar(
		b, &p->pci, VIRTIO_PCI_BAR_NOTIFY, PCI_BAR_IO, notify_bytes, notify_access, p);

	if (r == 0) /* one vector per queue and one for configuration changes */
		r = msix_init(&p->msix, b, &p->pci, VIRTIO_PCI_BAR_MSIX, p->dev->nr_queues + 1,
			send, ctx);
	if (r == 0)
		r = pci_add_bar(b, &p->pci, VIRTIO_PCI_BAR_REGISTERS, PCI_BAR_MEM64,
			VIRTIO_PCI_REGISTERS_LEN_BYTES, registers_access, p);
	return r;
}

int virtio_pci_init(struct virtio_pci *p, struct pci_bus *b, struct virtio_device *dev,
	msi_send send, void *ctx)
{
	const struct pci_ids ids = { .vendor = VENDOR_VIRTIO,
		.device = (uint16_t)(DEVICE_ID_BASE + dev->device_id),
		.subsystem_vendor = VENDOR_VIRTIO,
		.subsystem = (uint16_t)(SUBSYSTEM_BASE + dev->device_id),
		.class = CLASS_NETWORK,
		.revision = 1 };
	uint32_t notify_bytes = 16; /* a power of two that holds a notification for each queue */
	int r;

	if (dev->nr_queues > VIRTIO_PCI_QUEUES_MAX)
		return -EINVAL;
	while (notify_bytes < dev->nr_queues * VIRTIO_PCI_NOTIFY_MULTIPLIER)
		notify_bytes *= 2;
	memset(p, 0, sizeof(*p));
	p->dev = dev;
	dev->transport = p;
	dev->notify_queue = notify_queue;
	dev->notify_config = notify_config;
	dev->needs_reset = needs_reset;
	clear_registers(p);
	pci_function_init(&p->pci, &ids, &virtio_pci_ops);
	r = add_capabilities(p, notify_bytes);
	if (r == 0)
		r = add_bars(p, b, notify_bytes, send, ctx);
	return r ? r : pci_add_function(b, &p->pci);
}

void virtio_pci_reset(struct virtio_pci *p)
{
	spin_lock(&p->lock);
	begin_reset(p);
	spin_unlock(&p->lock);
	msix_reset(&p->msix);
}

bool virtio_pci_reset_pending(struct virtio_pci *p)
{
	bool pending;

	spin_lock(&p->lock);
	pending = still_resetting(p);
	spin_unlock(&p->lock);
	return pending;
}
