/*
 * speaker_socket.h - TCP sockets as BGP wants them.
 *
 * Non-blocking, close-on-exec, without Nagle's delay, DSCP CS6; with source
 * address, TTL or GTSM (RFC 5082) and TCP-MD5 (RFC 2385) as the peer's
 * configuration says, all set before the first segment leaves.
 */
#pragma once

#include "server/route/speaker.h"

#include <stdbool.h>

/*
 * Begin to connect. The descriptor, or -1 with errno and, in *what, what could
 * not be done ('cannot bind to its source'). Static text.
 */
int speaker_socket_connect(const struct speaker_peer *peer, bool is_internal,
			   const char **what);

/* A listening socket for passive peers; the same errors. */
int speaker_socket_listen(const struct address *address, const char **what);

/* Let a listener take the peer's TCP-MD5 key; true where it has none. */
bool speaker_socket_set_key(int fd, const struct speaker_peer *peer);

/* Give an accepted socket the peer's options. */
bool speaker_socket_adopt(int fd, const struct speaker_peer *peer,
			  bool is_internal);

/* Octets written that the peer's TCP has not acknowledged. */
size_t speaker_socket_unacknowledged(int fd);

/* Close with RST: the peer's side must know at once, whatever it has read. */
void speaker_socket_reset(int fd);
