/* echo: answers ARP and ICMP echo for ip=, and sends each probe back. Options: README.md. */
#include "console.h"
#include "cpu/hw.h"
#include "frame.h"
#include "lib/string.h"
#include "machine.h"
#include "report.h"
#include "vnet.h"

#define BATCH	   64
#define IDLE_TICKS UINT64_C(20000000)

#define ARP_BYTES     42
#define ARP_OP	      20
#define ARP_SENDER    22 /* MAC, then IP */
#define ARP_TARGET    32
#define ARP_TARGET_IP 38
#define ARP_REQUEST   1
#define ARP_REPLY     2
#define IP	      ETHERNET_HEADER_BYTES
#define IP_PROTOCOL   (IP + 9)
#define IP_SOURCE     (IP + 12)
#define IP_DEST	      (IP + 16)
#define IP_MIN_BYTES  (IP + 20)
#define PROTOCOL_ICMP 1
#define ICMP_ECHO     8

static struct vnet nic;
static uint8_t own_ip[4];
static bool has_ip;
static struct {
	uint64_t received, probes, arp, ping, no_buffer;
	bool quit;
} stats;

/* A copy of the request as the beginning of the answer, addressed to its sender; or NULL. */
static uint8_t *answer_begin(const uint8_t *request, uint32_t len_bytes)
{
	uint8_t *f = len_bytes <= VNET_FRAME_MAX ? vnet_tx_buffer(&nic) : NULL;

	if (!f) {
		stats.no_buffer++;
		return NULL;
	}
	memcpy(f, request, len_bytes);
	memcpy(f, request + 6, 6);
	memcpy(f + 6, nic.mac, 6);
	return f;
}

static void answer_arp(const uint8_t *r, uint32_t len_bytes)
{
	uint8_t *f;

	if (len_bytes < ARP_BYTES || get_be16(r + ARP_OP) != ARP_REQUEST ||
		memcmp(r + ARP_TARGET_IP, own_ip, 4) || !(f = answer_begin(r, ARP_BYTES)))
		return;
	put_be16(f + ARP_OP, ARP_REPLY);
	memcpy(f + ARP_TARGET, r + ARP_SENDER, 10);
	memcpy(f + ARP_SENDER, nic.mac, 6);
	memcpy(f + ARP_SENDER + 6, own_ip, 4);
	vnet_tx(&nic, ARP_BYTES);
	stats.arp++;
}

static void answer_ping(const uint8_t *r, uint32_t len_bytes)
{
	uint32_t icmp = IP + (r[IP] & 15u) * 4, sum;
	uint8_t *f;

	if (len_bytes < IP_MIN_BYTES || len_bytes < icmp + 8 || r[IP_PROTOCOL] != PROTOCOL_ICMP ||
		memcmp(r + IP_DEST, own_ip, 4) || r[icmp] != ICMP_ECHO ||
		!(f = answer_begin(r, len_bytes)))
		return;
	/* Swapped addresses leave the IP checksum as it was; type 8 becomes 0: RFC 1624. */
	memcpy(f + IP_SOURCE, r + IP_DEST, 4);
	memcpy(f + IP_DEST, r + IP_SOURCE, 4);
	f[icmp] = 0;
	sum = get_be16(f + icmp + 2) + ((uint32_t)ICMP_ECHO << 8);
	put_be16(f + icmp + 2, (uint16_t)(sum + (sum >> 16)));
	vnet_tx(&nic, (uint16_t)len_bytes);
	stats.ping++;
}

static void answer_probe(const uint8_t *r, uint32_t len_bytes)
{
	uint32_t seq;

	if (probe_kind(r, len_bytes, &seq) == PROBE_QUIT) {
		stats.quit = true;
		return;
	}
	if (!answer_begin(r, len_bytes))
		return;
	vnet_tx(&nic, (uint16_t)len_bytes);
	stats.probes++;
}

static void answer(const uint8_t *frame, uint32_t len_bytes)
{
	if (len_bytes < ETHERNET_HEADER_BYTES)
		return;
	switch (frame_ethertype(frame)) {
	case ETHERTYPE_ARP:
		if (has_ip)
			answer_arp(frame, len_bytes);
		break;
	case ETHERTYPE_IPV4:
		if (has_ip)
			answer_ping(frame, len_bytes);
		break;
	case ETHERTYPE_PROBE:
		answer_probe(frame, len_bytes);
		break;
	}
}

/* One batch: the answers go out with one notification. */
static void serve(void)
{
	uint32_t len_bytes;
	uint8_t *frame;

	for (unsigned i = 0; i < BATCH && (frame = vnet_rx(&nic, &len_bytes)); i++) {
		stats.received++;
		answer(frame, len_bytes);
		vnet_rx_done(&nic);
	}
	vnet_publish(&nic, VNET_TX);
	vnet_publish(&nic, VNET_RX);
}

void stub_main(void)
{
	uint64_t frames = option_u64("frames", UINT64_MAX);

	has_ip = option_ip("ip", own_ip);
	if (!vnet_find(&nic) || !vnet_start(&nic, 0, option_u64("poll", 0) == 0)) {
		report_fail("echo", "no working NIC");
		return;
	}
	print("echo ready\n");
	while (!stats.quit && stats.probes < frames)
		if (vnet_wait(&nic, IDLE_TICKS))
			serve();
	if (vnet_lost_interrupts)
		report_fail("interrupts", "%u lost", vnet_lost_interrupts);
	report_pass("echo", "rx %lu echo %lu arp %lu ping %lu nobuf %lu", stats.received,
		stats.probes, stats.arp, stats.ping, stats.no_buffer);
	vnet_drain(&nic);
}
