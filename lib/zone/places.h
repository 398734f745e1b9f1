/*
 * places.h - findings, kept until the files have said where each one stands.
 *
 * A version knows no lines. When there is something to tell, the files are read
 * once more and each record is held against what is sought: the very record of
 * a finding, else one of its type at its name, else the first at its name.
 */
#pragma once

#include "lib/base/status.h"
#include "lib/zone/checks.h"
#include "lib/zone/master_file.h"

#include <stddef.h>

struct places;

/* Room for at most that many findings; NULL when there is no memory. */
struct places *places_new(size_t max);
void places_free(struct places *places);

/* Keep a copy; file and line of it stay as they are where file is set. A
 * record must stay valid. Beyond max nothing is kept. */
must_check enum status places_add(struct places *places,
				  const struct zone_finding *finding);

/*
 * A record of the files, in their order: a master_file_func whose context is
 * the struct places. STATUS_CLOSED once everything has been found, so that the
 * rest need not be read.
 */
enum status places_look(const struct master_file_record *record, void *context,
			char *reason);

size_t places_count(const struct places *places);
/* As kept, with file and line where they were found. Valid until freed. */
const struct zone_finding *places_get(const struct places *places,
				      size_t index);
