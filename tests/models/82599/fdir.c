/* The flow director: perfect match and signature filters, in chains by hash. DS 7.1.2.7, 8.2.3.21.
 *
 * The hash of a filter is what software says it is; that of a packet is computed here. A driver
 * that computes it differently gets no match, as on the chip. */
#include <stdlib.h>
#include <string.h>

#include "data.h"

#define NR_BUCKETS	  0x8000
#define CHAIN_MAX	  63	/* what FDIRLEN can report */
#define PERFECT_FILTERS	  2046u /* with PBALLOC 1; doubled with every step */
#define SIGNATURE_FILTERS 8190u
#define NONE		  0u

/* Words as in the network's order. Signature filters use hash and id only. */
struct tuple {
	uint32_t fixed; /* pool, flow type, VLAN */
	uint32_t src[4], dst[4], ports, flex;
};

struct filter {
	uint32_t next; /* index + 1 */
	uint16_t hash, id;
	uint8_t queue;
	bool drop, queue_valid, interrupt, used;
	struct tuple tuple;
};

struct fdir {
	bool perfect;
	uint64_t ready_at;
	uint32_t capacity, nr, nr_used; /* nr: ever used; those freed are in `free` */
	uint32_t free;
	uint32_t collisions;
	uint32_t longest, longest_hash;
	struct filter *filter;
	uint32_t bucket[NR_BUCKETS];
};

void fdir_reset(struct port *p)
{
	struct data *d = p->data;

	if (!d->fdir)
		return;
	free(d->fdir->filter);
	free(d->fdir);
	d->fdir = NULL;
}

static uint32_t swap32(uint32_t v)
{
	return __builtin_bswap32(v);
}

/* Port masks are stored with their bits in reverse. */
static uint32_t reverse16(uint32_t v)
{
	uint32_t r = 0;

	for (unsigned i = 0; i < 16; i++)
		r |= (v >> i & 1) << (15 - i);
	return r;
}

static void apply_masks(const struct port *p, struct tuple *t)
{
	uint32_t m = reg_get(p, REG_FDIRM);
	unsigned l4 = t->fixed >> 16 & 3;
	bool v6 = t->fixed >> 16 & 4;
	uint32_t ports = reg_get(p, l4 == L4_UDP ? REG_FDIRUDPM : REG_FDIRTCPM);

	/* CFI is never compared */
	t->fixed &= ~(1u << 12 | (m & FDIRM_VLANID ? 0xfffu : 0) | (m & FDIRM_VLANP ? 0xe000u : 0) |
		      (m & FDIRM_POOL ? 0xff000000u : 0) | (m & FDIRM_L4P ? 3u << 16 : 0));
	if (m & FDIRM_FLEX)
		t->flex = 0;
	if (v6 && m & FDIRM_DIPV6)
		memset(t->dst, 0, sizeof(t->dst));
	if (!v6) {
		t->src[0] &= ~swap32(reg_get(p, REG_FDIRSIP4M));
		t->dst[0] &= ~swap32(reg_get(p, REG_FDIRDIP4M));
	}
	t->ports &= ~(reverse16(ports) << 16 | reverse16(ports >> 16));
}

static uint32_t tuple_hash(const struct port *p, const struct tuple *t, uint32_t key_register)
{
	uint32_t rest = t->ports ^ t->flex;

	for (unsigned i = 0; i < 4; i++)
		rest ^= t->src[i] ^ t->dst[i];
	return fdir_hash(t->fixed, rest, reg_get(p, key_register));
}

static void tuple_of_packet(const struct port *p, const uint8_t *data, uint32_t len,
	const struct parse *r, unsigned pool, struct tuple *t)
{
	uint32_t flex_at = (reg_get(p, REG_FDIRCTRL) >> FDIRCTRL_FLEX_SHIFT & 0x1f) * 2;
	unsigned words = r->ip == 4 ? 1 : 4;

	memset(t, 0, sizeof(*t));
	t->fixed = pool << 24 | (r->l4_type | (r->ip == 6 ? 4u : 0)) << 16 | r->vlan_tci;
	for (unsigned i = 0; i < words; i++) {
		t->src[i] = load_be32(data + r->src + 4 * i);
		t->dst[i] = load_be32(data + r->dst + 4 * i);
	}
	if (r->l4_type != L4_NONE)
		t->ports = load_be32(data + r->l4);
	if (flex_at + 2 <= len)
		t->flex = (uint32_t)load_be16(data + flex_at) << 16;
	apply_masks(p, t);
}

