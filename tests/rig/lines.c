/* The lines of the configuration that are neither a device nor a wire. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "wires.h"

#define RECORD_ENTRIES_MAX (UINT64_C(1) << 28)
#define REPAIR_MAX_US	   1000000

/* record FILE [ENTRIES] */
static int record_line(struct rig *r, const struct words *w)
{
	uint64_t entries = RIG_RECORD_ENTRIES;

	if (w->nr < 2 || w->nr > 3 || strlen(w->word[1]) >= sizeof(r->record_path))
		return rig_fail(r, "record FILE [ENTRIES]");
	if (w->nr == 3 && (!words_number(w->word[2], &entries) || entries == 0 ||
				  entries > RECORD_ENTRIES_MAX))
		return rig_fail(r, "%s: not a number of entries", w->word[2]);
	strcpy(r->record_path, w->word[1]);
	record_destroy(&r->record);
	if (record_init(&r->record, entries))
		return rig_fail(r, "no memory for %s entries", w->word[2]);
	return 0;
}

/* counts FILE */
static int counts_line(struct rig *r, const struct words *w)
{
	if (w->nr != 2 || strlen(w->word[1]) >= sizeof(r->counts_path))
		return rig_fail(r, "counts FILE");
	strcpy(r->counts_path, w->word[1]);
	return 0;
}

/* control PATH */
static int control_line(struct rig *r, const struct words *w)
{
	int err;

	if (w->nr != 2 || r->control)
		return rig_fail(r, "control PATH, once");
	err = control_create(&r->control, r, w->word[1]);
	return err ? rig_fail(r, "%s: %s", w->word[1], strerror(-err)) : 0;
}

/* fault DEVICE COMMAND...: the command "DEVICE fault COMMAND..." */
static int fault_line(struct rig *r, const struct words *w)
{
	char line[WORDS_LINE_MAX], rest[WORDS_LINE_MAX], *answer = NULL;
	size_t size;
	FILE *out;
	int err = 0;

	if (w->nr < 3)
		return rig_fail(r, "fault DEVICE COMMAND...");
	words_join(w, 2, rest, sizeof(rest));
	if (snprintf(line, sizeof(line), "%s fault %s", w->word[1], rest) >= (int)sizeof(line))
		return rig_fail(r, "the line is too long");
	out = open_memstream(&answer, &size);
	if (!out)
		return rig_fail(r, "no memory");
	command_run(r, line, out);
	fclose(out);
	if (strncmp(answer, "error", 5) == 0)
		err = rig_fail(r, "%.*s", (int)strcspn(answer, "\n"), answer);
	free(answer);
	return err;
}

/* iffix US */
static int iffix_line(struct rig *r, const struct words *w)
{
	if (w->nr != 2 || !words_number(w->word[1], &r->repair_us) || r->repair_us > REPAIR_MAX_US)
		return rig_fail(r, "iffix MICROSECONDS");
	return 0;
}

static int profile_line(struct rig *r, const struct words *w)
{
	if (w->nr != 1)
		return rig_fail(r, "profile");
	r->profile = true;
	return 0;
}

const struct conf_line rig_conf_lines[] = {
	{ "82599", nic_line },
	{ "ioat", ioat_line },
	{ "selftest", selftest_line },
	{ "wire", wire_line },
	{ "pcap", pcap_line },
	{ "record", record_line },
	{ "counts", counts_line },
	{ "control", control_line },
	{ "fault", fault_line },
	{ "iffix", iffix_line },
	{ "profile", profile_line },
	{ NULL, NULL },
};
