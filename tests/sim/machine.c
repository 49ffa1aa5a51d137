/* Sizes and costs of the simulated machines, and where they are from.
 *
 * Westmere-EP: Xeon X5650, 12 MiB inclusive LLC in 16 ways; L2 256 KiB in 8. Latencies: 7-cpu.com,
 * "Intel Westmere": LLC 40 to 42 cycles; memory 40 cycles + 67 ns, + 105 ns behind the other
 * socket. A remote cache: Molka and others, "Memory Performance and Cache Coherency Effects on an
 * Intel Nehalem Multiprocessor System", PACT 2009. DCA: the 82599's tag makes the chipset hint a
 * core to fetch what was written to memory (Huggahalli, Iyer and Tetrick, "Direct Cache Access for
 * High Bandwidth Network I/O", ISCA 2005). Whether that core's L2 or only the LLC takes it is not
 * documented for this generation; here its L2 does, as in that paper.
 *
 * Haswell-EP: Xeon E5-2680 v3, 12 cores, 30 MiB inclusive LLC in 20 ways, L2 256 KiB in 8: Molka
 * and others, "Cache Coherence Protocol and Memory Performance of the Intel Haswell-EP
 * Architecture", ICPP 2015: LLC 21.2 ns, memory 96.4 ns, remote 104 and 146 ns. DDIO: two ways of
 * 20 ("Intel Data Direct I/O Technology: A Primer", 2012: up to 10% of the LLC).
 *
 * Skylake-SP: Xeon Gold 6148, 20 cores, 27.5 MiB non-inclusive LLC in 11 ways, L2 1 MiB in 16
 * (Intel 64 and IA-32 Architectures Optimization Reference Manual, 2.2). Latencies as of its
 * successor with the same caches: Velten and others, "Memory Performance of AMD EPYC Rome and Intel
 * Cascade Lake SP Server Processors", ICPE 2022. DDIO: two ways of 11 (Farshin and others,
 * "Reexamining Direct Cache Access", USENIX ATC 2020).
 *
 * These are as remembered, not looked up again, but for Westmere's. */
#include "machine.h"

#include <stddef.h>
#include <string.h>

const struct machine machines[] = {
	{
		.name = "westmere",
		.what = "Xeon X5650, DCA, inclusive LLC",
		.khz = 2666000,
		.cores_per_socket = 6,
		.l2 = { 256, 8 },
		.llc = { 12288, 16 },
		.inclusive = true,
		.inject = INJECT_DCA,
		.llc_cycles = 41,
		.memory_ns = 82,
		.remote_cache_ns = 75,
		.remote_memory_ns = 120,
		.overlap = 4,
	},
	{
		.name = "haswell",
		.what = "Xeon E5-2680 v3, DDIO, inclusive LLC",
		.khz = 2500000,
		.cores_per_socket = 12,
		.l2 = { 256, 8 },
		.llc = { 30720, 20 },
		.inclusive = true,
		.inject = INJECT_DDIO,
		.io_ways = 2,
		.llc_cycles = 53,
		.memory_ns = 96,
		.remote_cache_ns = 104,
		.remote_memory_ns = 146,
		.overlap = 4,
	},
	{
		.name = "skylake",
		.what = "Xeon Gold 6148, DDIO, non-inclusive LLC",
		.khz = 2400000,
		.cores_per_socket = 20,
		.l2 = { 1024, 16 },
		.llc = { 28160, 11 },
		.inject = INJECT_DDIO,
		.io_ways = 2,
		.llc_cycles = 68,
		.memory_ns = 88,
		.remote_cache_ns = 115,
		.remote_memory_ns = 145,
		.overlap = 4,
	},
};

const unsigned nr_machines = sizeof(machines) / sizeof(machines[0]);

const struct machine *machine_find(const char *name)
{
	for (unsigned i = 0; i < nr_machines; i++)
		if (!strcmp(machines[i].name, name))
			return &machines[i];
	return NULL;
}

/* Ours: counted instructions (`make bench-host`; README, "Figures"), at one a cycle: 92 to receive
 * in the driver, 850 for the way of a small frame from ring to ring.
 *
 * vm_exit: 1,000 to 2,000 cycles on these generations (docs/hardware.md). linux_bridge: Emmerich
 * and others, "Performance Characteristics of Virtual Switching", CloudNet 2014: on 3.3 GHz 1.11
 * million packets a second through Linux's bridge, 2,970 cycles, with both drivers; less about
 * 1,000 for these, and what its misses add, which are simulated. Engine: a descriptor of 64 bytes
 * and its completion cached, an uncached register write for the doorbell; start and rate: of the
 * order that Vaidyanathan and Panda, "Benefits of I/O Acceleration Technology (I/OAT) in Clusters",
 * ISPASS 2007, and Linux's dmatest show. guest_frame: receiving costs Linux about one cycle per bit
 * with everything (Foong and others, "TCP Performance Re-Visited", ISPASS 2003); of these 12,000
 * for a full frame the newer kernels with offloads need a fifth or so, without the misses. */
const struct costs costs = {
	.vm_exit = 1500,
	.vcpu_switch = 1500,
	.interrupt = 400,
	.halt_exit_ns = 1000,
	.round = 100,
	.work_item = 60,
	.nic_receive = 110,
	.switch_frame = 120,
	.linux_bridge = 1500,
	.bridge_lines = 10,
	.ring_frame = 200,
	.copy_line = 8,
	.engine_prepare = 120,
	.engine_doorbell = 250,
	.engine_complete = 80,
	.engine_start_ns = 500,
	.engine_mb_per_s = 2500,
	.guest_interrupt = 1500,
	.guest_frame = 1500,
	.guest_line = 16,
	.guest_ack = 800,
	.hog_line = 20,
};
