/* Reads the rig's configuration: a line a device, wire or setting. */
#include "rig.h"

#include <errno.h>
#include <string.h>

static int take_line(struct rig *r, const struct words *w, const struct conf_line *lines)
{
	for (const struct conf_line *l = lines; l->word; l++)
		if (strcmp(l->word, w->word[0]) == 0)
			return l->fn(r, w);
	return rig_fail(r, "no such line: %.100s", w->word[0]);
}

int conf_read(struct rig *r, const char *path, const struct conf_line *lines)
{
	FILE *f = fopen(path, "r");
	char line[WORDS_LINE_MAX];
	struct words w;
	unsigned nr = 0;
	int err = 0;

	if (!f) {
		fprintf(stderr, "rig: %s: %s\n", path, strerror(errno));
		return -EINVAL;
	}
	while (!err && fgets(line, sizeof(line), f)) {
		nr++;
		err = words_split(&w, line);
		/* a line that fills the buffer was cut */
		if (err || strlen(line) + 1 == sizeof(line))
			err = rig_fail(r, "the line is too long");
		else if (w.nr > 0)
			err = take_line(r, &w, lines);
	}
	fclose(f);
	if (err)
		fprintf(stderr, "rig: %s:%u: %s\n", path, nr, r->reason);
	return err ? -EINVAL : 0;
}
