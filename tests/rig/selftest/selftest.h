/* A small PCI function for the test of the rig itself (tests/rig/probe): whatever a device can ask
 * of the machine, it does when a register is written. Offsets of BAR 0 and, for the first 32
 * bytes, of BAR 2 (ports); BAR 4 has the MSI-X table and pending bits. */
#ifndef SLUICE_RIG_SELFTEST_H
#define SLUICE_RIG_SELFTEST_H

#define SELFTEST_VENDOR	    0x1234
#define SELFTEST_DEVICE	    0x51ce
#define SELFTEST_BAR0_BYTES 0x20000
#define SELFTEST_BAR2_BYTES 0x20
#define SELFTEST_BAR4_BYTES 0x4000
#define SELFTEST_VECTORS    64
#define SELFTEST_MSIX_TABLE 0
#define SELFTEST_MSIX_PBA   0x2000
#define SELFTEST_COPY_MAX   0x4000

#define SELFTEST_ID	     0x00 /* ro */
#define SELFTEST_ID_VALUE    0x51ce0001
#define SELFTEST_SCRATCH     0x04
#define SELFTEST_SOURCE	     0x08 /* 64 bits */
#define SELFTEST_DESTINATION 0x10 /* 64 bits */
#define SELFTEST_LENGTH	     0x18
#define SELFTEST_GO	     0x1c /* w: copy LENGTH bytes inverted, then send this vector */
#define SELFTEST_STATUS	     0x20 /* ro, of the last copy: 1 done, 2 master abort */
#define SELFTEST_INTX	     0x24 /* w: the level */
#define SELFTEST_DELAY_US    0x28
#define SELFTEST_GO_LATER    0x2c		       /* w: the same as GO, DELAY_US later */
#define SELFTEST_TIME_NS     0x30		       /* ro, 64 bits: emulated time */
#define SELFTEST_LAST	     (SELFTEST_BAR0_BYTES - 4) /* ro */
#define SELFTEST_LAST_VALUE  0xfeedface

#endif
