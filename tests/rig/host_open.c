#define _GNU_SOURCE
#include "host_open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "words.h"

#define SOCKET_BYTES (4 << 20) /* more frames than a burst has */

static int open_descriptor(const char *number)
{
	uint64_t fd;

	if (!words_number(number, &fd) || fd > 1 << 20)
		return -EINVAL;
	if (fcntl((int)fd, F_SETFL, O_NONBLOCK | O_RDWR) < 0)
		return -errno;
	return (int)fd;
}

int host_open_tap(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd, err;

	if (strncmp(name, "fd:", 3) == 0)
		return open_descriptor(name + 3);
	if (strlen(name) >= sizeof(ifr.ifr_name))
		return -EINVAL;
	strcpy(ifr.ifr_name, name);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		err = errno;
		close(fd);
		return -err;
	}
	return fd;
}

static bool set_path(struct sockaddr_un *a, const char *path, size_t len)
{
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (len >= sizeof(a->sun_path))
		return false;
	memcpy(a->sun_path, path, len);
	return true;
}

int host_open_unix(const char *path, struct sockaddr_un *peer)
{
	size_t len = strcspn(path, ",");
	const char *to = path[len] ? path + len + 1 : "";
	const int bytes = SOCKET_BYTES;
	struct sockaddr_un own;
	int fd, err;

	if (len == 0 || !set_path(&own, path, len) || !set_path(peer, to, strlen(to)))
		return -EINVAL;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* as much as the system allows */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	unlink(own.sun_path);
	if (bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0) {
		err = errno;
		close(fd);
		return -err;
	}
	return fd;
}
