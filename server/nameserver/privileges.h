/*
 * privileges.h - from root to nobody in particular, for good.
 */
#pragma once

#include "lib/base/status.h"

#include <stdbool.h>

/* Is there such a user? */
bool privileges_user_exists(const char *user);

/*
 * Become user, with its groups and no capability; every thread of the process.
 * Nothing to do where we are that user already. control_path (or NULL) is given
 * to the user first. One line is logged on failure.
 */
must_check enum status privileges_drop(const char *user,
				       const char *control_path);
