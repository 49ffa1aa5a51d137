/* Error numbers: Linux's values, returned negative. Only these are used. */
#ifndef SLUICE_LIB_ERRNO_H
#define SLUICE_LIB_ERRNO_H

#ifndef EINVAL
#define ENOENT	  2
#define EIO	  5
#define ENXIO	  6
#define E2BIG	  7
#define EAGAIN	  11
#define ENOMEM	  12
#define EFAULT	  14
#define EBUSY	  16
#define EEXIST	  17
#define ENODEV	  19
#define EINVAL	  22
#define ENOSPC	  28
#define ERANGE	  34
#define ENOSYS	  38
#define EPROTO	  71
#define EOVERFLOW 75
#define ENOTSUP	  95
#define ETIMEDOUT 110
#endif

#endif
