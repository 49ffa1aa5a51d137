/* The flow director's hash over the tuple of a packet. DS 7.1.2.7.3: a key of 32 bits, repeated
 * along the tuple, is combined by exclusive or at each bit of the tuple that is set.
 *
 * As the key repeats every 32 bits, all words of the tuple but the first can be combined before the
 * hash is taken; the first one (pool, flow type, VLAN) lies across the ends of the key. */
#include "data.h"

#define HASH_BITS 0x7fffu

uint32_t fdir_hash(uint32_t fixed, uint32_t rest, uint32_t key)
{
	uint32_t high = rest ^ fixed ^ fixed >> 16;
	uint32_t first = rest >> 16 | rest << 16, low = first ^ fixed ^ fixed << 16, hash = 0;

	/* bit 0 of the key does not meet the first word */
	if (key & 1)
		hash ^= first;
	if (key & 1u << 16)
		hash ^= high;
	for (unsigned n = 1; n < 16; n++) {
		hash ^= key >> n & 1 ? low >> n : 0;
		hash ^= key >> (n + 16) & 1 ? high >> n : 0;
	}
	return hash & HASH_BITS;
}
