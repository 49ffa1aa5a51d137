/* pingall ADDRESS FROM TO [STEP]: pings by frames of every size from FROM to TO bytes, as they are
 * on the wire (with Ethernet header and FCS, IPv4, without fragmentation), and compares what comes
 * back. Exit status 0 if every size was answered, exactly. RFC 792, RFC 1071. */
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ETH_BYTES  18 /* header and FCS */
#define IP_BYTES   20
#define ICMP_BYTES 8
#define FRAME_MIN  64
#define FRAME_MAX  9018
#define TIMEOUT_MS 1000
#define TRIES	   3

static uint16_t checksum(const uint8_t *data, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static size_t build(uint8_t *packet, unsigned frame_bytes)
{
	size_t len = frame_bytes - ETH_BYTES - IP_BYTES;
	struct icmphdr h = { .type = ICMP_ECHO };

	h.un.echo.id = htons((uint16_t)getpid());
	h.un.echo.sequence = htons((uint16_t)frame_bytes);
	for (size_t i = ICMP_BYTES; i < len; i++)
		packet[i] = (uint8_t)(i * 7 + frame_bytes);
	memcpy(packet, &h, sizeof(h));
	h.checksum = checksum(packet, len);
	memcpy(packet, &h, sizeof(h));
	return len;
}

/* 1: the answer to it; 0: another packet; -1: an answer, but not the right one. */
static int judge(const uint8_t *got, ssize_t got_bytes, const uint8_t *sent, size_t len)
{
	const uint8_t *icmp = got + IP_BYTES;

	if (got_bytes < IP_BYTES + ICMP_BYTES || icmp[0] != ICMP_ECHOREPLY ||
		memcmp(icmp + 4, sent + 4, 4))
		return 0;
	if ((size_t)got_bytes != IP_BYTES + len ||
		memcmp(icmp + ICMP_BYTES, sent + ICMP_BYTES, len - ICMP_BYTES))
		return -1;
	return 1;
}

static int wait_for_answer(int s, const uint8_t *sent, size_t len)
{
	static uint8_t got[FRAME_MAX + 64];
	struct pollfd p = { .fd = s, .events = POLLIN };

	while (poll(&p, 1, TIMEOUT_MS) > 0) {
		int verdict = judge(got, recv(s, got, sizeof(got), 0), sent, len);

		if (verdict)
			return verdict;
	}
	return 0;
}

static int ping(int s, unsigned frame_bytes)
{
	static uint8_t packet[FRAME_MAX];
	size_t len = build(packet, frame_bytes);
	int verdict = 0;

	for (int i = 0; i < TRIES && !verdict; i++) {
		if (send(s, packet, len, 0) != (ssize_t)len)
			perror("send");
		verdict = wait_for_answer(s, packet, len);
	}
	return verdict;
}

int main(int argc, char **argv)
{
	unsigned from = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
	unsigned to = argc > 3 ? (unsigned)atoi(argv[3]) : 0;
	unsigned step = argc > 4 ? (unsigned)atoi(argv[4]) : 1;
	unsigned nr_sent = 0, nr_answered = 0, nr_wrong = 0, bad = 0;
	struct sockaddr_in peer = { .sin_family = AF_INET };
	int pmtu = IP_PMTUDISC_DO, s = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	if (from < FRAME_MIN || to > FRAME_MAX || step == 0 || s < 0 ||
		inet_pton(AF_INET, argv[1], &peer.sin_addr) != 1 ||
		setsockopt(s, IPPROTO_IP, IP_MTU_DISCOVER, &pmtu, sizeof(pmtu)) < 0 ||
		connect(s, (struct sockaddr *)&peer, sizeof(peer)) < 0) {
		fprintf(stderr, "usage: pingall ADDRESS FROM TO [STEP]\n");
		return 2;
	}
	for (unsigned n = from; n <= to; n += step, nr_sent++) {
		int verdict = ping(s, n);

		nr_answered += verdict > 0;
		nr_wrong += verdict < 0;
		if (verdict <= 0 && bad++ < 3)
			printf("%u bytes: %s\n", n, verdict ? "wrong answer" : "no answer");
	}
	printf("%u sizes from %u to %u bytes, %u answered, %u wrong\n", nr_sent, from, to,
		nr_answered, nr_wrong);
	return nr_answered == nr_sent ? 0 : 1;
}
