/* Measurement port; see mark.h. */
#include "dev/mark.h"

void mark_port(void *arg, struct bus_access *a)
{
	struct mark *m = arg;

	if (a->write)
		m->mark(m->ctx, (uint8_t)a->value);
	else
		a->value = MARK_SIGNATURE;
}
