/* sluice.conf: the options of [sluice]. See docs/sluice-conf.md. */
#include "vm/conf_parser.h"

#include "lib/log.h"
#include "net/steer.h"

static int set_log(struct conf_parser *p, struct conf_span s)
{
	_Static_assert(LOG_ERROR == 0 && LOG_DEBUG == 3, "order of the words below");
	return conf_choice(&p->r, s, "log", "error|warn|info|debug", &p->c->log_level);
}

static int set_idle(struct conf_parser *p, struct conf_span s)
{
	unsigned place = 0;
	int ret = conf_choice(&p->r, s, "idle", "halt|poweroff", &place);

	p->c->poweroff_when_idle = place == 1;
	return ret;
}

static int set_slice(struct conf_parser *p, struct conf_span s)
{
	return conf_unsigned(
		p, s, "slice_us", (struct conf_range){ 100, 1000000 }, &p->c->slice_us);
}

static int set_sched(struct conf_parser *p, struct conf_span s)
{
	unsigned place = 0;
	int ret = conf_choice(&p->r, s, "sched", "full|rr", &place);

	p->c->round_robin = place == 1;
	return ret;
}

static int set_cache_aware(struct conf_parser *p, struct conf_span s)
{
	return conf_on_off(&p->r, s, "cache_aware", &p->c->cache_aware);
}

static int set_credit_stealing(struct conf_parser *p, struct conf_span s)
{
	return conf_on_off(&p->r, s, "credit_stealing", &p->c->credit_stealing);
}

static int set_smt(struct conf_parser *p, struct conf_span s)
{
	unsigned place = 0;
	int ret = conf_choice(&p->r, s, "smt", "shared|isolated", &place);

	p->c->smt_isolated = place == 1;
	return ret;
}

static int set_apicv(struct conf_parser *p, struct conf_span s)
{
	return conf_on_off(&p->r, s, "apicv", &p->c->apicv);
}

static int set_posted_interrupts(struct conf_parser *p, struct conf_span s)
{
	return conf_on_off(&p->r, s, "posted_interrupts", &p->c->posted_interrupts);
}

static int set_ioat(struct conf_parser *p, struct conf_span s)
{
	return conf_on_off(&p->r, s, "ioat", &p->c->ioat);
}

static int set_policy(struct conf_parser *p, struct conf_span s)
{
	_Static_assert(STEER_STATIC == 0 && STEER_FULL == 3, "order of the words below");
	return conf_choice(&p->r, s, "policy", "static|rss|follow|full", &p->c->steer_policy);
}

static int set_steer(struct conf_parser *p, struct conf_span s)
{
	_Static_assert(CONF_STEER_AUTO == 0 && CONF_STEER_DCA == 3, "order of the words below");
	return conf_choice(&p->r, s, "steer", "auto|none|ddio|dca", &p->c->steer_backend);
}

const struct conf_option conf_sluice_options[CONF_SLUICE_OPTIONS] = {
	{ .name = "log", .set = set_log },
	{ .name = "idle", .set = set_idle },
	{ .name = "slice_us", .set = set_slice },
	{ .name = "sched", .set = set_sched },
	{ .name = "cache_aware", .set = set_cache_aware },
	{ .name = "credit_stealing", .set = set_credit_stealing },
	{ .name = "smt", .set = set_smt },
	{ .name = "apicv", .set = set_apicv },
	{ .name = "posted_interrupts", .set = set_posted_interrupts },
	{ .name = "ioat", .set = set_ioat },
	{ .name = "policy", .set = set_policy },
	{ .name = "steer", .set = set_steer },
};

void conf_sluice_defaults(struct conf *c)
{
	c->log_level = LOG_INFO;
	c->slice_us = 5000;
	c->cache_aware = true;
	c->credit_stealing = true;
	c->apicv = true;
	c->posted_interrupts = true;
	c->ioat = true;
	c->steer_policy = STEER_FULL;
}
