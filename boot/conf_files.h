/* What sluice.conf asks of the loader: the files it names, and enough memory. */
#ifndef SLUICE_BOOT_CONF_FILES_H
#define SLUICE_BOOT_CONF_FILES_H

#include "boot_info.h"
#include "lib/bits.h"

/* Reads and parses sluice.conf and reads the kernels and initrds in it, each once, into bi. 0, or
 * a negative errno after a message that names the file. */
int conf_files_read(struct boot_info *bi) __must_check;

/* -ENOMEM, after a message, if the guests cannot fit into what memory is left. */
int conf_files_check_memory(struct boot_info *bi) __must_check;

#endif
