/* The driver's side of a split virtqueue, in guest memory: what tests and fuzzers post with. */
#ifndef SLUICE_TESTS_VRING_H
#define SLUICE_TESTS_VRING_H

#include "net/virtqueue.h"

#define VRING_SIZE_MAX 256

/* A bump allocator over one region of guest memory. */
struct test_memory {
	struct guest_mem gm;
	uint8_t *bytes;
	uint64_t gpa, len_bytes, next;
};

void test_memory_init(struct test_memory *m, uint64_t gpa, uint64_t len_bytes);
void test_memory_free(struct test_memory *m);
uint64_t test_memory_alloc(struct test_memory *m, uint64_t len_bytes, uint64_t align);
void *test_memory_at(const struct test_memory *m, uint64_t gpa);

struct vring_buffer {
	uint64_t gpa;
	uint32_t len_bytes;
	bool write;
};

struct vring {
	struct test_memory *mem;
	struct virtio_queue_conf conf;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t size, used_seen, avail_kicked;
	bool event_idx;
	uint16_t chain_len[VRING_SIZE_MAX]; /* by head: descriptors in use, 0: free */
	bool in_use[VRING_SIZE_MAX];
	uint16_t nr_free;
};

void vring_init(struct vring *r, struct test_memory *m, uint16_t size, bool event_idx);
/* The head, or -1 if there is no room. indirect_gpa: 0, or where the table goes. */
int vring_add(struct vring *r, const struct vring_buffer *b, unsigned nr, uint64_t indirect_gpa);
/* Shows what was added; true if the device wants a kick. */
bool vring_publish(struct vring *r);
/* The next used entry's head, or -1. */
int vring_take_used(struct vring *r, uint32_t *len_bytes);
/* Arms the interrupt for the next used entry. */
void vring_arm(struct vring *r);

#endif
