/*
 * main.c - rootcastd: an authoritative nameserver that answers from memory.
 */
#include "lib/base/log.h"
#include "server/nameserver/config.h"
#include "server/nameserver/privileges.h"
#include "server/nameserver/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	EXIT_BAD_USAGE = 2,
};

/* What reading the configuration alone cannot tell. */
static int check(const struct config *config)
{
	if (config->user != NULL && !privileges_user_exists(config->user)) {
		log_error("user '%s': no such user", config->user);
		return EXIT_BAD_USAGE;
	}
	if (access(config->zones, R_OK | X_OK) != 0) {
		log_error("zones '%s': cannot be read", config->zones);
		return EXIT_BAD_USAGE;
	}
	printf("the configuration is good\n");
	return EXIT_SUCCESS;
}

static int act(const struct config *config, enum config_action action)
{
	switch (action) {
	case CONFIG_RUN:
		return server_run(config);
	case CONFIG_CHECK:
		return check(config);
	case CONFIG_VERSION:
		printf("rootcastd %s\n", ROOTCAST_VERSION);
		return EXIT_SUCCESS;
	case CONFIG_HELP:
		fputs(config_usage, stdout);
		return EXIT_SUCCESS;
	}
	return EXIT_BAD_USAGE;
}

int main(int argc, char **argv)
{
	char error[CONFIG_ERROR_MAX];
	enum config_action action;
	struct config config;
	int result;

	log_init("rootcastd", LOG_LEVEL_INFO);
	config_init(&config);
	if (config_load(&config, argc, argv, &action, error) != STATUS_OK) {
		log_error("%s", error);
		config_fini(&config);
		return EXIT_BAD_USAGE;
	}
	result = act(&config, action);
	config_fini(&config);
	return result;
}
