#include "lib/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *log_program = "rootcast";
static enum log_level log_least = LOG_LEVEL_INFO;

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

void log_write(enum log_level level, const char *format, ...)
{
	char line[LOG_LINE_MAX];
	char text[LOG_LINE_MAX];
	struct timespec now;
	struct tm utc;
	va_list arguments;
	size_t length;
	int saved = errno;

	if (level > log_least) {
		return;
	}
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	length = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &utc);
	length += (size_t)snprintf(line + length, sizeof(line) - length,
				   ".%03ldZ %s %s: ", now.tv_nsec / 1000000,
				   log_program, level_names[level]);
	length = escape(line, length, sizeof(line), text);
	line[length++] = '\n';
	if (write(STDERR_FILENO, line, length) < 0) {
		/* Nobody is left to tell. */
	}
	errno = saved;
}