static void tuple_of_registers(const struct port *p, struct tuple *t)
{
	uint32_t cmd = reg_get(p, REG_FDIRCMD), ports = reg_get(p, REG_FDIRPORT);
	uint32_t vlan = reg_get(p, REG_FDIRVLAN);

	memset(t, 0, sizeof(*t));
	t->fixed = (cmd >> FDIRCMD_POOL_SHIFT & 0x3f) << 24 |
		   (cmd >> FDIRCMD_L4TYPE_SHIFT & 7) << 16 | (vlan & 0xffff);
	if (cmd & FDIRCMD_IPV6) {
		for (unsigned i = 0; i < 3; i++)
			t->src[i] = swap32(reg_get(p, REG_FDIRSIPV6(i)));
		t->src[3] = swap32(reg_get(p, REG_FDIRIPSA));
	} else {
		t->src[0] = swap32(reg_get(p, REG_FDIRIPSA));
		t->dst[0] = swap32(reg_get(p, REG_FDIRIPDA));
	}
	t->ports = ports << 16 | ports >> 16;
	t->flex = (uint32_t)__builtin_bswap16((uint16_t)(vlan >> 16)) << 16;
	apply_masks(p, t);
}

static bool same_tuple(const struct tuple *a, const struct tuple *b)
{
	/* IPv6 filters know one address only */
	bool v6 = a->fixed >> 16 & 4;

	return a->fixed == b->fixed && a->ports == b->ports && a->flex == b->flex &&
	       !memcmp(a->src, b->src, sizeof(a->src)) &&
	       (v6 || !memcmp(a->dst, b->dst, sizeof(a->dst)));
}

static struct filter *filter_at(struct fdir *f, uint32_t link)
{
	return &f->filter[link - 1];
}

bool fdir_match(struct port *p, const uint8_t *data, uint32_t len_bytes, const struct parse *r,
	unsigned pool, struct fdir_match *m)
{
	struct fdir *f = p->data->fdir;
	uint32_t hash, signature = 0, length = 0, limit;
	struct tuple t;

	if (!r->ip || clock_now(p->clock) < f->ready_at)
		return false;
	tuple_of_packet(p, data, len_bytes, r, pool, &t);
	hash = tuple_hash(p, &t, REG_FDIRHKEY);
	if (f->perfect)
		hash &= 0x1fff;
	else
		signature = tuple_hash(p, &t, REG_FDIRSKEY);
	limit = (reg_get(p, REG_FDIRCTRL) >> FDIRCTRL_MAX_LENGTH_SHIFT & 0xf) * 2;
	for (uint32_t at = f->bucket[hash]; at != NONE; at = filter_at(f, at)->next) {
		const struct filter *e = filter_at(f, at);

		length++;
		if (f->perfect ? !same_tuple(&t, &e->tuple) : e->id != signature)
			continue;
		*m = (struct fdir_match){ .drop = e->drop,
			.queue_valid = e->queue_valid,
			.interrupt = e->interrupt,
			.queue = e->queue,
			.hash = (uint16_t)hash,
			.id = e->id,
			.too_long = limit && length > limit };
		stats_add(p, REG_FDIRMATCH, 1);
		return true;
	}
	stats_add(p, REG_FDIRMISS, 1);
	return false;
}

/* ---- Programming ---- */

/* A counter in `bits` bits of a register, which stats.c clears when it is read. */
static void count_in(struct port *p, uint32_t off, unsigned shift, unsigned bits)
{
	uint32_t v = reg_get(p, off), max = (1u << bits) - 1;

	if ((v >> shift & max) < max)
		reg_set(p, off, v + (1u << shift));
}

