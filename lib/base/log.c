#include "lib/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *log_program = "rootcast";
static enum log_level log_least = LOG_LEVEL_INFO;
/* Released by who sets it, with all that it needs; acquired by who logs. */
static _Atomic(log_sink) log_taker;

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",   [LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_NOTICE] = "notice", [LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

void log_init(const char *program, enum log_level level)
{
	log_program = program;
	log_least = level;
}

/* Copy text to line, escaping what could forge a line or upset a terminal. */
static size_t escape(char *line, size_t length, size_t room, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char octet = (unsigned char)*text;

		if (length + 8 > room) {
			memcpy(line + length, "...", 3);
			return length + 3;
		}
		if (octet >= 0x20 && octet < 0x7f) {
			line[length++] = (char)octet;
		} else {
			line[length++] = '\\';
			line[length++] = (char)('0' + octet / 100);
			line[length++] = (char)('0' + octet / 10 % 10);
			line[length++] = (char)('0' + octet % 10);
		}
	}
	return length;
}

static size_t make_line(char line[LOG_LINE_MAX], enum log_level level,
			const char *format, va_list arguments)
{
	char text[LOG_LINE_MAX];
	struct timespec now;
	struct tm utc;
	size_t length;

	vsnprintf(text, sizeof(text), format, arguments);
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	length = strftime(line, LOG_LINE_MAX, "%Y-%m-%dT%H:%M:%S", &utc);
	length += (size_t)snprintf(line + length, LOG_LINE_MAX - length,
				   ".%03ldZ %s %s: ", now.tv_nsec / 1000000,
				   log_program, level_names[level]);
	length = escape(line, length, LOG_LINE_MAX, text);
	line[length++] = '\n';
	return length;
}

size_t log_line(char line[LOG_LINE_MAX], enum log_level level,
		const char *format, ...)
{
	va_list arguments;
	size_t size;

	va_start(arguments, format);
	size = make_line(line, level, format, arguments);
	va_end(arguments);
	return size;
}

void log_set_sink(log_sink sink)
{
	atomic_store_explicit(&log_taker, sink, memory_order_release);
}

void log_write(enum log_level level, const char *format, ...)
{
	log_sink sink = atomic_load_explicit(&log_taker, memory_order_acquire);
	char line[LOG_LINE_MAX];
	va_list arguments;
	size_t length;
	int saved = errno;

	if (level > log_least) {
		return;
	}
	va_start(arguments, format);
	length = make_line(line, level, format, arguments);
	va_end(arguments);
	if (sink != NULL) {
		sink(line, length);
	} else if (write(STDERR_FILENO, line, length) < 0) {
		/* Nobody is left to tell. */
	}
	errno = saved;
}
