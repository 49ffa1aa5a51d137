/* Writes frames to a capture file with emulated time. The libpcap savefile format
 * (pcap-savefile(5)) with nanoseconds, little endian, link type Ethernet, without FCS. */
#ifndef SLUICE_MODELS_PCAP_H
#define SLUICE_MODELS_PCAP_H

#include <stdint.h>

struct pcap;

/* NULL with errno: the file cannot be made. */
struct pcap *pcap_file_open(const char *path);
/* What cannot be written is dropped; pcap_file_close() then says so. */
void pcap_file_frame(struct pcap *p, uint64_t at_ps, const uint8_t *data, uint32_t len_bytes);
/* 0, or -EIO: the file is not complete. p may be NULL. */
int pcap_file_close(struct pcap *p);

#endif