static uint32_t *find(struct fdir *f, uint32_t hash, uint16_t id, const struct tuple *t)
{
	uint32_t *link = &f->bucket[hash];

	for (; *link != NONE; link = &filter_at(f, *link)->next) {
		const struct filter *e = filter_at(f, *link);

		if (t ? same_tuple(t, &e->tuple) : e->id == id)
			return link;
	}
	return NULL;
}

static uint32_t chain_length(struct fdir *f, uint32_t hash)
{
	uint32_t n = 0;

	for (uint32_t at = f->bucket[hash]; at != NONE; at = filter_at(f, at)->next)
		n++;
	return n;
}

static struct filter *new_filter(struct fdir *f, uint32_t hash)
{
	uint32_t length = chain_length(f, hash), link, *end = &f->bucket[hash];

	if (f->nr_used == f->capacity || length >= CHAIN_MAX)
		return NULL;
	link = f->free;
	if (link != NONE)
		f->free = filter_at(f, link)->next;
	else
		link = ++f->nr;
	f->nr_used++;
	memset(filter_at(f, link), 0, sizeof(struct filter));
	while (*end != NONE)
		end = &filter_at(f, *end)->next;
	*end = link;
	if (length)
		f->collisions++;
	if (length + 1 > f->longest) {
		f->longest = length + 1;
		f->longest_hash = hash;
	}
	return filter_at(f, link);
}

static void fdir_add(struct port *p, struct fdir *f, uint32_t hash, uint16_t id, uint32_t cmd)
{
	struct filter *e;
	struct tuple t;
	uint32_t *link, threshold = (reg_get(p, REG_FDIRCTRL) >> FDIRCTRL_FULL_SHIFT) * 16;

	tuple_of_registers(p, &t);
	link = find(f, hash, id, f->perfect ? &t : NULL);
	if (link && !(cmd & FDIRCMD_UPDATE)) {
		reg_set(p, REG_FDIRCMD, cmd | FDIRCMD_COLLISION);
		count_in(p, REG_FDIRFSTAT, 0, 8);
		return;
	}
	e = link ? filter_at(f, *link) : new_filter(f, hash);
	if (!e) {
		count_in(p, REG_FDIRFSTAT, 0, 8);
		return;
	}
	e->hash = (uint16_t)hash;
	e->id = id;
	e->tuple = t;
	e->queue = cmd >> FDIRCMD_QUEUE_SHIFT & 0x7f;
	e->queue_valid = cmd & FDIRCMD_QUEUE_EN;
	e->drop = cmd & FDIRCMD_DROP && f->perfect;
	e->interrupt = cmd & FDIRCMD_INT;
	count_in(p, REG_FDIRUSTAT, 0, 16);
	if (f->capacity - f->nr_used < threshold)
		irq_other(p, EICR_FLOW_DIR);
}

static void fdir_remove(struct port *p, struct fdir *f, uint32_t hash, uint16_t id)
{
	uint32_t *link = find(f, hash, id, NULL), at;

	if (!link) {
		count_in(p, REG_FDIRFSTAT, 8, 8);
		return;
	}
	at = *link;
	*link = filter_at(f, at)->next;
	filter_at(f, at)->next = f->free;
	f->free = at;
	f->nr_used--;
	count_in(p, REG_FDIRUSTAT, 16, 16);
}

/* Commands complete at once: CMD reads as zero. */
static void fdircmd_write(struct port *p, unsigned i, uint32_t v)
{
	struct fdir *f = p->data->fdir;
	uint32_t reg = reg_get(p, REG_FDIRHASH), hash = reg & (NR_BUCKETS - 1);
	uint16_t id = reg >> 16 & 0x7fff;

	(void)i;
	reg_set(p, REG_FDIRCMD, v & ~(FDIRCMD_CMD | FDIRCMD_FILTER_VALID | FDIRCMD_COLLISION));
	if (!f)
		return;
	if (f->perfect)
		hash &= 0x1fff;
	if ((v & FDIRCMD_CMD) == FDIRCMD_ADD)
		fdir_add(p, f, hash, id, reg_get(p, REG_FDIRCMD));
	else if ((v & FDIRCMD_CMD) == FDIRCMD_REMOVE)
		fdir_remove(p, f, hash, id);
	else if ((v & FDIRCMD_CMD) == FDIRCMD_QUERY && find(f, hash, id, NULL))
		reg_set(p, REG_FDIRCMD, reg_get(p, REG_FDIRCMD) | FDIRCMD_FILTER_VALID);
}

