/* Who uses which interrupt vector. Vectors below 0x20 are exceptions. */
#ifndef SLUICE_CPU_VECTORS_H
#define SLUICE_CPU_VECTORS_H

#define VECTOR_NMI	     0x02
#define VECTOR_DOUBLE_FAULT  0x08
#define VECTOR_GP	     0x0d
#define VECTOR_PAGE_FAULT    0x0e
#define VECTOR_MACHINE_CHECK 0x12
#define NR_EXCEPTIONS	     0x20

#define VECTOR_DEVICE_FIRST 0x30 /* handed out by interrupt_alloc() */
#define VECTOR_DEVICE_LAST  0xdf

#define VECTOR_TIMER	  0xef
#define VECTOR_RESCHEDULE 0xf1 /* does nothing but end a halt or force a VM exit */
#define VECTOR_POSTED	  0xf2 /* posted-interrupt notification; ignored by the host */
#define VECTOR_SPURIOUS	  0xff

#define NR_VECTORS 256

#endif
