/*
 * chaos.h - class CH: who answers here (RFC 4892).
 */
#pragma once

#include "lib/answer/answer.h"
#include "lib/answer/query.h"

/* The two RRsets, made once from an identity; process lifetime. */
struct chaos;

/*
 * name for id.server and hostname.bind, version for version.server and
 * version.bind; NULL or "" where the question is to be refused. NULL where
 * there is no memory.
 */
struct chaos *chaos_new(const char *name, const char *version);
void chaos_free(struct chaos *chaos);

/* Choose the answer to a query of class CH: TXT or ANY of the four names. */
void chaos_choose(const struct chaos *chaos, const struct query *query,
		  struct answer *answer);
