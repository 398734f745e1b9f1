/*
 * load_pipe.h - read a master file in one thread, take its records in another.
 *
 * Reading a large zone's text costs about as much as building the zone of its
 * records: side by side they take half the time. Threads are the caller's to
 * give, since this library has none.
 */
#pragma once

#include "lib/base/status.h"
#include "lib/zone/master_file.h"

#include <stdbool.h>

/* One thread beside the caller's, for the time of a load. */
struct load_thread {
	/* Run job(argument) there; false: there is none to be had now. */
	bool (*run)(struct load_thread *thread, void (*job)(void *argument),
		    void *argument);
	/* Wait until the job has ended; called once after run() was true. */
	void (*join)(struct load_thread *thread);
};

/*
 * master_file_read() with the same records in the same order and the same
 * error, whatever the threads do: options->record is called in this thread,
 * options->opened in the other one, while this one is in here. Without a thread
 * or memory for it, this one reads.
 */
must_check enum status load_pipe_read(struct load_thread *thread,
				      const char *path,
				      const struct master_file_options *options,
				      struct master_file_error *error);
