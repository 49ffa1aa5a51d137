/* The injection record: a ring of what the models wrote by DMA. */
#include "record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

int record_init(struct record *r, size_t capacity)
{
	size_t rounded = 1;

	*r = (struct record){ 0 };
	if (capacity > SIZE_MAX / 2 / sizeof(*r->entry))
		return -ENOMEM;
	while (rounded < capacity)
		rounded *= 2;
	r->entry = calloc(rounded, sizeof(*r->entry));
	if (!r->entry)
		return -ENOMEM;
	r->capacity = rounded;
	return 0;
}

void record_destroy(struct record *r)
{
	free(r->entry);
	*r = (struct record){ 0 };
}

void record_add(struct record *r, const struct record_entry *e)
{
	if (r->capacity)
		r->entry[r->nr_written++ & (r->capacity - 1)] = *e;
}

static uint64_t oldest(const struct record *r)
{
	return r->nr_written > r->capacity ? r->nr_written - r->capacity : 0;
}

const struct record_entry *record_find(const struct record *r, uint64_t addr, uint64_t since_ps)
{
	for (uint64_t n = r->nr_written; n > oldest(r); n--) {
		const struct record_entry *e = &r->entry[(n - 1) & (r->capacity - 1)];

		if (e->at_ps < since_ps)
			break; /* time never goes back */
		if (addr >= e->addr && addr - e->addr < e->len_bytes)
			return e;
	}
	return NULL;
}

void record_export(const struct record *r, FILE *out)
{
	static const char *const kind[] = {
		[DMA_DESCRIPTOR] = "desc",
		[DMA_HEADER] = "header",
		[DMA_PAYLOAD] = "payload",
		[DMA_HEAD_WRITE_BACK] = "head",
		[DMA_COMPLETION] = "completion",
	};

	for (uint64_t n = oldest(r); n < r->nr_written; n++) {
		const struct record_entry *e = &r->entry[n & (r->capacity - 1)];

		fprintf(out, "%" PRIu64 " %u %u %s 0x%" PRIx64 " %" PRIu32 " ", e->at_ps, e->device,
			e->hint.queue, kind[e->hint.kind], e->addr, e->len_bytes);
		if (e->hint.target == DMA_NO_TARGET)
			fprintf(out, "-\n");
		else
			fprintf(out, "%" PRIu32 "\n", e->hint.target);
	}
}
