/* The models' clock, driven by the emulator's time: one timer of it, armed only while something is
 * to happen. */
#include "bx.h"

#include "profile.h"

static struct clock *the_clock;
static unsigned timer;
static uint64_t armed_ps = CLOCK_NEVER;
static bool firing;

static uint64_t now_ps(void)
{
	return bx_time_ns(bx_pc_system) * CLOCK_PS_PER_NS;
}

static void arm(uint64_t at_ps)
{
	uint64_t now = now_ps();
	/* at least 1: 0 has another meaning */
	uint64_t ns = at_ps > now ? (at_ps - now + CLOCK_PS_PER_NS - 1) / CLOCK_PS_PER_NS : 1;

	armed_ps = at_ps;
	bx_timer_set(bx_pc_system, timer, ns, false);
}

/* A timer that fires too early is harmless, and cheaper than arming it again and again. */
static void wake_at(void *ctx, uint64_t at_ps)
{
	(void)ctx;
	if (!firing && at_ps < armed_ps)
		arm(at_ps);
}

static void fire(void *param)
{
	uint64_t started = profile_enter(), now = now_ps(), due = armed_ps, next;

	(void)param;
	armed_ps = CLOCK_NEVER;
	firing = true;
	/* the emulator cuts times to whole instructions: it may be that much too early */
	clock_advance(the_clock, due != CLOCK_NEVER && due > now ? due : now);
	firing = false;
	next = clock_next(the_clock);
	if (next != CLOCK_NEVER)
		arm(next);
	profile_leave(PROFILE_EVENT, started);
}

void bx_advance_clock(void)
{
	if (the_clock)
		clock_advance(the_clock, now_ps());
}

void machine_start_clock(struct clock *c)
{
	timer = (unsigned)bx_timer_add(
		bx_pc_system, NULL, fire, 1, false, false, RIG_NAME ".clock");
	c->wake_at = wake_at;
	the_clock = c;
	clock_advance(c, now_ps());
	if (clock_next(c) != CLOCK_NEVER)
		wake_at(NULL, clock_next(c));
}
