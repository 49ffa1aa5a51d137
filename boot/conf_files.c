/* sluice.conf as the loader sees it: parsed by the hypervisor's own parser, hv/vm/conf.c. */
#include "boot/conf_files.h"

#include "boot/file.h"
#include "boot/leave.h"
#include "boot/memory_map.h"
#include "boot/print.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "vm/conf.h"

#define CONF_PATH      "sluice.conf"
#define GUEST_FILE_MAX GIB(4)

/* What the hypervisor needs beside the guests' memory: its page tables, the EPT's, and buffers. */
#define OWN_MEMORY MIB(8)
/* An uplink's buffers, for each of its queue pairs: hv/net/uplink.h. */
#define UPLINK_PAIR_MEMORY MIB(3)

static struct conf conf;

static int parse(struct boot_info *bi)
{
	struct conf_error err;
	int r = conf_parse((const char *)bi->conf_hpa, bi->conf_len_bytes, &conf, &err);

	if (r)
		print("%s:%u:%u: %s", CONF_PATH, err.line, err.column, err.text);
	return r;
}

static bool is_read(const struct boot_info *bi, const char *path)
{
	for (unsigned i = 0; i < bi->nr_files; i++)
		if (strcmp((const char *)bi->file[i].path_hpa, path) == 0)
			return true;
	return false;
}

/* path lies in `conf`, in the loader's own image, which stays in memory as BOOT_MEM_LOADER. */
static int read_once(struct boot_info *bi, const char *path)
{
	struct boot_file *f = &bi->file[bi->nr_files];
	void *data;
	int r;

	_Static_assert(2 * CONF_GUESTS_MAX <= BOOT_FILES_MAX, "two files for each guest");
	if (!path[0] || is_read(bi, path))
		return 0;
	r = file_read(path, GUEST_FILE_MAX, &data, &f->len_bytes);
	if (!r && f->len_bytes == 0) {
		print("%s: is empty: copy it to the boot volume again", path);
		r = -EINVAL;
	}
	if (r)
		return r;
	f->path_hpa = (uint64_t)path;
	f->hpa = (uint64_t)data;
	bi->nr_files++;
	return 0;
}

int conf_files_read(struct boot_info *bi)
{
	void *text;
	int r = file_read(CONF_PATH, CONF_SIZE_MAX, &text, &bi->conf_len_bytes);

	bi->conf_hpa = (uint64_t)text;
	if (!r)
		r = parse(bi);
	for (unsigned i = 0; !r && i < conf.nr_guests; i++) {
		r = read_once(bi, conf.guest[i].kernel);
		if (!r)
			r = read_once(bi, conf.guest[i].initrd);
	}
	return r;
}

/* One queue pair for each guest's NIC on the switch, and one for the rest. */
static uint64_t uplinks_memory(void)
{
	uint64_t bytes = 0;

	for (unsigned sw = 0; sw < conf.nr_switches; sw++) {
		if (!conf.sw[sw].has_uplink)
			continue;
		bytes += UPLINK_PAIR_MEMORY;
		for (unsigned i = 0; i < conf.nr_guests; i++)
			for (unsigned n = 0; n < conf.guest[i].nr_nics; n++)
				if (conf.guest[i].nic[n].switch_index == sw)
					bytes += UPLINK_PAIR_MEMORY;
	}
	return bytes;
}

int conf_files_check_memory(struct boot_info *bi)
{
	uint64_t wanted = OWN_MEMORY + uplinks_memory(), usable;
	int r = leave_take_memory_map(bi);

	if (r)
		return r;
	for (unsigned i = 0; i < conf.nr_guests; i++)
		wanted += conf.guest[i].memory_bytes;
	usable = memory_map_usable_bytes(bi);
	if (wanted <= usable)
		return 0;
	print("%s: too little memory: guests and hypervisor need %lu MiB, %lu MiB are free: lower "
	      "memory= or "
	      "add memory",
		CONF_PATH, wanted >> 20, usable >> 20);
	return -ENOMEM;
}
