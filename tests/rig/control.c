#define _GNU_SOURCE
#include "control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "console.h"
#include "rig.h"

#define POLL_PS	       CLOCK_PS_PER_MS
#define SEND_TIMEOUT_S 1

struct control {
	struct rig *rig;
	struct sockaddr_un address;
	int listener, client; /* client -1: none */
	struct rig_console console;
	struct clock_event poll;
};

static void drop_client(struct control *c)
{
	pacer_remove(&c->rig->pacer, c->client);
	close(c->client);
	c->client = -1;
}

/* A client that does not take its answer is dropped. */
static bool send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static bool take(struct control *c, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		size_t answer_len;
		const char *answer;

		if (!console_put(&c->console, data[i]))
			continue;
		answer = console_answer(&c->console, &answer_len);
		if (!send_all(c->client, answer, answer_len + 1))
			return false;
	}
	return true;
}

static void accept_client(struct control *c)
{
	const struct timeval t = { .tv_sec = SEND_TIMEOUT_S };

	c->client = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC);
	if (c->client < 0)
		return;
	setsockopt(c->client, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
	pacer_add(&c->rig->pacer, c->client);
	console_reset(&c->console);
}

static void poll_control(void *ctx)
{
	struct control *c = ctx;
	char buf[512];

	if (c->client < 0)
		accept_client(c);
	if (c->client >= 0) {
		ssize_t n = recv(c->client, buf, sizeof(buf), MSG_DONTWAIT);

		if (n == 0 || (n < 0 && errno != EAGAIN) || (n > 0 && !take(c, buf, (size_t)n)))
			drop_client(c);
	}
	clock_schedule(&c->rig->clock, &c->poll, clock_now(&c->rig->clock) + POLL_PS);
}

static int listen_at(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	unlink(address->sun_path);
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 && listen(fd, 4) == 0)
		return fd;
	err = errno;
	close(fd);
	return -err;
}

int control_create(struct control **out, struct rig *r, const char *path)
{
	struct control *c = calloc(1, sizeof(*c));
	int err = -ENAMETOOLONG;

	if (!c)
		return -ENOMEM;
	*c = (struct control){ .rig = r, .client = -1, .listener = -1 };
	c->address.sun_family = AF_UNIX;
	if (strlen(path) < sizeof(c->address.sun_path)) {
		strcpy(c->address.sun_path, path);
		err = c->listener = listen_at(&c->address);
	}
	if (err < 0) {
		free(c);
		return err;
	}
	console_init(&c->console, r);
	c->poll.fn = poll_control;
	c->poll.ctx = c;
	clock_schedule(&r->clock, &c->poll, POLL_PS);
	pacer_add(&r->pacer, c->listener);
	*out = c;
	return 0;
}

void control_destroy(struct control *c)
{
	if (!c)
		return;
	clock_cancel(&c->rig->clock, &c->poll);
	if (c->client >= 0)
		drop_client(c);
	pacer_remove(&c->rig->pacer, c->listener);
	close(c->listener);
	unlink(c->address.sun_path);
	console_destroy(&c->console);
	free(c);
}
