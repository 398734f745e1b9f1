#include "lib/base/status.h"

#include <errno.h>

const char *status_text(enum status status)
{
	switch (status) {
#define STATUS_CASE(name, value, text) \
	case name:                     \
		return text;
		STATUS_LIST(STATUS_CASE)
#undef STATUS_CASE
	}
	return "unknown status";
}

enum status status_from_errno(int error)
{
	switch (error) {
	case 0:
		return STATUS_OK;
	case ENOMEM:
		return STATUS_NO_MEMORY;
	case ENOENT:
	case ENOTDIR:
		return STATUS_NOT_FOUND;
	case EEXIST:
	case EADDRINUSE:
		return STATUS_EXISTS;
	case EACCES:
	case EPERM:
	case ECONNREFUSED:
		return STATUS_REFUSED;
	case EAGAIN:
	case EBUSY:
		return STATUS_BUSY;
	case ETIMEDOUT:
		return STATUS_TIMEOUT;
	case ECONNRESET:
	case EPIPE:
		return STATUS_CLOSED;
	case ENOSPC:
	case ENOBUFS:
		return STATUS_NO_SPACE;
	case ENAMETOOLONG:
	case E2BIG:
		return STATUS_TOO_LONG;
	case ENOSYS:
	case EOPNOTSUPP:
	case EAFNOSUPPORT:
	case ENOPROTOOPT:
		return STATUS_NOT_SUPPORTED;
	default:
		return STATUS_IO;
	}
}
