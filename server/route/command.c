/*
 * command.c - see command.h.
 *
 * A command gets a session of its own, so that what it starts dies with it. The
 * verdict of one that is late does not wait for its death: a process in an
 * uninterruptible wait (a dead NFS server) would hold it up for ever. Until it is
 * gone it is not started again, and each turn counts as bad.
 */
#include "server/route/command.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct command {
	uv_timer_t turns;
	uv_timer_t limit;
	uv_process_t process;
	struct commands *owner; /* NULL: freed, only handles are left */
	const struct config_command *config;
	size_t index;
	bool is_running;  /* a process that is not reaped yet */
	bool has_verdict; /* of this run */
};

struct commands {
	struct command *list;
	size_t count;
	unsigned handles; /* open ones; freed when 0 */
	command_func func;
	void *context;
	bool is_freed;
};

static void maybe_free(struct commands *commands)
{
	if (commands->is_freed && commands->handles == 0) {
		free(commands->list);
		free(commands);
	}
}

static void tell(struct command *command, bool is_good, const char *reason)
{
	command->has_verdict = true;
	if (!command->owner->is_freed) {
		command->owner->func(command->owner->context, command->index,
				     is_good, reason);
	}
}

static void on_process_closed(uv_handle_t *handle)
{
	struct command *command = handle->data;

	command->is_running = false;
	command->owner->handles--;
	maybe_free(command->owner);
}

static void on_ended(uv_process_t *process, int64_t status, int number)
{
	struct command *command = process->data;
	char reason[COMMAND_REASON_MAX] = "";

	if (number != 0) {
		snprintf(reason, sizeof(reason), "ended by signal %d", number);
	} else if (status != 0) {
		snprintf(reason, sizeof(reason), "exit status %lld",
			 (long long)status);
	}
	uv_timer_stop(&command->limit);
	if (!command->has_verdict) {
		tell(command, reason[0] == '\0', reason);
	}
	uv_close((uv_handle_t *)process, on_process_closed);
}

/* The process and whatever it started. */
static void put_down(struct command *command)
{
	if (command->is_running && command->process.pid > 0 &&
	    kill(-command->process.pid, SIGKILL) != 0) {
		(void)uv_process_kill(&command->process, SIGKILL);
	}
}

static void on_limit(uv_timer_t *timer)
{
	struct command *command = timer->data;
	char reason[COMMAND_REASON_MAX];

	snprintf(reason, sizeof(reason), "no end after %u ms: killed",
		 command->config->timeout_ms);
	if (!command->has_verdict) {
		tell(command, false, reason);
	}
	put_down(command);
}

static void on_turn(uv_timer_t *timer)
{
	struct command *command = timer->data;
	uv_stdio_container_t none[3] = {{.flags = UV_IGNORE},
					{.flags = UV_IGNORE},
					{.flags = UV_IGNORE}};
	uv_process_options_t options = {
		.exit_cb = on_ended,
		.file = command->config->arguments[0],
		.args = command->config->arguments,
		.flags = UV_PROCESS_DETACHED,
		.stdio_count = 3,
		.stdio = none,
	};
	int error;

	if (command->is_running) {
		tell(command, false, "the last run has not ended");
		return;
	}
	command->has_verdict = false;
	command->process.data = command;
	error = uv_spawn(timer->loop, &command->process, &options);
	command->is_running = true;
	command->owner->handles++;
	if (error != 0) {
		tell(command, false, uv_strerror(error));
		uv_close((uv_handle_t *)&command->process, on_process_closed);
		return;
	}
	uv_timer_start(&command->limit, on_limit, command->config->timeout_ms,
		       0);
}

struct commands *commands_new(uv_loop_t *loop,
			      const struct config_command *list, size_t count,
			      command_func func, void *context)
{
	struct commands *commands = calloc(1, sizeof(*commands));

	if (commands == NULL) {
		return NULL;
	}
	commands->list = calloc(count + 1, sizeof(*commands->list));
	if (commands->list == NULL) {
		free(commands);
		return NULL;
	}
	commands->count = count;
	commands->func = func;
	commands->context = context;
	for (size_t i = 0; i < count; i++) {
		struct command *command = &commands->list[i];

		command->owner = commands;
		command->config = &list[i];
		command->index = i;
		uv_timer_init(loop, &command->turns);
		uv_timer_init(loop, &command->limit);
		command->turns.data = command;
		command->limit.data = command;
		commands->handles += 2;
	}
	return commands;
}

void commands_start(struct commands *commands)
{
	for (size_t i = 0; i < commands->count; i++) {
		struct command *command = &commands->list[i];

		uv_timer_start(&command->turns, on_turn, 0,
			       command->config->interval_ms);
	}
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct command *command = handle->data;

	command->owner->handles--;
	maybe_free(command->owner);
}

void commands_free(struct commands *commands)
{
	if (commands == NULL) {
		return;
	}
	commands->is_freed = true;
	for (size_t i = 0; i < commands->count; i++) {
		struct command *command = &commands->list[i];

		put_down(command);
		if (command->is_running &&
		    !uv_is_closing((uv_handle_t *)&command->process)) {
			/* The kernel reaps it: nobody is left to ask. */
			uv_close((uv_handle_t *)&command->process,
				 on_process_closed);
		}
		uv_close((uv_handle_t *)&command->turns, on_timer_closed);
		uv_close((uv_handle_t *)&command->limit, on_timer_closed);
	}
	maybe_free(commands);
}
