/* The command line: words `name=value` or `name`. Read through machine.h. */
#ifndef STUB_OPTIONS_H
#define STUB_OPTIONS_H

void options_take(const char *cmdline);

#endif
