/* hog: takes all the time and cache that it gets, until the machine goes. Options: README.md. */
#include "console.h"
#include "lib/bits.h"
#include "machine.h"

#define BUFFER_KIB_MAX 8192u

static uint8_t buffer[BUFFER_KIB_MAX * 1024] __cacheline_aligned;

/* A pass over the buffer, a line at a time, and as much arithmetic. */
static uint64_t pass(uint64_t len_bytes, uint64_t sum)
{
	for (uint64_t at = 0; at < len_bytes; at += CACHE_LINE_BYTES) {
		volatile uint64_t *word = (volatile uint64_t *)(void *)(buffer + at);

		sum = sum * 6364136223846793005u + *word;
		*word = sum;
	}
	return sum;
}

void stub_main(void)
{
	uint64_t kib = MIN(option_u64("kib", 1024), (uint64_t)BUFFER_KIB_MAX);
	uint64_t sum = 1;

	print("hog ready\n");
	for (;;)
		sum = pass(kib * 1024, sum);
}
