/* mark N: writes the byte N to the hypervisor's mark port, which then notes the guest, N, the time
 * and its counters. Without a hypervisor nobody listens at that port: harmless. */
#include <stdlib.h>
#include <sys/io.h>

#define MARK_PORT 0x5e0

int main(int argc, char **argv)
{
	if (argc != 2 || ioperm(MARK_PORT, 1, 1) != 0)
		return 1;
	outb((unsigned char)atoi(argv[1]), MARK_PORT);
	return 0;
}
