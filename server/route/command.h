/*
 * command.h - external commands as probes.
 *
 * Each is started every interval_ms, from start to start, by itself, and is good
 * when it exits with status 0 in time. One that has not ended after timeout_ms
 * was bad there and then; it and its children are killed, and not waited for.
 * Standard input, output and error are /dev/null.
 *
 * Lives on the loop's thread; nothing here blocks.
 */
#pragma once

#include "server/route/config_route.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct commands;

enum {
	COMMAND_REASON_MAX = 128,
};

/* Called from the loop, once a run. reason: "" where it was good. */
typedef void (*command_func)(void *context, size_t command, bool is_good,
			     const char *reason);

/* list outlives the commands. NULL when there is no memory. */
struct commands *commands_new(uv_loop_t *loop,
			      const struct config_command *list, size_t count,
			      command_func func, void *context);
void commands_start(struct commands *commands);

/* Kills what runs. No callback comes afterwards; memory goes with the loop. */
void commands_free(struct commands *commands);
