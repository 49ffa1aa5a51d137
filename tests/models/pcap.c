/* Capture files with emulated time. */
#include "pcap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"

#define MAGIC_NANOSECONDS 0xa1b23c4d
#define SNAPLEN		  65535
#define LINKTYPE_ETHERNET 1

struct pcap {
	FILE *out;
};

static void store32(uint8_t *p, uint64_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

struct pcap *pcap_file_open(const char *path)
{
	uint8_t header[24] = { 0 };
	struct pcap *p = malloc(sizeof(*p));

	if (!p)
		return NULL;
	p->out = fopen(path, "wb");
	if (!p->out) {
		free(p);
		return NULL;
	}
	store32(header, MAGIC_NANOSECONDS);
	header[4] = 2; /* version 2.4 */
	header[6] = 4;
	store32(header + 16, SNAPLEN);
	store32(header + 20, LINKTYPE_ETHERNET);
	fwrite(header, sizeof(header), 1, p->out);
	return p;
}

void pcap_file_frame(struct pcap *p, uint64_t at_ps, const uint8_t *data, uint32_t len_bytes)
{
	uint8_t header[16];
	uint32_t kept = len_bytes < SNAPLEN ? len_bytes : SNAPLEN;

	store32(header, at_ps / CLOCK_PS_PER_S);
	store32(header + 4, at_ps % CLOCK_PS_PER_S / CLOCK_PS_PER_NS);
	store32(header + 8, kept);
	store32(header + 12, len_bytes);
	fwrite(header, sizeof(header), 1, p->out);
	fwrite(data, kept, 1, p->out);
}

int pcap_file_close(struct pcap *p)
{
	int failed;

	if (!p)
		return 0;
	failed = ferror(p->out);
	failed |= fclose(p->out);
	free(p);
	return failed ? -EIO : 0;
}
