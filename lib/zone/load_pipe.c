/*
 * load_pipe.c - records, copied into blocks, go from one thread to another.
 *
 *	reading thread: master_file_read -> put() -> block, block, ...
 *	caller's thread:		    take() <- in the same order
 *
 * A block is handed over when it is full, so that the lock is taken once for
 * some thousand records. The file's name goes along when it changes. A record
 * that the taker refuses ends the reading at the next block; what was read
 * beyond it is forgotten, so the error is that of the record refused.
 */
#include "lib/zone/load_pipe.h"

#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BLOCKS = 4,
	BLOCK_SIZE = 256 << 10,
	ENTRY_ALIGN = 8,
	PATH_SIZE = sizeof(((struct master_file_error *)0)->file),
};

/* What stands before the octets of a record: its owner, then its RDATA. */
struct entry {
	uint32_t size; /* of all, a multiple of ENTRY_ALIGN */
	uint32_t ttl;
	uint64_t line;
	uint16_t type;
	uint16_t rrclass;
	uint16_t rdata_size;
	bool is_file; /* no record: the name of the file of those that follow */
};

struct block {
	size_t size;
	_Alignas(ENTRY_ALIGN) uint8_t octets[BLOCK_SIZE];
};

struct load_pipe {
	const char *path;
	const struct master_file_options *options; /* the taker's */

	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned filled; /* blocks handed over, counted from the start; lock */
	unsigned taken;  /* blocks given back, likewise; lock */
	bool has_ended;  /* all that was read is handed over; lock */
	bool is_abandoned; /* the taker wants no more; lock */

	/* The reader's until it has ended. */
	char put_path[PATH_SIZE];
	bool has_path;
	enum status status;
	struct master_file_error error;

	/* The taker's. */
	char take_path[PATH_SIZE];

	struct block blocks[BLOCKS];
};

static size_t aligned(size_t size)
{
	return (size + ENTRY_ALIGN - 1) / ENTRY_ALIGN * ENTRY_ALIGN;
}

/* --- the reading thread --------------------------------------------------- */

static struct block *put_block(struct load_pipe *pipe)
{
	/* filled is changed by this thread only. */
	return &pipe->blocks[pipe->filled % BLOCKS];
}

/* Hand the block over and wait for another one; false: no more is wanted. */
static bool hand_over(struct load_pipe *pipe)
{
	bool is_abandoned;

	pthread_mutex_lock(&pipe->lock);
	pipe->filled++;
	pthread_cond_signal(&pipe->changed);
	while (pipe->filled - pipe->taken == BLOCKS && !pipe->is_abandoned) {
		pthread_cond_wait(&pipe->changed, &pipe->lock);
	}
	is_abandoned = pipe->is_abandoned;
	pthread_mutex_unlock(&pipe->lock);
	put_block(pipe)->size = 0;
	return !is_abandoned;
}

/* Room for an entry with size octets behind it; NULL: no more is wanted. */
static struct entry *put_entry(struct load_pipe *pipe, size_t size)
{
	struct block *block = put_block(pipe);
	struct entry *entry;

	size = aligned(sizeof(*entry) + size);
	assert(size <= BLOCK_SIZE);
	if (BLOCK_SIZE - block->size < size) {
		if (!hand_over(pipe)) {
			return NULL;
		}
		block = put_block(pipe);
	}
	entry = (struct entry *)(void *)(block->octets + block->size);
	entry->size = (uint32_t)size;
	block->size += size;
	return entry;
}

static bool put_file(struct load_pipe *pipe, const char *path)
{
	struct entry *entry;

	if (pipe->has_path && strcmp(pipe->put_path, path) == 0) {
		return true;
	}
	snprintf(pipe->put_path, sizeof(pipe->put_path), "%s", path);
	pipe->has_path = true;
	entry = put_entry(pipe, sizeof(pipe->put_path));
	if (entry == NULL) {
		return false;
	}
	entry->is_file = true;
	memcpy(entry + 1, pipe->put_path, sizeof(pipe->put_path));
	return true;
}

static enum status put(const struct master_file_record *record, void *context,
		       char *reason)
{
	struct load_pipe *pipe = context;
	size_t owner_size = dname_stored_size(record->owner);
	struct entry *entry;
	uint8_t *octets;

	(void)reason;
	/* Which status is all the same: the taker has one of its own. */
	if (!put_file(pipe, record->file)) {
		return STATUS_CHANGED;
	}
	entry = put_entry(pipe, owner_size + record->rdata_size);
	if (entry == NULL) {
		return STATUS_CHANGED;
	}
	entry->is_file = false;
	entry->ttl = record->ttl;
	entry->line = record->line;
	entry->type = record->type;
	entry->rrclass = record->rrclass;
	entry->rdata_size = (uint16_t)record->rdata_size;
	octets = (uint8_t *)(entry + 1);
	memcpy(octets, record->owner, owner_size);
	memcpy(octets + owner_size, record->rdata, record->rdata_size);
	return STATUS_OK;
}

