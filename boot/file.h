/* Files on the volume that the loader was started from. */
#ifndef SLUICE_BOOT_FILE_H
#define SLUICE_BOOT_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/bits.h"

/* Opens the volume. 0 or -ENODEV, after a message. */
int file_init(void) __must_check;

/* Reads a whole file into fresh pages and says so. A path is relative to \sluice unless it begins
 * with / or \, which are the same. An empty file has *data NULL. 0, or after a message that names
 * the file -ENOENT, -E2BIG (larger than max_bytes), -ENOMEM or -EIO. */
int file_read(const char *path, uint64_t max_bytes, void **data, uint64_t *len_bytes) __must_check;

#endif
