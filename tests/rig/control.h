/* The control socket: a UNIX stream socket that takes commands, one a line; each answer ends with a
 * NUL byte. One client at a time; looked at every millisecond of emulated time. */
#ifndef SLUICE_RIG_CONTROL_H
#define SLUICE_RIG_CONTROL_H

struct control;
struct rig;

/* A negative errno. A path that exists is replaced. */
int control_create(struct control **c, struct rig *r, const char *path);
/* c may be NULL. */
void control_destroy(struct control *c);

#endif
