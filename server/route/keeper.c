#include "server/route/keeper.h"

#include "lib/base/log.h"

#include <stdlib.h>
#include <string.h>

struct keeper {
	uv_work_t work;
	uv_loop_t *loop;
	char *path;
	char *text; /* being written; the pool's while is_busy */
	size_t size;
	char *next; /* to be written then; NULL: nothing */
	size_t next_size;
	enum status status; /* of the write */
	char error[OVERRIDES_ERROR_MAX];
	char shown[OVERRIDES_ERROR_MAX]; /* of the last one; "" */
	bool is_busy;
	bool is_ending;
};

struct keeper *keeper_new(uv_loop_t *loop, const char *path)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));

	if (keeper == NULL || (keeper->path = strdup(path)) == NULL) {
		free(keeper);
		return NULL;
	}
	keeper->loop = loop;
	keeper->work.data = keeper;
	return keeper;
}

static void release(struct keeper *keeper)
{
	free(keeper->path);
	free(keeper->text);
	free(keeper->next);
	free(keeper);
}

static void do_write(uv_work_t *work)
{
	struct keeper *keeper = work->data;

	keeper->status = overrides_write_file(keeper->path, keeper->text,
					      keeper->size, keeper->error);
}

static void begin(struct keeper *keeper);

static void on_written(uv_work_t *work, int status)
{
	struct keeper *keeper = work->data;

	(void)status; /* it is never cancelled */
	keeper->is_busy = false;
	free(keeper->text);
	keeper->text = NULL;
	if (keeper->status != STATUS_OK) {
		memcpy(keeper->shown, keeper->error, sizeof(keeper->shown));
		log_error("drains and disables are not saved: %s",
			  keeper->error);
	} else {
		keeper->shown[0] = '\0';
	}
	if (keeper->next != NULL) {
		begin(keeper);
	} else if (keeper->is_ending) {
		release(keeper);
	}
}

static void begin(struct keeper *keeper)
{
	keeper->text = keeper->next;
	keeper->size = keeper->next_size;
	keeper->next = NULL;
	keeper->is_busy = true;
	/* Fails only without a function to call. */
	(void)uv_queue_work(keeper->loop, &keeper->work, do_write, on_written);
}

void keeper_save(struct keeper *keeper, const struct overrides *overrides)
{
	char *text = malloc(OVERRIDES_TEXT_MAX);

	if (text == NULL) {
		log_error("drains and disables are not saved: %s",
			  status_text(STATUS_NO_MEMORY));
		return;
	}
	free(keeper->next);
	keeper->next_size = overrides_dump(overrides, text);
	keeper->next = text;
	if (!keeper->is_busy) {
		begin(keeper);
	}
}

bool keeper_is_saved(const struct keeper *keeper)
{
	return !keeper->is_busy && keeper->shown[0] == '\0';
}

const char *keeper_error(const struct keeper *keeper)
{
	return keeper->shown;
}

void keeper_free(struct keeper *keeper)
{
	if (keeper == NULL) {
		return;
	}
	keeper->is_ending = true;
	if (!keeper->is_busy) {
		release(keeper);
	}
}
