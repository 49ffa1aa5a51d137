/* generator: sends probes to an echo guest and verifies what comes back. Options: README.md. */
#include "console.h"
#include "cpu/hw.h"
#include "frame.h"
#include "lib/string.h"
#include "machine.h"
#include "report.h"
#include "vnet.h"

#define COUNT_MAX   (1u << 20) /* sequence numbers remembered */
#define HELLO_TICKS UINT64_C(5000000)
#define LOST_TICKS  UINT64_C(100000000) /* no echo for so long: what is missing is lost */
#define HELLO_TRIES 1000

static const uint16_t mix[] = { 60, 64, 128, 256, 512, 1024, 1514, 61, 1499, 333 };

static struct vnet nic;
static uint8_t dst[6];
static uint8_t seen[COUNT_MAX / 8];
static struct {
	uint32_t count, size, burst, window;
	bool use_mix, echo;
} opt;
static struct {
	uint32_t sent, received, corrupt, duplicate;
	uint64_t bytes;
} stats;

static bool send(uint32_t kind, uint32_t seq, uint32_t len_bytes)
{
	uint8_t *f = vnet_tx_buffer(&nic);

	if (!f)
		return false;
	probe_make(f, dst, nic.mac, kind, seq, len_bytes);
	vnet_tx(&nic, (uint16_t)len_bytes);
	return true;
}

/* Echoes until nothing more has arrived. True if there was a hello; its sender is the peer. */
static bool receive(void)
{
	uint32_t len_bytes, seq;
	bool hello = false;
	uint8_t *f;

	for (; (f = vnet_rx(&nic, &len_bytes)); vnet_rx_done(&nic)) {
		uint32_t kind = probe_kind(f, len_bytes, &seq);

		if (memcmp(f, nic.mac, 6)) /* another generator's broadcast */
			continue;
		if (kind == PROBE_HELLO) {
			hello = true;
			memcpy(dst, f + 6, 6);
		}
		if (kind != PROBE_DATA)
			continue;
		if (seq >= stats.sent || !probe_intact(f, len_bytes)) {
			stats.corrupt++;
		} else if (seen[seq / 8] & (1u << seq % 8)) {
			stats.duplicate++;
		} else {
			seen[seq / 8] |= (uint8_t)(1u << seq % 8);
			stats.received++;
		}
	}
	vnet_publish(&nic, VNET_RX);
	return hello;
}

/* The echo guest may still be booting. */
static bool find_peer(void)
{
	for (unsigned i = 0; i < HELLO_TRIES; i++) {
		send(PROBE_HELLO, 0, ETHERNET_MIN_BYTES);
		vnet_publish(&nic, VNET_TX);
		if (vnet_wait(&nic, HELLO_TICKS) && receive())
			return true;
	}
	return false;
}

static uint32_t in_flight(void)
{
	return opt.echo ? stats.sent - stats.received : 0;
}

static void send_burst(void)
{
	for (uint32_t i = 0; i < opt.burst && stats.sent < opt.count; i++) {
		uint32_t len = opt.use_mix ? mix[stats.sent % ARRAY_SIZE(mix)] : opt.size;

		if (in_flight() >= opt.window || !send(PROBE_DATA, stats.sent, len))
			break;
		stats.sent++;
		stats.bytes += len;
	}
	vnet_publish(&nic, VNET_TX);
}

static void run(void)
{
	uint64_t last = rdtsc();
	uint32_t received = 0;

	while (stats.sent < opt.count || in_flight()) {
		uint32_t sent = stats.sent;

		send_burst();
		receive();
		if (stats.received != received || stats.sent != sent) {
			received = stats.received;
			last = rdtsc();
			continue;
		}
		if (rdtsc() - last > LOST_TICKS)
			return;
		vnet_wait(&nic, HELLO_TICKS);
	}
}

static void take_options(void)
{
	opt.count = (uint32_t)MIN(option_u64("count", 1000), (uint64_t)COUNT_MAX);
	opt.size = (uint32_t)option_u64("size", 64);
	opt.size = (uint32_t)MAX(MIN(opt.size, VNET_FRAME_MAX), PROBE_MIN_BYTES);
	opt.burst = (uint32_t)option_u64("burst", 32);
	opt.window = (uint32_t)option_u64("window", 128);
	opt.use_mix = option_u64("mix", 0);
	opt.echo = option_u64("echo", 1);
	if (!option_mac("dst", dst))
		memset(dst, 0xff, sizeof(dst));
}

static void report_result(uint64_t ticks)
{
	uint32_t lost = in_flight();

	if (lost || stats.corrupt || stats.duplicate || stats.sent != opt.count)
		report_fail("generator", "sent %u lost %u corrupt %u duplicate %u", stats.sent,
			lost, stats.corrupt, stats.duplicate);
	else
		report_pass("generator", "sent %u bytes %lu echoed %u ticks %lu", stats.sent,
			stats.bytes, stats.received, ticks);
	if (vnet_lost_interrupts)
		report_fail("interrupts", "%u lost", vnet_lost_interrupts);
}

void stub_main(void)
{
	uint64_t start;

	take_options();
	if (!vnet_find(&nic) || !vnet_start(&nic, 0, option_u64("poll", 0) == 0)) {
		report_fail("generator", "no working NIC");
		return;
	}
	if (opt.echo && !find_peer()) {
		report_fail("generator", "nobody answers");
		return;
	}
	start = rdtsc();
	run();
	report_result(rdtsc() - start);
	if (option_u64("quit", 0)) {
		send(PROBE_QUIT, 0, ETHERNET_MIN_BYTES);
		vnet_publish(&nic, VNET_TX);
	}
	vnet_drain(&nic);
}
