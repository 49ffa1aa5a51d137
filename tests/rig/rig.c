#include "rig.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "control.h"
#include "profile.h"
#include "wires.h"

int rig_init(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	clock_init(&r->clock, NULL, NULL);
	pacer_init(&r->pacer);
	return record_init(&r->record, RIG_RECORD_ENTRIES);
}

void rig_print_counts(struct rig *r, FILE *out)
{
	for (unsigned i = 0; i < r->nr_functions; i++) {
		const struct rig_function *f = &r->function[i];

		fprintf(out, "[%s]\n", f->name);
		f->print_counts(f->model, f->index, out);
	}
	for (unsigned i = 0; i < r->nr_wires; i++) {
		fprintf(out, "[wire %u]\n", i);
		wire_print(&r->wire[i], out);
	}
}

static void print_record(struct rig *r, FILE *out)
{
	record_export(&r->record, out);
}

static void write_file(struct rig *r, const char *path, void (*print)(struct rig *r, FILE *out))
{
	FILE *f = path[0] ? fopen(path, "w") : NULL;

	if (!path[0])
		return;
	if (f)
		print(r, f);
	if (!f || fclose(f))
		fprintf(stderr, "rig: %s: %s\n", path, strerror(errno));
}

void rig_destroy(struct rig *r)
{
	write_file(r, r->record_path, print_record);
	write_file(r, r->counts_path, rig_print_counts);
	if (r->profile)
		profile_print(stderr);
	control_destroy(r->control);
	/* they leave their wires */
	while (r->nr_models > 0) {
		struct rig_model *m = &r->model[--r->nr_models];

		m->destroy(m->model);
	}
	wires_destroy(r);
	while (r->nr_functions > 0)
		bus_destroy(r->function[--r->nr_functions].bus);
	record_destroy(&r->record);
	clock_destroy(&r->clock);
}

int rig_fail(struct rig *r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(r->reason, sizeof(r->reason), format, ap);
	va_end(ap);
	return -EINVAL;
}

int rig_add_model(struct rig *r, void *model, void (*destroy)(void *model))
{
	if (r->nr_models == RIG_MODELS_MAX) {
		destroy(model);
		rig_fail(r, "more than %d devices", RIG_MODELS_MAX);
		return -ENOSPC;
	}
	r->model[r->nr_models++] = (struct rig_model){ model, destroy };
	return 0;
}

struct rig_function *rig_add_function(struct rig *r, const char *name)
{
	struct rig_function *f = &r->function[r->nr_functions];

	if (r->nr_functions == RIG_FUNCTIONS_MAX) {
		rig_fail(r, "more than %d functions", RIG_FUNCTIONS_MAX);
		return NULL;
	}
	snprintf(f->name, sizeof(f->name), "%s", name);
	f->bus = bus_create(f->name);
	if (!f->bus) {
		rig_fail(r, "no memory");
		return NULL;
	}
	r->nr_functions++;
	return f;
}

struct rig_function *rig_find_function(struct rig *r, const char *name)
{
	for (unsigned i = 0; i < r->nr_functions; i++)
		if (strcmp(r->function[i].name, name) == 0)
			return &r->function[i];
	return NULL;
}
