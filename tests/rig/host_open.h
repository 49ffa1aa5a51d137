/* Opens what a host wire leads to. */
#ifndef SLUICE_RIG_HOST_OPEN_H
#define SLUICE_RIG_HOST_OPEN_H

#include <sys/un.h>

/* Both: a descriptor that does not block, or a negative errno. */
int host_open_tap(const char *name);
/* Bound to `path`, which is replaced; peer gets its text after the comma, or an empty path. */
int host_open_unix(const char *path, struct sockaddr_un *peer);

#endif
