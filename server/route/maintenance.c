#include "server/route/maintenance.h"

#include "lib/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct watched {
	char *path;
	size_t service; /* SIZE_MAX: all */
	bool is_there;
	char reason[MAINTENANCE_REASON_MAX];
	/* What the last look found; the pool's while it looks. */
	bool found;
	char found_reason[MAINTENANCE_REASON_MAX];
};

struct maintenance {
	uv_timer_t timer;
	uv_work_t work;
	struct watched *files;
	size_t count;
	void (*changed)(void *context, const char *text);
	void *context;
	bool is_busy;
	bool is_closed; /* the timer */
	bool is_ending;
};

/* Printable, words apart by one space. */
static void tidy(char reason[MAINTENANCE_REASON_MAX], const char *text,
		 size_t size)
{
	size_t at = 0;

	for (size_t i = 0; i < size && at + 2 < MAINTENANCE_REASON_MAX; i++) {
		unsigned char octet = (unsigned char)text[i];

		if (octet > 0x20 && octet != 0x7f) {
			reason[at++] = octet < 0x7f ? (char)octet : '?';
		} else if (at > 0 && reason[at - 1] != ' ') {
			reason[at++] = ' ';
		}
	}
	at -= at > 0 && reason[at - 1] == ' ';
	reason[at] = '\0';
}

bool maintenance_look(const char *path, char reason[MAINTENANCE_REASON_MAX])
{
	char text[4 * MAINTENANCE_REASON_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t size;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		return false;
	}
	size = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
	if (size < 0) {
		snprintf(reason, MAINTENANCE_REASON_MAX, "cannot be read: %s",
			 strerrordesc_np(errno));
	} else {
		tidy(reason, text, (size_t)size);
	}
	if (fd >= 0) {
		close(fd);
	}
	return true;
}

static void look(struct maintenance *maintenance)
{
	for (size_t i = 0; i < maintenance->count; i++) {
		struct watched *file = &maintenance->files[i];

		file->found_reason[0] = '\0';
		file->found = maintenance_look(file->path, file->found_reason);
	}
}

/* Take over what was found; tell where it is news. */
static void take(struct maintenance *maintenance)
{
	for (size_t i = 0; i < maintenance->count; i++) {
		struct watched *file = &maintenance->files[i];
		char text[MAINTENANCE_REASON_MAX + 640];

		if (file->found == file->is_there &&
		    (!file->found ||
		     strcmp(file->reason, file->found_reason) == 0)) {
			continue;
		}
		file->is_there = file->found;
		memcpy(file->reason, file->found_reason, sizeof(file->reason));
		snprintf(text, sizeof(text), "maintenance file %s %s%s%s",
			 file->path, file->is_there ? "is there" : "is gone",
			 file->reason[0] != '\0' ? ": " : "", file->reason);
		if (maintenance->changed != NULL) {
			maintenance->changed(maintenance->context, text);
		}
	}
}

static void free_memory(struct maintenance *maintenance)
{
	for (size_t i = 0; i < maintenance->count; i++) {
		free(maintenance->files[i].path);
	}
	free(maintenance->files);
	free(maintenance);
}

static void release(struct maintenance *maintenance)
{
	if (maintenance->is_closed && !maintenance->is_busy) {
		free_memory(maintenance);
	}
}

static void do_look(uv_work_t *work)
{
	look(work->data);
}

static void on_looked(uv_work_t *work, int status)
{
	struct maintenance *maintenance = work->data;

	maintenance->is_busy = false;
	if (maintenance->is_ending) {
		release(maintenance);
	} else if (status == 0) {
		take(maintenance);
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct maintenance *maintenance = timer->data;

	if (!maintenance->is_busy &&
	    uv_queue_work(timer->loop, &maintenance->work, do_look,
			  on_looked) == 0) {
		maintenance->is_busy = true;
	}
}

/* False: no memory. */
static bool watch(struct maintenance *maintenance, const char *path,
		  size_t service)
{
	struct watched *file = &maintenance->files[maintenance->count];

	if (path == NULL) {
		return true;
	}
	file->path = strdup(path);
	file->service = service;
	maintenance->count++;
	return file->path != NULL;
}

struct maintenance *
maintenance_new(uv_loop_t *loop, const struct config_route *config,
		void (*changed)(void *context, const char *text), void *context)
{
	struct maintenance *maintenance = calloc(1, sizeof(*maintenance));
	bool good;

	if (maintenance == NULL) {
		return NULL;
	}
	maintenance->files =
		calloc(config->service_count + 1, sizeof(*maintenance->files));
	if (maintenance->files == NULL) {
		free(maintenance);
		return NULL;
	}
	good = watch(maintenance, config->maintenance_file, SIZE_MAX);
	for (size_t i = 0; good && i < config->service_count; i++) {
		good = watch(maintenance, config->services[i].maintenance_file,
			     i);
	}
	if (!good) {
		free_memory(maintenance);
		return NULL;
	}
	look(maintenance);
	for (size_t i = 0; i < maintenance->count; i++) {
		struct watched *file = &maintenance->files[i];

		file->is_there = file->found;
		memcpy(file->reason, file->found_reason, sizeof(file->reason));
		if (file->is_there) {
			log_warning("maintenance file %s is there%s%s",
				    file->path,
				    file->reason[0] != '\0' ? ": " : "",
				    file->reason);
		}
	}
	maintenance->changed = changed;
	maintenance->context = context;
	uv_timer_init(loop, &maintenance->timer);
	maintenance->timer.data = maintenance;
	maintenance->work.data = maintenance;
	return maintenance;
}

void maintenance_start(struct maintenance *maintenance)
{
	if (maintenance->count > 0) {
		uv_timer_start(&maintenance->timer, on_timer, MAINTENANCE_MS,
			       MAINTENANCE_MS);
	}
}

const char *maintenance_reason(const struct maintenance *maintenance,
			       size_t service)
{
	for (size_t i = 0; i < maintenance->count; i++) {
		const struct watched *file = &maintenance->files[i];

		if (file->is_there &&
		    (file->service == SIZE_MAX || file->service == service)) {
			return file->reason;
		}
	}
	return NULL;
}

static void on_closed(uv_handle_t *handle)
{
	struct maintenance *maintenance = handle->data;

	maintenance->is_closed = true;
	release(maintenance);
}

void maintenance_free(struct maintenance *maintenance)
{
	if (maintenance != NULL) {
		maintenance->is_ending = true;
		uv_close((uv_handle_t *)&maintenance->timer, on_closed);
	}
}
