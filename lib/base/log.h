/*
 * log.h - one line an event, to standard error.
 *
 * A line is '<time> <program> <level>: <text>', written with one write(2), so
 * that lines of several threads never mix. Texts are lower case, without a
 * full stop: what, where, what to do. Bytes that came from outside are escaped
 * (control characters and non-ASCII as \DDD), so that no input can forge a
 * line. Any thread may log, but never between receive and send.
 *
 * write(2) waits where whoever reads standard error does not. A program that has
 * threads which must not wait sets a sink that takes the lines instead
 * (server/route/log_thread.h).
 */
#pragma once

#include <stddef.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

enum {
	LOG_LINE_MAX = 2048, /* octets; longer lines end in '...' */
};

/* Name the program and the least urgent level shown; call before threads. */
void log_init(const char *program, enum log_level level);

void log_write(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Takes a whole line, its newline included. From any thread. */
typedef void (*log_sink)(const char *line, size_t size);

/* Lines go there from now on; NULL: to standard error. Any thread. */
void log_set_sink(log_sink sink);

/* The line that log_write() would write; its size is returned. */
size_t log_line(char line[LOG_LINE_MAX], enum log_level level,
		const char *format, ...) __attribute__((format(printf, 3, 4)));

#define log_error(...)   log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)  log_write(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)    log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
