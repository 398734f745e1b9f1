/*
 * status.h - what a function says when the machine refused.
 *
 * 0 is good, anything negative is bad. A status travels up unchanged and is
 * logged once, where the name of the thing it happened to is known. A peer's
 * mistake is not a status: it is data (an RCODE, a NOTIFICATION code).
 */
#pragma once

/* X(name, value, text): the one list that names, values and texts come from. */
#define STATUS_LIST(X)                                      \
	X(STATUS_OK, 0, "done")                             \
	X(STATUS_NO_MEMORY, -1, "out of memory")            \
	X(STATUS_IO, -2, "input/output error")              \
	X(STATUS_NOT_FOUND, -3, "not found")                \
	X(STATUS_EXISTS, -4, "exists already")              \
	X(STATUS_BAD_SYNTAX, -5, "malformed")               \
	X(STATUS_TOO_LONG, -6, "too long")                  \
	X(STATUS_OUT_OF_RANGE, -7, "out of range")          \
	X(STATUS_NOT_SUPPORTED, -8, "not supported")        \
	X(STATUS_REFUSED, -9, "refused")                    \
	X(STATUS_BUSY, -10, "busy, try again")              \
	X(STATUS_TIMEOUT, -11, "timed out")                 \
	X(STATUS_CLOSED, -12, "closed by the other side")   \
	X(STATUS_NO_SPACE, -13, "no space left")            \
	X(STATUS_CHANGED, -14, "changed while it was read") \
	X(STATUS_BAD_DATA, -15, "data breaks a rule")

enum status {
#define STATUS_ENUM(name, value, text) name = (value),
	STATUS_LIST(STATUS_ENUM)
#undef STATUS_ENUM
};

#define must_check __attribute__((warn_unused_result))

/* The text of a status: lower case, no full stop; never NULL. Any thread. */
const char *status_text(enum status status);

/* The status nearest to an errno value. Any thread. */
enum status status_from_errno(int error);
