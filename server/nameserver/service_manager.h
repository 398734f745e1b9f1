/*
 * service_manager.h - what systemd wants to hear (sd_notify(3)).
 */
#pragma once

/*
 * Send state ("READY=1") to NOTIFY_SOCKET, a path or, with '@', an abstract
 * name. Nothing happens where that is not set. Never blocks; what cannot be
 * told is logged.
 */
void service_manager_tell(const char *state);
