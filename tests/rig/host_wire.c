#define _GNU_SOURCE
#include "host_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host_open.h"

/* From the shortest after a frame up to the longest when nothing comes. */
#define POLL_MIN_PS (20 * CLOCK_PS_PER_US)
#define POLL_MAX_PS (320 * CLOCK_PS_PER_US)
/* After a frame to the host emulated time does not run ahead for so long: somebody waits for an
 * answer, or soon will. Firmware that boots may. */
#define PACED_PS (10 * CLOCK_PS_PER_S)

struct host_wire {
	struct wire *wire;
	unsigned end;
	struct pacer *pacer;
	int fd;
	bool is_socket;
	struct sockaddr_un peer; /* no path: not known yet */
	bool peer_is_fixed;
	struct clock_event poll;
	uint64_t interval_ps;
	uint32_t leaving_bytes; /* of the frame that is being sent; 0: none */
	uint64_t paced_until_ps;
	uint64_t nr_in, nr_in_bytes, nr_out, nr_out_bytes, nr_out_lost;
	uint8_t frame[WIRE_FRAME_MAX + 1]; /* one more shows what is too long */
};

static ssize_t receive_frame(struct host_wire *h)
{
	struct sockaddr_un from;
	socklen_t len = sizeof(from);
	ssize_t n;

	if (!h->is_socket)
		return read(h->fd, h->frame, sizeof(h->frame));
	memset(&from, 0, sizeof(from));
	n = recvfrom(h->fd, h->frame, sizeof(h->frame), 0, (struct sockaddr *)&from, &len);
	if (n >= 0 && !h->peer_is_fixed && len > sizeof(sa_family_t))
		h->peer = from;
	return n;
}

/* The host leaves it to the MAC to pad short frames. IEEE 802.3, 4.2.3.3 */
static void begin_sending(struct host_wire *h, uint32_t len_bytes)
{
	if (len_bytes < WIRE_FRAME_MIN) {
		memset(h->frame + len_bytes, 0, WIRE_FRAME_MIN - len_bytes);
		len_bytes = WIRE_FRAME_MIN;
	}
	h->nr_in++;
	h->nr_in_bytes += len_bytes;
	h->leaving_bytes = len_bytes;
	h->interval_ps = POLL_MIN_PS;
	clock_schedule(
		h->wire->clock, &h->poll, clock_now(h->wire->clock) + wire_time_ps(len_bytes));
}

static void poll_host(void *ctx)
{
	struct host_wire *h = ctx;
	struct clock *c = h->wire->clock;
	ssize_t n;

	if (h->leaving_bytes)
		wire_send(h->wire, h->end, h->frame, h->leaving_bytes, true);
	h->leaving_bytes = 0;
	n = receive_frame(h);
	if (n <= 0 && clock_now(c) < h->paced_until_ps) {
		pacer_wait(h->pacer, clock_now(c));
		n = receive_frame(h);
	}
	if (n > 0) {
		begin_sending(h, (uint32_t)n);
		return;
	}
	clock_schedule(c, &h->poll, clock_now(c) + h->interval_ps);
	if (h->interval_ps < POLL_MAX_PS)
		h->interval_ps *= 2;
}

/* An answer may be there already. Never later than planned: who sends all the time would not hear.
 */
static void look_soon(struct host_wire *h)
{
	struct clock *c = h->wire->clock;
	uint64_t at_ps = clock_now(c) + POLL_MIN_PS;

	if (clock_is_scheduled(&h->poll) && h->poll.at_ps > at_ps)
		clock_schedule(c, &h->poll, at_ps);
}

static void wire_receive(void *ctx, const uint8_t *data, uint32_t len_bytes, bool fcs_ok)
{
	struct host_wire *h = ctx;
	ssize_t n = -1;

	if (fcs_ok && !h->is_socket)
		n = write(h->fd, data, len_bytes);
	else if (fcs_ok && h->peer.sun_path[0])
		n = sendto(h->fd, data, len_bytes, 0, (struct sockaddr *)&h->peer, sizeof(h->peer));
	if (n < 0) {
		h->nr_out_lost++;
		return;
	}
	h->nr_out++;
	h->nr_out_bytes += len_bytes;
	h->paced_until_ps = clock_now(h->wire->clock) + PACED_PS;
	h->interval_ps = POLL_MIN_PS;
	look_soon(h);
}

/* Nothing runs while nobody listens. */
static void wire_signal(void *ctx, bool present)
{
	struct host_wire *h = ctx;

	h->interval_ps = POLL_MIN_PS;
	h->leaving_bytes = 0;
	if (present)
		clock_schedule(
			h->wire->clock, &h->poll, clock_now(h->wire->clock) + h->interval_ps);
	else
		clock_cancel(h->wire->clock, &h->poll);
}

static const struct wire_end_ops ops = { .receive = wire_receive, .signal = wire_signal };

bool host_wire_is(const char *spec)
{
	return strncmp(spec, "tap=", 4) == 0 || strncmp(spec, "unix=", 5) == 0;
}

int host_wire_create(struct host_wire **out, const char *spec, struct wire *wire, unsigned end,
	struct pacer *pacer, char reason[WORDS_REASON_MAX])
{
	struct host_wire *h = calloc(1, sizeof(*h));

	*out = NULL;
	if (!h)
		return -ENOMEM;
	*h = (struct host_wire){ .wire = wire, .end = end, .pacer = pacer };
	h->is_socket = spec[0] == 'u';
	h->fd = h->is_socket ? host_open_unix(spec + 5, &h->peer) : host_open_tap(spec + 4);
	if (h->fd < 0) {
		int err = h->fd;

		snprintf(reason, WORDS_REASON_MAX, "%.100s: %s", spec, strerror(-err));
		free(h);
		return err;
	}
	h->peer_is_fixed = h->peer.sun_path[0] != 0;
	h->poll.fn = poll_host;
	h->poll.ctx = h;
	pacer_add(pacer, h->fd);
	wire_attach(wire, end, &ops, h);
	wire_set_transmitter(wire, end, true);
	*out = h;
	return 0;
}

void host_wire_destroy(struct host_wire *h)
{
	struct sockaddr_un own = { 0 };
	socklen_t len = sizeof(own) - 1;

	if (!h)
		return;
	wire_attach(h->wire, h->end, NULL, NULL);
	wire_set_transmitter(h->wire, h->end, false);
	clock_cancel(h->wire->clock, &h->poll);
	pacer_remove(h->pacer, h->fd);
	if (h->is_socket && getsockname(h->fd, (struct sockaddr *)&own, &len) == 0)
		unlink(own.sun_path);
	close(h->fd);
	free(h);
}

void host_wire_print_counts(const struct host_wire *h, FILE *out)
{
	fprintf(out,
		"in_frames %llu\nin_bytes %llu\nout_frames %llu\nout_bytes %llu\nout_lost %llu\n",
		(unsigned long long)h->nr_in, (unsigned long long)h->nr_in_bytes,
		(unsigned long long)h->nr_out, (unsigned long long)h->nr_out_bytes,
		(unsigned long long)h->nr_out_lost);
}
