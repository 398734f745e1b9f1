/*
 * control_answers.h - answers of the control socket that have files of their own.
 *
 * Each takes the request's document and returns the reply, a new reference; NULL
 * when there is no memory. The loop's thread.
 */
#pragma once

#include <jansson.h>

struct decider;

/* {"ok": false, "error": ...} */
json_t *control_refuse(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* 'route-log' {"target"?, "last"?}: what happened (control_log.c). */
json_t *control_log_answer(struct decider *decider, const json_t *request);

/*
 * 'route-what-if' {"action"?, "target"?}: the UPDATEs that a command would lead
 * to; without an action, those of a session that comes up
 * (control_what_if.c).
 */
json_t *control_what_if_answer(struct decider *decider, const json_t *request);