static enum status opened(const char *path, int fd, const struct stat *st,
			  void *context)
{
	const struct master_file_options *options =
		((struct load_pipe *)context)->options;

	return options->opened != NULL
		       ? options->opened(path, fd, st, options->context)
		       : STATUS_OK;
}

static void read_all(void *argument)
{
	struct load_pipe *pipe = argument;
	struct master_file_options options = *pipe->options;

	options.record = put;
	options.opened = opened;
	options.context = pipe;
	pipe->status = master_file_read(pipe->path, &options, &pipe->error);
	pthread_mutex_lock(&pipe->lock);
	pipe->filled++;
	pipe->has_ended = true;
	pthread_cond_signal(&pipe->changed);
	pthread_mutex_unlock(&pipe->lock);
}

/* --- the taking thread ---------------------------------------------------- */

static enum status take_record(struct load_pipe *pipe,
			       const struct entry *entry,
			       struct master_file_error *error)
{
	const struct dname *owner =
		(const struct dname *)(const void *)(entry + 1);
	struct master_file_record record = {
		.owner = owner,
		.type = entry->type,
		.rrclass = entry->rrclass,
		.ttl = entry->ttl,
		.rdata = (const uint8_t *)owner + dname_stored_size(owner),
		.rdata_size = entry->rdata_size,
		.file = pipe->take_path,
		.line = entry->line,
	};
	char reason[MASTER_FILE_REASON_MAX] = "";
	enum status status =
		pipe->options->record(&record, pipe->options->context, reason);

	if (status != STATUS_OK) {
		reason[sizeof(reason) - 1] = '\0';
		memcpy(error->file, pipe->take_path, sizeof(error->file));
		error->line = record.line;
		snprintf(error->reason, sizeof(error->reason), "%s",
			 reason[0] != '\0' ? reason : status_text(status));
	}
	return status;
}

static enum status take_block(struct load_pipe *pipe, const struct block *block,
			      struct master_file_error *error)
{
	enum status status = STATUS_OK;

	for (size_t at = 0; status == STATUS_OK && at < block->size;) {
		const struct entry *entry =
			(const struct entry *)(const void *)(block->octets +
							     at);

		at += entry->size;
		if (entry->is_file) {
			memcpy(pipe->take_path, entry + 1,
			       sizeof(pipe->take_path));
		} else {
			status = take_record(pipe, entry, error);
		}
	}
	return status;
}

/* The next block that was handed over; NULL: that was the last. */
static const struct block *wait_for_block(struct load_pipe *pipe)
{
	const struct block *block = NULL;

	pthread_mutex_lock(&pipe->lock);
	while (pipe->filled == pipe->taken && !pipe->has_ended) {
		pthread_cond_wait(&pipe->changed, &pipe->lock);
	}
	if (pipe->filled != pipe->taken) {
		block = &pipe->blocks[pipe->taken % BLOCKS];
	}
	pthread_mutex_unlock(&pipe->lock);
	return block;
}

static void give_back(struct load_pipe *pipe, bool is_abandoned)
{
	pthread_mutex_lock(&pipe->lock);
	pipe->taken++;
	pipe->is_abandoned = is_abandoned;
	pthread_cond_signal(&pipe->changed);
	pthread_mutex_unlock(&pipe->lock);
}

static enum status take_all(struct load_pipe *pipe,
			    struct master_file_error *error)
{
	const struct block *block;
	enum status status = STATUS_OK;

	while (status == STATUS_OK && (block = wait_for_block(pipe)) != NULL) {
		status = take_block(pipe, block, error);
		give_back(pipe, status != STATUS_OK);
	}
	return status;
}

enum status load_pipe_read(struct load_thread *thread, const char *path,
			   const struct master_file_options *options,
			   struct master_file_error *error)
{
	struct load_pipe *pipe = NULL;
	enum status status;

	if (thread != NULL) {
		pipe = malloc(sizeof(*pipe));
	}
	if (pipe == NULL) {
		return master_file_read(path, options, error);
	}
	/* Not the blocks: they are large, and written before they are read. */
	memset(pipe, 0, offsetof(struct load_pipe, blocks));
	pipe->blocks[0].size = 0;
	pipe->path = path;
	pipe->options = options;
	pthread_mutex_init(&pipe->lock, NULL);
	pthread_cond_init(&pipe->changed, NULL);
	if (thread->run(thread, read_all, pipe)) {
		status = take_all(pipe, error);
		thread->join(thread);
		if (status == STATUS_OK) {
			status = pipe->status;
			*error = pipe->error;
		}
	} else {
		status = master_file_read(path, options, error);
	}
	pthread_cond_destroy(&pipe->changed);
	pthread_mutex_destroy(&pipe->lock);
	free(pipe);
	return status;
}
