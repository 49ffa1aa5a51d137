/* The plugin interface of the stock emulator, as its binary has it: Debian's bochs 3.0+dfsg-1 for
 * amd64. No header of the emulator is used: offsets, slots of virtual tables and mangled names are
 * stated here, checked against the binary when the plugin is built (check-abi, which also reads
 * the symbols from this file) and against the running program when it is loaded (bxcheck.c).
 * Virtual tables and names: Itanium C++ ABI. */
#ifndef SLUICE_RIG_BXABI_H
#define SLUICE_RIG_BXABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- A device: a block of which the emulator touches these parts ---- */
struct bx_bar {
	uint8_t type; /* 0: not used */
	uint32_t size, address;
	void *read, *write;
	const uint8_t *io_mask;
};

struct bx_object {
	const void *table;   /* BX_TABLE() */
	uint8_t logger[40];  /* by bx_log_create() */
	const char *name;    /* by bx_register_pci() */
	uint8_t config[256]; /* the emulator reads and writes some bytes itself: see bxbus.c */
	struct bx_bar bar[6];
	uint8_t *rom;
	uint32_t rom_address, rom_size;
	void *rom_read;
};

_Static_assert(offsetof(struct bx_object, name) == 0x30, "the emulator's layout");
_Static_assert(offsetof(struct bx_object, config) == 0x38, "the emulator's layout");
_Static_assert(offsetof(struct bx_object, bar) == 0x138, "the emulator's layout");
_Static_assert(offsetof(struct bx_object, rom) == 0x228, "the emulator's layout");
_Static_assert(sizeof(struct bx_bar) == 0x28, "the emulator's layout");
_Static_assert(sizeof(struct bx_object) == 0x240, "the emulator's layout");

struct bx_table {
	ptrdiff_t offset_to_top; /* 0 */
	const void *type;	 /* never looked at */
	void (*destroy)(struct bx_object *);
	void (*destroy_and_free)(struct bx_object *);
	void (*init)(struct bx_object *);
	void (*reset)(struct bx_object *, unsigned type);
	void (*register_state)(struct bx_object *);
	void (*after_restore)(struct bx_object *);
	void (*debug_dump)(struct bx_object *, int argc, char **argv);
	uint32_t (*config_read)(struct bx_object *, uint8_t off, unsigned width_bytes);
	void (*config_write)(struct bx_object *, uint8_t off, uint32_t v, unsigned width_bytes);
	void (*bar_changed)(struct bx_object *);
};

/* What an object's first word points to; slots count from there. */
#define BX_TABLE(t)  ((const void *)&(t)->destroy)
#define BX_SLOT_READ 7

/* ---- libNAME_plugin_entry(plugin, type, mode) ---- */
enum { BX_MODE_END, BX_MODE_INIT, BX_MODE_PROBE, BX_MODE_FLAGS };
#define BX_PROBE_OPTIONAL 4
#define BX_FLAGS_PCI	  1

/* ---- Callbacks. true: it was ours ---- */
typedef bool (*bx_memory_fn)(uint64_t addr, unsigned len_bytes, void *data, void *param);
typedef uint32_t (*bx_in_fn)(void *param, uint32_t port, unsigned width_bytes);
typedef void (*bx_out_fn)(void *param, uint32_t port, uint32_t v, unsigned width_bytes);
typedef void (*bx_timer_fn)(void *param);

/* ---- Data ---- */
extern char bx_devices[], bx_pc_system[], bx_mem[]; /* objects */
#define BX_DEVICES_ROUTER 0x88 /* in bx_devices: pointer to the router of INTA to INTD */
#define BX_ROUTER_SLOT	  10
typedef void (*bx_router_fn)(void *router, uint8_t devfn, unsigned pin, bool level);
#define BX_MEM_BYTES 0x30 /* in bx_mem: uint64_t, the size of RAM */
extern void **bx_cpu_array;
extern int bx_cpu_count;

/* ---- Functions. The objects of memory and interrupts are static: no `this`. ---- */
#define BX_SYMBOL(name) __asm__(name)
void pluginRegisterDeviceDevmodel(
	void *plugin, uint16_t type, struct bx_object *object, const char *name);
void bx_log_create(void *object) BX_SYMBOL("_ZN12logfunctionsC2Ev");
void bx_log_destroy(void *object) BX_SYMBOL("_ZN12logfunctionsD2Ev");
void bx_log_prefix(void *object, const char *prefix) BX_SYMBOL("_ZN12logfunctions3putEPKc");
/* *devfn: 0, the next free slot. name and text must stay. */
bool bx_register_pci(void *devices, struct bx_object *object, uint8_t *devfn, const char *name,
	const char *text, uint8_t bus)
	BX_SYMBOL("_ZN12bx_devices_c21register_pci_handlersEP15bx_pci_device_cPhPKcS4_h");
bool bx_memory_map(void *param, bx_memory_fn read, bx_memory_fn write, void *direct, uint64_t first,
	uint64_t last)
	BX_SYMBOL("_ZN8BX_MEM_C22registerMemoryHandlersEPvPFbmjS0_S0_ES2_PFPhmjS0_Emm");
bool bx_memory_unmap(void *param, uint64_t first, uint64_t last)
	BX_SYMBOL("_ZN8BX_MEM_C24unregisterMemoryHandlersEPvmm");
/* Within one page of 4096 bytes. */
void bx_dma_read(uint64_t addr, unsigned len_bytes, uint8_t *data)
	BX_SYMBOL("_ZN8BX_MEM_C19dmaReadPhysicalPageEmjPh");
void bx_dma_write(uint64_t addr, unsigned len_bytes, const uint8_t *data)
	BX_SYMBOL("_ZN8BX_MEM_C20dmaWritePhysicalPageEmjPh");
int bx_apic_deliver(uint8_t vector, uint32_t destination, uint8_t mode, bool logical, bool level,
	bool trigger) BX_SYMBOL("_Z26apic_bus_deliver_interrupthjhbbb");
int bx_timer_add(void *system, void *param, bx_timer_fn fn, uint32_t us, bool continuous,
	bool active, const char *name)
	BX_SYMBOL("_ZN14bx_pc_system_c14register_timerEPvPFvS0_EjbbPKc");
/* ns: cut to a multiple of the length of an instruction, but at least one; 0: the last one again */
void bx_timer_set(void *system, unsigned timer, uint64_t ns, bool continuous)
	BX_SYMBOL("_ZN14bx_pc_system_c19activate_timer_nsecEjmb");
uint64_t bx_time_ns(void *system) BX_SYMBOL("_ZN14bx_pc_system_c9time_nsecEv");
void bx_cpu_update_masks(void *cpu) BX_SYMBOL("_ZN8BX_CPU_C25handleInterruptMaskChangeEv");

/* Variables that hold functions. */
extern int (*pluginRegisterIOReadHandlerRange)(
	void *, bx_in_fn, unsigned first, unsigned last, const char *name, uint8_t widths);
extern int (*pluginRegisterIOWriteHandlerRange)(
	void *, bx_out_fn, unsigned first, unsigned last, const char *name, uint8_t widths);
extern int (*pluginUnregisterIOReadHandlerRange)(
	void *, bx_in_fn, unsigned first, unsigned last, uint8_t widths);
extern int (*pluginUnregisterIOWriteHandlerRange)(
	void *, bx_out_fn, unsigned first, unsigned last, uint8_t widths);
#define BX_WIDTHS_BYTE 1
#define BX_WIDTHS_ALL  7

/* bxcheck.c. NULL: all of this holds; otherwise what does not. */
const char *bx_check(void);

#endif
