/* Receive side scaling: the Toeplitz hash over addresses and ports. DS 7.1.2.8. */
#include "data.h"

#define KEY_BYTES 40
#define INPUT_MAX 36

/* DS 7.1.6.2, RSS Type */
enum {
	RSS_TCP_IPV4 = 1,
	RSS_IPV4,
	RSS_TCP_IPV6,
	RSS_IPV6_EX,
	RSS_IPV6,
	RSS_TCP_IPV6_EX,
	RSS_UDP_IPV4,
	RSS_UDP_IPV6,
	RSS_UDP_IPV6_EX
};

/* The hash is linear: what each byte contributes at each place is added up once for a key. */
static void prepare(struct port *p)
{
	struct data *d = p->data;
	uint8_t key[KEY_BYTES + 4] = { 0 };

	for (unsigned i = 0; i < KEY_BYTES / 4; i++)
		store_le32(key + 4 * i, reg_get(p, REG_RSSRK(i)));
	for (unsigned at = 0; at < INPUT_MAX; at++) {
		uint64_t window = (uint64_t)load_be32(key + at) << 8 | key[at + 4];

		for (unsigned byte = 0; byte < 256; byte++) {
			uint32_t v = 0;

			for (unsigned bit = 0; bit < 8; bit++)
				if (byte & 0x80u >> bit)
					v ^= (uint32_t)(window >> (8 - bit));
			d->toeplitz[at][byte] = v;
		}
	}
	d->toeplitz_ready = true;
}

static uint32_t hash_part(const struct data *d, unsigned at, const uint8_t *p, unsigned len)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < len; i++)
		v ^= d->toeplitz[at + i][p[i]];
	return v;
}

/* The function with the highest priority among those that are enabled; *ex: with the addresses of
 * the extension headers; *ports: over the ports as well. */
static unsigned choose(uint32_t mrqc, const struct parse *r, bool *ex, bool *ports)
{
	bool tcp = r->l4_type == L4_TCP, udp = r->l4_type == L4_UDP;

	*ports = true;
	*ex = false;
	if (r->ip == 4) {
		if (tcp && mrqc & MRQC_TCP_IPV4)
			return RSS_TCP_IPV4;
		if (udp && mrqc & MRQC_UDP_IPV4)
			return RSS_UDP_IPV4;
		*ports = false;
		return mrqc & MRQC_IPV4 ? RSS_IPV4 : 0;
	}
	*ex = true;
	if (tcp && mrqc & MRQC_TCP_IPV6_EX)
		return RSS_TCP_IPV6_EX;
	if (udp && mrqc & MRQC_UDP_IPV6_EX)
		return RSS_UDP_IPV6_EX;
	*ex = false;
	if (tcp && mrqc & MRQC_TCP_IPV6)
		return RSS_TCP_IPV6;
	if (udp && mrqc & MRQC_UDP_IPV6)
		return RSS_UDP_IPV6;
	*ports = false;
	*ex = mrqc & MRQC_IPV6_EX;
	if (*ex)
		return RSS_IPV6_EX;
	return mrqc & MRQC_IPV6 ? RSS_IPV6 : 0;
}

unsigned rss_hash(struct port *p, const uint8_t *data, const struct parse *r, uint32_t *hash)
{
	struct data *d = p->data;
	unsigned type, address = r->ip == 4 ? 4 : 16;
	bool ex, ports;

	if (!r->ip || !r->l4 || (r->ip == 6 && reg_get(p, REG_RFCTL) & RFCTL_IPV6_DIS))
		return 0;
	type = choose(reg_get(p, REG_MRQC), r, &ex, &ports);
	if (!type)
		return 0;
	if (!d->toeplitz_ready)
		prepare(p);
	*hash = hash_part(d, 0, data + (ex ? r->ex_src : r->src), address) ^
		hash_part(d, address, data + (ex ? r->ex_dst : r->dst), address);
	if (ports)
		*hash ^= hash_part(d, 2 * address, data + r->l4, 4);
	return type;
}
