/* What the ports of the NICs are connected to, and captures of it. */
#include "rig.h"

#include <errno.h>
#include <string.h>

#include "../models/82599/m82599.h"
#include "../models/pcap.h"
#include "../models/peer.h"
#include "host_wire.h"
#include "wires.h"

static struct rig_wire *new_wire(struct rig *r)
{
	struct rig_wire *w = &r->wire[r->nr_wires];

	if (r->nr_wires == RIG_WIRES_MAX)
		return NULL;
	wire_init(&w->wire, &r->clock);
	r->nr_wires++;
	return w;
}

static void connect(struct rig *r, struct rig_port *p, struct rig_wire *w, unsigned end)
{
	p->wire = (int)(w - r->wire);
	p->end = end;
	m82599_connect(p->chip, p->index, &w->wire, end);
}

/* "0", or NULL with the reason. */
static struct rig_port *find_port(struct rig *r, const char *text)
{
	uint64_t n;

	if (words_number(text, &n) && n < r->nr_ports)
		return &r->port[n];
	rig_fail(r, "no port %.100s: there are %u", text, r->nr_ports);
	return NULL;
}

/* wire cable [PORT PORT] */
static int cable(struct rig *r, const struct words *w)
{
	struct rig_port *p[2];
	struct rig_wire *wire;

	if (w->nr != 2 && w->nr != 4)
		return rig_fail(r, "wire cable [PORT PORT]");
	for (unsigned i = 0; i < 2; i++) {
		p[i] = find_port(r, w->nr == 4 ? w->word[2 + i] : i ? "1" : "0");
		if (!p[i])
			return -EINVAL;
	}
	if (p[0] == p[1] || p[0]->wire >= 0 || p[1]->wire >= 0)
		return rig_fail(r, "a port has one wire");
	wire = new_wire(r);
	if (!wire)
		return rig_fail(r, "more than %d wires", RIG_WIRES_MAX);
	for (unsigned i = 0; i < 2; i++)
		connect(r, p[i], wire, i);
	return 0;
}

/* What is at the other end of a port's wire. */
static int attach_far_end(struct rig *r, struct rig_wire *wire, const struct words *w)
{
	char spec[WORDS_LINE_MAX];
	const char *why = "";
	int err;

	if (host_wire_is(w->word[2])) {
		if (w->nr != 3)
			return rig_fail(r, "%s takes no more words", w->word[2]);
		err = host_wire_create(
			&wire->host, w->word[2], &wire->wire, 1, &r->pacer, r->reason);
		return err ? -EINVAL : 0;
	}
	words_join(w, 2, spec, sizeof(spec));
	err = peer_create(&wire->peer, spec, &r->clock, &wire->wire, 1, &why);
	return err ? rig_fail(r, "%s", err == -ENOMEM ? "no memory" : why) : 0;
}

int wire_line(struct rig *r, const struct words *w)
{
	struct rig_port *p;
	struct rig_wire *wire;

	if (w->nr > 1 && strcmp(w->word[1], "cable") == 0)
		return cable(r, w);
	if (w->nr < 3)
		return rig_fail(
			r, "wire cable | wire PORT tap=NAME|unix=PATH[,PEER]|echo|generator|sink");
	p = find_port(r, w->word[1]);
	if (!p)
		return -EINVAL;
	if (p->wire >= 0)
		return rig_fail(r, "a port has one wire");
	wire = new_wire(r);
	if (!wire)
		return rig_fail(r, "more than %d wires", RIG_WIRES_MAX);
	connect(r, p, wire, 0);
	return attach_far_end(r, wire, w);
}

/* pcap PORT FILE [tx|rx] */
int pcap_line(struct rig *r, const struct words *w)
{
	struct rig_port *p;
	struct rig_wire *wire;
	struct pcap *pcap;
	bool tx = true, rx = true;

	if (w->nr == 4) {
		tx = strcmp(w->word[3], "tx") == 0;
		rx = strcmp(w->word[3], "rx") == 0;
	}
	if (w->nr < 3 || w->nr > 4 || (!tx && !rx))
		return rig_fail(r, "pcap PORT FILE [tx|rx]");
	p = find_port(r, w->word[1]);
	if (!p)
		return -EINVAL;
	if (p->wire < 0)
		return rig_fail(r, "port %s has no wire yet", w->word[1]);
	wire = &r->wire[p->wire];
	if ((tx && wire->pcap[p->end]) || (rx && wire->pcap[!p->end]))
		return rig_fail(r, "this is captured already");
	pcap = pcap_file_open(w->word[2]);
	if (!pcap)
		return rig_fail(r, "%.100s: %s", w->word[2], strerror(errno));
	for (unsigned end = 0; end < 2; end++)
		if (end == p->end ? tx : rx)
			wire->wire.end[end].pcap = wire->pcap[end] = pcap;
	return 0;
}

void wire_print(struct rig_wire *w, FILE *out)
{
	const struct wire *wire = &w->wire;

	fprintf(out, "plugged %d\n", wire->plugged);
	for (unsigned i = 0; i < 2; i++)
		fprintf(out,
			"end%u_transmitter %d\nend%u_frames %llu\nend%u_bytes %llu\n"
			"end%u_lost %llu\n",
			i, wire->end[i].transmitter_on, i,
			(unsigned long long)wire->end[i].nr_frames, i,
			(unsigned long long)wire->end[i].nr_bytes, i,
			(unsigned long long)wire->end[i].nr_lost);
	if (w->peer)
		peer_print_counts(w->peer, out);
	if (w->host)
		host_wire_print_counts(w->host, out);
}

static void close_pcaps(struct rig_wire *w)
{
	if (w->pcap[0] != w->pcap[1] && pcap_file_close(w->pcap[1]))
		fputs("rig: a capture is not complete\n", stderr);
	if (pcap_file_close(w->pcap[0]))
		fputs("rig: a capture is not complete\n", stderr);
}

void wires_destroy(struct rig *r)
{
	while (r->nr_wires > 0) {
		struct rig_wire *w = &r->wire[--r->nr_wires];

		peer_destroy(w->peer);
		host_wire_destroy(w->host);
		wire_destroy(&w->wire);
		close_pcaps(w);
	}
}
