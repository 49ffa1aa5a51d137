/* The plugin's life in the emulator: check, read the configuration, devices, the rig's port, end.
 */
#include "bx.h"

#include <stdio.h>
#include <stdlib.h>

#include "console.h"
#include "profile.h"
#include "rig.h"

#define CONFIGURATION "SLUICE_RIG" /* environment variable */
#define DEFAULT_PATH  "rig.conf"

/* Bytes written here are a command, which '\n' ends; bytes read are its answer, 0 at its end. */
#define RIG_PORT 0x5f0

static struct rig rig;
static struct rig_console console;
static struct bx_object object;
static bool running;

static uint32_t port_read(void *param, uint32_t port, unsigned width_bytes)
{
	(void)param;
	(void)port;
	(void)width_bytes;
	return (uint8_t)console_get(&console);
}

static void port_write(void *param, uint32_t port, uint32_t v, unsigned width_bytes)
{
	(void)param;
	(void)port;
	(void)width_bytes;
	bx_advance_clock();
	console_put(&console, (char)v);
}

static void end(void)
{
	if (!running)
		return;
	running = false;
	console_destroy(&console);
	rig_destroy(&rig);
}

/* What else ends the emulator, as long as it exits. */
__attribute__((destructor)) static void end_at_exit(void)
{
	end();
}

/* The emulator goes on after an error: a machine without its devices would only be confusing. */
static void init(struct bx_object *o)
{
	const char *path = getenv(CONFIGURATION);

	(void)o;
	if (rig_init(&rig)) {
		fputs("rig: no memory\n", stderr);
		exit(1);
	}
	running = true;
	if (conf_read(&rig, path ? path : DEFAULT_PATH, rig_conf_lines))
		exit(1);
	console_init(&console, &rig);
	if (!pluginRegisterIOReadHandlerRange(
		    &rig, port_read, RIG_PORT, RIG_PORT, RIG_NAME, BX_WIDTHS_BYTE) ||
		!pluginRegisterIOWriteHandlerRange(
			&rig, port_write, RIG_PORT, RIG_PORT, RIG_NAME, BX_WIDTHS_BYTE))
		fprintf(stderr, "rig: port %#x is not free\n", RIG_PORT);
	machine_start_clock(&rig.clock);
	if (rig.repair_us)
		machine_repair_masks((unsigned)rig.repair_us);
	if (rig.profile)
		profile_start();
}

static void reset(struct bx_object *o, unsigned type)
{
	(void)o;
	(void)type;
	bus_reset();
}

static void nothing(struct bx_object *o)
{
	(void)o;
}

static void no_dump(struct bx_object *o, int argc, char **argv)
{
	(void)o;
	(void)argc;
	(void)argv;
}

static const struct bx_table table = {
	.destroy = nothing,
	.destroy_and_free = nothing,
	.init = init,
	.reset = reset,
	.register_state = nothing,
	.after_restore = nothing,
	.debug_dump = no_dump,
};

__attribute__((visibility("default"))) int libsluice_plugin_entry(
	void *plugin, uint16_t type, uint8_t mode);

static void load(void *plugin, uint16_t type)
{
	const char *why = bx_check();

	if (why) {
		fprintf(stderr, "rig: this emulator is not the one it is made for: %s\n", why);
		exit(1);
	}
	bx_log_create(&object);
	object.table = BX_TABLE(&table);
	bx_log_prefix(&object, RIG_NAME);
	pluginRegisterDeviceDevmodel(plugin, type, &object, RIG_NAME);
}

int libsluice_plugin_entry(void *plugin, uint16_t type, uint8_t mode)
{
	switch (mode) {
	case BX_MODE_PROBE:
		return BX_PROBE_OPTIONAL;
	case BX_MODE_FLAGS:
		return BX_FLAGS_PCI;
	case BX_MODE_INIT:
		load(plugin, type);
		break;
	case BX_MODE_END:
		end();
		bx_log_destroy(&object);
		break;
	}
	return 0;
}
