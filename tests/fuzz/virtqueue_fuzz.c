// sources: hv/net/virtqueue.c hv/mem/guest_mem.c
/* A guest's whole memory is the input: rings, descriptors, indirect tables. Whatever it holds, the
 * walk ends, stays in memory and within its limits. */
#include <stdlib.h>
#include <string.h>

#include "lib/errno.h"
#include "lib/log.h"
#include "net/virtqueue.h"

#define MEMORY_BYTES 8192
#define GPA	     0x10000
#define SEGMENTS     16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_chain(
	const struct virtqueue *vq, const struct virtqueue_chain *c, const uint8_t *memory)
{
	uint64_t sum = 0;

	ASSERT(c->nr_read + c->nr_write <= SEGMENTS && c->head < vq->size);
	for (unsigned i = 0; i < c->nr_read + c->nr_write; i++) {
		const struct virtqueue_segment *s = &c->segment[i];

		ASSERT(s->hva >= memory && s->len_bytes <= MEMORY_BYTES);
		ASSERT((uint64_t)(s->hva - memory) + s->len_bytes <= MEMORY_BYTES);
		sum += s->len_bytes;
	}
	ASSERT(sum == c->read_bytes + c->write_bytes);
}

/* Uses what it got: reads all that is readable, fills what is writable. */
static void use_chain(struct virtqueue *vq, struct virtqueue_chain *c)
{
	struct virtqueue_reader r;
	uint8_t bytes[256];

	virtqueue_reader_init(&r, c);
	while (virtqueue_read(&r, bytes, sizeof(bytes)) == sizeof(bytes))
		;
	for (unsigned i = 0; i < c->nr_write; i++)
		memset(c->segment[c->nr_read + i].hva, bytes[0],
			c->segment[c->nr_read + i].len_bytes);
	virtqueue_push_used(vq, c->head, (uint32_t)c->write_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct virtio_queue_conf conf;
	struct virtqueue_segment segment[SEGMENTS];
	struct virtqueue_chain chain = { .segment = segment, .segments_max = SEGMENTS };
	struct guest_mem gm = { .nr_regions = 1 };
	struct virtqueue vq;
	uint8_t *memory;

	if (size < 8)
		return 0;
	memory = aligned_alloc(4096, MEMORY_BYTES);
	memset(memory, 0, MEMORY_BYTES);
	memcpy(memory, data + 8, MIN(size - 8, (size_t)MEMORY_BYTES));
	gm.region[0] = (struct guest_mem_region){ GPA, MEMORY_BYTES, memory };
	conf.desc_gpa = GPA + 16u * data[0];
	conf.driver_gpa = GPA + 16u * data[1];
	conf.device_gpa = GPA + 16u * data[2];
	conf.size = (uint16_t)(1u << (data[3] % 12));
	if (virtqueue_init(&vq, &gm, &conf,
		    (data[4] & 1 ? VIRTIO_F_EVENT_IDX : 0) |
			    (data[4] & 2 ? VIRTIO_F_INDIRECT_DESC : 0)) == 0) {
		for (unsigned n = 0; n < 3000; n++) {
			int r = virtqueue_pop_chain(&vq, &chain);

			if (r == -EPROTO || (r == -EAGAIN && !virtqueue_enable_kick(&vq)))
				break;
			if (r == 0) {
				check_chain(&vq, &chain, memory);
				use_chain(&vq, &chain);
			}
			if (n % 8 == 7 && (data[5] & 1))
				virtqueue_unpop(&vq, 1);
			if (n % 4 == 3)
				(void)virtqueue_publish(&vq);
			virtqueue_disable_kick(&vq);
		}
	}
	free(memory);
	return 0;
}
