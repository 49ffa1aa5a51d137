/* Function names for dumps, from the table that the build links into the image (hv/hv.mk). */
#ifndef SLUICE_CPU_SYMBOLS_H
#define SLUICE_CPU_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

/* The function that address lies in, and how far; NULL outside the image's text or without a table.
 */
const char *symbol_find(uint64_t address, uint64_t *offset);

/* Prints the return addresses from frame pointer rbp on, with symbols. Follows only frames that lie
 * in the stack that rbp points into, upwards, and a bounded number of them. */
void backtrace_print(uint64_t rip, uint64_t rbp);

#endif
