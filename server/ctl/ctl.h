/*
 * ctl.h - what the commands of rootcastctl share.
 *
 * A command returns the exit status. One thread, one command a process.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

enum ctl_exit {
	CTL_DONE = 0,
	CTL_WRONG = 1, /* refused, or something is wrong */
	CTL_USAGE = 2,
	CTL_NO_DAEMON = 3,
};

struct ctl {
	const char *socket; /* as given, or NULL: the default */
	bool json;
	const char *program; /* argv[0] */
};

/* arguments: those after the command's own words, ended by NULL. */
typedef int (*ctl_func)(const struct ctl *ctl, int count,
			char *const *arguments);

int ctl_status(const struct ctl *ctl, int count, char *const *arguments);
int ctl_zones(const struct ctl *ctl, int count, char *const *arguments);
int ctl_zone(const struct ctl *ctl, int count, char *const *arguments);
int ctl_reload(const struct ctl *ctl, int count, char *const *arguments);
int ctl_stats(const struct ctl *ctl, int count, char *const *arguments);
int ctl_route(const struct ctl *ctl, int count, char *const *arguments);
int ctl_checkzone(const struct ctl *ctl, int count, char *const *arguments);
int ctl_checkconf(const struct ctl *ctl, int count, char *const *arguments);
int ctl_later(const struct ctl *ctl, int count, char *const *arguments);

/* Say what is wrong with how it was called; returns CTL_USAGE. */
int ctl_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Send a request (taken over) to the daemon whose socket has that default name,
 * and wait for its reply, however long a reload takes. With --json the reply is
 * printed. Returns it, or NULL with *exit_status set and one line said. The
 * daemon's refusal is said too, and *exit_status is CTL_WRONG then.
 */
json_t *ctl_ask(const struct ctl *ctl, const char *name, json_t *request,
		int *exit_status);

/* Print a document on one line. Returns CTL_DONE, or CTL_WRONG where nobody
 * takes it. */
int ctl_print(const json_t *document);

/* The text at a key, or "-". */
const char *ctl_text(const json_t *object, const char *key);
json_int_t ctl_number(const json_t *object, const char *key);

/*
 * A table: cells are added row by row, then printed with every column as wide
 * as its widest cell. What would upset a terminal is escaped.
 */
struct ctl_table;
struct ctl_table *ctl_table_new(unsigned columns);
void ctl_table_add(struct ctl_table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Print, and free. */
void ctl_table_print(struct ctl_table *table);

/* Escape what is no printable ASCII as \DDD, in a static buffer of its own
 * until the next call. */
const char *ctl_safe(const char *text);
