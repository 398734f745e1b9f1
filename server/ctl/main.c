/*
 * main.c - rootcastctl: what an operator types.
 */
#include "server/ctl/ctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
	"usage: rootcastctl [--socket PATH] [--json] COMMAND\n"
	"\n"
	"the nameserver:\n"
	"  status                       what it does, and whether it is well\n"
	"  zones                        every zone: state, serial, file, "
	"error\n"
	"  zone NAME                    one zone\n"
	"  reload [--force] [NAME]      read what changed; with NAME, that "
	"zone\n"
	"                               --force: read all, let lost zones go\n"
	"  stats                        counters\n"
	"  refresh NAME | retransfer NAME   (not carried out by this version)\n"
	"\n"
	"route control:\n"
	"  route status                 services, prefixes and peers\n"
	"  route drain [--reason TEXT] [TARGET]\n"
	"                               withdraw, gently; undrain takes it "
	"back\n"
	"  route disable [--reason TEXT] [TARGET]\n"
	"                               withdraw at once; a PEER's session is "
	"closed,\n"
	"                               too; enable takes it back\n"
	"  route undrain | enable [--reason TEXT] [TARGET]\n"
	"  route what-if [drain | undrain | disable | enable] [TARGET]\n"
	"                               the UPDATEs that this would send; "
	"without a\n"
	"                               command: those of sessions that come "
	"up\n"
	"  route log [--last N] [TARGET]\n"
	"                               what happened, by incident: cause, "
	"decision,\n"
	"                               UPDATE, acknowledgement, and how long "
	"each took\n"
	"  TARGET: a SERVICE, PREFIX or PEER; none: everything\n"
	"\n"
	"without a daemon:\n"
	"  checkzone [--strict] [--at TIME] [--zonemd POLICY]\n"
	"            [--trust-anchor RDATA]... FILE [ORIGIN]\n"
	"                               load a zone file and judge it; TIME,\n"
	"                               for signatures: YYYYMMDDHHMMSS or "
	"seconds\n"
	"  checkconf FILE               let both daemons check their part\n"
	"\n"
	"exit status: 0 done, 1 refused or something is wrong, 2 bad usage,\n"
	"             3 no daemon there\n";

struct command {
	const char *name;
	ctl_func run;
};

static const struct command commands[] = {
	{"status", ctl_status},       {"zones", ctl_zones},
	{"zone", ctl_zone},           {"reload", ctl_reload},
	{"stats", ctl_stats},         {"route", ctl_route},
	{"checkzone", ctl_checkzone}, {"checkconf", ctl_checkconf},
	{"refresh", ctl_later},       {"retransfer", ctl_later},
};

int ctl_usage(const char *format, ...)
{
	va_list arguments;

	fputs("rootcastctl: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputs("; 'rootcastctl --help' shows how\n", stderr);
	return CTL_USAGE;
}

int ctl_later(const struct ctl *ctl, int count, char *const *arguments)
{
	(void)ctl;
	(void)count;
	/* arguments[-1] is the command's own word. */
	fprintf(stderr,
		"rootcastctl: '%s' is not carried out by this version\n",
		arguments[-1]);
	return CTL_WRONG;
}

/* Options before the command. Returns the index of the command, or -1. */
static int read_options(struct ctl *ctl, int argc, char **argv)
{
	int at = 1;

	for (; at < argc && argv[at][0] == '-'; at++) {
		if (strcmp(argv[at], "--json") == 0) {
			ctl->json = true;
		} else if (strcmp(argv[at], "--socket") == 0 && at + 1 < argc) {
			ctl->socket = argv[++at];
		} else if (strncmp(argv[at], "--socket=", 9) == 0) {
			ctl->socket = argv[at] + 9;
		} else {
			ctl_usage("unknown or incomplete option '%s'",
				  argv[at]);
			return -1;
		}
	}
	if (at == argc) {
		ctl_usage("no command");
		return -1;
	}
	return at;
}

int main(int argc, char **argv)
{
	struct ctl ctl = {.program = argv[0]};
	int at;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0) {
			fputs(usage, stdout);
			return CTL_DONE;
		}
		if (strcmp(argv[i], "--version") == 0) {
			puts("rootcastctl " ROOTCAST_VERSION);
			return CTL_DONE;
		}
	}
	at = read_options(&ctl, argc, argv);
	if (at < 0) {
		return CTL_USAGE;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[at], commands[i].name) == 0) {
			int status = commands[i].run(&ctl, argc - at - 1,
						     argv + at + 1);

			if (fflush(stdout) != 0) {
				perror("rootcastctl: standard output");
				return CTL_WRONG;
			}
			return status;
		}
	}
	return ctl_usage("unknown command '%s'", argv[at]);
}
