#include "profile.h"

struct profile profile;

static uint64_t since(clockid_t clock, const struct timespec *started)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)(now.tv_sec - started->tv_sec) * 1000000000u + (uint64_t)now.tv_nsec -
	       (uint64_t)started->tv_nsec;
}

void profile_start(void)
{
	profile.on = true;
	clock_gettime(CLOCK_MONOTONIC, &profile.started);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &profile.started_cpu);
}

void profile_print(FILE *out)
{
	uint64_t models_ns = 0;

	for (unsigned i = 0; i < PROFILE_KINDS; i++)
		models_ns += profile.ns[i];
	fprintf(out, "accesses %llu\n", (unsigned long long)profile.nr[PROFILE_ACCESS]);
	fprintf(out, "access_ns %llu\n", (unsigned long long)profile.ns[PROFILE_ACCESS]);
	fprintf(out, "events %llu\n", (unsigned long long)profile.nr[PROFILE_EVENT]);
	fprintf(out, "event_ns %llu\n", (unsigned long long)profile.ns[PROFILE_EVENT]);
	fprintf(out, "models_ns %llu\n", (unsigned long long)models_ns);
	fprintf(out, "asleep_ns %llu\n", (unsigned long long)profile.asleep_ns);
	fprintf(out, "host_ns %llu\n",
		(unsigned long long)since(CLOCK_MONOTONIC, &profile.started));
	fprintf(out, "host_cpu_ns %llu\n",
		(unsigned long long)since(CLOCK_PROCESS_CPUTIME_ID, &profile.started_cpu));
}
