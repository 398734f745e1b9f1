/*
 * keeper.h - keeps the overrides on the disk.
 *
 * Writing waits for the disk, which no withdrawal may do: it happens on a thread
 * of libuv's pool, the newest state last. The rest is the loop's thread.
 */
#pragma once

#include "server/route/overrides.h"

#include <stdbool.h>
#include <uv.h>

struct keeper;

/* path is copied. NULL: no memory. */
struct keeper *keeper_new(uv_loop_t *loop, const char *path);

/* Begin to write this state (copied); trouble is logged. */
void keeper_save(struct keeper *keeper, const struct overrides *overrides);

/* Is what was given to keeper_save() on the disk? True before the first. */
bool keeper_is_saved(const struct keeper *keeper);

/* Why the last write failed; "" where it did not. */
const char *keeper_error(const struct keeper *keeper);

/* What is under way is finished while the loop runs; then memory goes. */
void keeper_free(struct keeper *keeper);
