/* Bounds of the image, from linker.ld. */
#ifndef SLUICE_CPU_IMAGE_H
#define SLUICE_CPU_IMAGE_H

#include <stdint.h>

extern const uint8_t image_start[], text_end[]; /* RX */
extern const uint8_t rodata_end[];		/* R */
extern const uint8_t image_end[];		/* RW */

#endif