static void fdirctrl_write(struct port *p, unsigned i, uint32_t v)
{
	unsigned alloc = v & FDIRCTRL_PBALLOC;
	struct fdir *f;

	(void)i;
	reg_set(p, REG_FDIRCTRL, v & ~FDIRCTRL_INIT_DONE);
	fdir_reset(p);
	if (!alloc)
		return;
	f = calloc(1, sizeof(*f));
	if (!f)
		return;
	f->perfect = v & FDIRCTRL_PERFECT;
	f->capacity = ((f->perfect ? PERFECT_FILTERS : SIGNATURE_FILTERS) + 2) << (alloc - 1);
	f->capacity -= 2;
	f->filter = malloc(f->capacity * sizeof(*f->filter));
	if (!f->filter) {
		free(f);
		return;
	}
	f->ready_at = clock_now(p->clock) + FDIR_INIT_PS;
	p->data->fdir = f;
}

static uint32_t fdirctrl_read(struct port *p, unsigned i)
{
	const struct fdir *f = p->data->fdir;
	uint32_t v = reg_get(p, REG_FDIRCTRL);

	(void)i;
	return f && clock_now(p->clock) >= f->ready_at ? v | FDIRCTRL_INIT_DONE : v;
}

static uint32_t fdirfree_read(struct port *p, unsigned i)
{
	const struct fdir *f = p->data->fdir;

	(void)i;
	return f ? (f->capacity - f->nr_used) | (f->collisions & 0x7fff) << 16 : 0;
}

static uint32_t take(uint32_t *count, uint32_t max)
{
	uint32_t v = *count < max ? *count : max;

	*count = 0;
	return v;
}

static uint32_t fdirlen_read(struct port *p, unsigned i)
{
	struct fdir *f = p->data->fdir;

	(void)i;
	return f ? take(&f->longest, 0x3f) | take(&f->longest_hash, 0x7fff) << 16 : 0;
}

static void ignore_write(struct port *p, unsigned i, uint32_t v)
{
	(void)p;
	(void)i;
	(void)v;
}

const struct reg_range fdir_ranges[] = {
	{ .off = REG_FDIRCTRL, .read = fdirctrl_read, .write = fdirctrl_write },
	{ .off = REG_FDIRSIPV6(0), .count = 3, .writable = ~0u },
	{ .off = REG_FDIRIPSA, .writable = ~0u },
	{ .off = REG_FDIRIPDA, .writable = ~0u },
	{ .off = REG_FDIRPORT, .writable = ~0u },
	{ .off = REG_FDIRVLAN, .writable = ~0u },
	{ .off = REG_FDIRHASH, .writable = ~0u },
	{ .off = REG_FDIRCMD, .write = fdircmd_write },
	{ .off = REG_FDIRFREE, .read = fdirfree_read, .write = ignore_write },
	{ .off = REG_FDIRDIP4M, .writable = ~0u },
	{ .off = REG_FDIRSIP4M, .writable = ~0u },
	{ .off = REG_FDIRTCPM, .writable = ~0u },
	{ .off = REG_FDIRUDPM, .writable = ~0u },
	{ .off = REG_FDIRLEN, .read = fdirlen_read },
	{ .off = REG_FDIRHKEY, .writable = ~0u, .reset = 0x80000001 },
	{ .off = REG_FDIRSKEY, .writable = ~0u, .reset = 0x80800101 },
	{ .off = REG_FDIRM, .writable = 0x3f },
	{ .off = REG_FDIRIP6M, .writable = ~0u },
	{ 0 },
};
