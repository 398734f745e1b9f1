/*
 * checkzone.c - load a zone file as the nameserver would, and judge it.
 */
#include "server/ctl/ctl.h"

#include "lib/dns/dname.h"
#include "lib/dns/rrtype.h"
#include "lib/zone/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	ANCHORS_MAX = 16,
};

struct findings {
	json_t *list;
	const char *path;
	size_t told;
	bool is_shown;
	bool is_strict;
};

/* RFC 3339: 2026-08-01T12:00:00Z, or with a fraction, or ahead of UTC. */
static bool read_date(const char *text, int64_t *out)
{
	struct tm utc = {0};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
	long ahead = 0;

	if (end == NULL) {
		utc = (struct tm){0};
		end = strptime(text, "%Y-%m-%d", &utc);
		if (end == NULL || *end != '\0') {
			return false;
		}
		*out = timegm(&utc);
		return *out >= 0;
	}
	if (*end == '.') {
		end++;
		end += strspn(end, "0123456789");
	}
	if (*end == '+' || *end == '-') {
		unsigned hours;
		unsigned minutes;
		int length = 0;

		if (sscanf(end + 1, "%2u:%2u%n", &hours, &minutes, &length) !=
			    2 ||
		    length != 5 || hours > 23 || minutes > 59) {
			return false;
		}
		ahead = (long)(hours * 3600 + minutes * 60);
		ahead = *end == '-' ? -ahead : ahead;
		end += 6;
	} else if (*end++ != 'Z') {
		return false;
	}
	*out = timegm(&utc) - ahead;
	return *end == '\0' && *out >= 0;
}

/* That, YYYYMMDDHHMMSS (RFC 4034 3.2), or seconds since 1970; UTC. */
static bool read_time(const char *text, int64_t *out)
{
	size_t digits = strspn(text, "0123456789");
	struct tm utc = {0};
	char *end;
	long long value;

	if (text[digits] == '-') {
		return read_date(text, out);
	}
	if (text[digits] != '\0' || digits == 0 || digits > 14) {
		return false;
	}
	if (digits == 14) {
		end = strptime(text, "%Y%m%d%H%M%S", &utc);
		if (end == NULL || *end != '\0') {
			return false;
		}
		*out = timegm(&utc);
		return *out >= 0;
	}
	value = strtoll(text, NULL, 10);
	*out = value;
	return true;
}

/* What the file is named for: 'root.zone' is '.'. */
static enum status origin_of(const char *path, struct dname_storage *out)
{
	const char *name = strrchr(path, '/');
	size_t length;

	name = name != NULL ? name + 1 : path;
	length = strlen(name);
	if (length > 5 && strcmp(name + length - 5, ".zone") == 0) {
		length -= 5;
	}
	if (length == 4 && memcmp(name, "root", 4) == 0) {
		dname_copy(out, dname_root);
		return STATUS_OK;
	}
	return dname_load(out, name, length, dname_root);
}

static void show_finding(const struct zone_finding *finding, const char *file,
			 const char *owner, bool is_error)
{
	/* ctl_safe() has one buffer. */
	printf("%s:", ctl_safe(file));
	if (finding->line > 0) {
		printf("%lu:", finding->line);
	}
	printf(" %s: ", is_error ? "error" : "warning");
	if (finding->owner != NULL) {
		char type[RRTYPE_TEXT_MAX] = "";

		if (finding->type != 0) {
			rrtype_dump(finding->type, type);
		}
		printf("%s%s%s: ", ctl_safe(owner), type[0] != '\0' ? " " : "",
		       type);
	}
	printf("%s\n", ctl_safe(finding->text));
}

static void note_finding(const struct zone_finding *finding, void *context)
{
	struct findings *findings = context;
	bool is_error =
		finding->severity == ZONE_CHECK_ERROR || findings->is_strict;
	const char *file =
		finding->file != NULL ? finding->file : findings->path;
	char owner[DNAME_TEXT_MAX] = "";
	char type[RRTYPE_TEXT_MAX];
	json_t *entry = json_object();

	if (finding->owner != NULL) {
		dname_dump(finding->owner, owner);
	}
	json_object_set_new(entry, "severity",
			    json_string(is_error ? "error" : "warning"));
	json_object_set_new(entry, "file", json_string(ctl_safe(file)));
	json_object_set_new(entry, "line",
			    json_integer((json_int_t)finding->line));
	json_object_set_new(entry, "owner",
			    finding->owner != NULL ? json_string(owner)
						   : json_null());
	json_object_set_new(entry, "type",
			    finding->type != 0 ? json_string(rrtype_dump(
							 finding->type, type))
					       : json_null());
	json_object_set_new(entry, "text", json_string(finding->text));
	json_array_append_new(findings->list, entry);
	findings->told++;
	if (findings->is_shown) {
		show_finding(finding, file, owner, is_error);
	}
}

static const char *zonemd_text(enum zonemd_state state)
{
	switch (state) {
	case ZONEMD_DIGEST:
		return "digest verified";
	case ZONEMD_SIGNATURE:
		return "digest and signatures verified";
	default:
		return zonemd_state_text(state);
	}
}

static void show_result(const struct ctl *ctl, const char *path,
			const struct zone_load *load, enum status status,
			json_t *findings, bool is_good)
{
	char name[DNAME_TEXT_MAX] = "";
	json_t *document = json_object();
	const char *reason = load->error.reason[0] != '\0'
				     ? load->error.reason
				     : status_text(status);
	const char *file =
		load->error.file[0] != '\0' ? load->error.file : path;

	if (status == STATUS_OK) {
		dname_dump(zone_version_apex(load->version), name);
	}
	if (!ctl->json && status == STATUS_OK) {
		printf("zone '%s': serial %u, %zu records, zonemd: %s, %zu "
		       "warnings: %s\n",
		       ctl_safe(name), zone_version_serial(load->version),
		       load->records, zonemd_text(load->zonemd), load->warnings,
		       is_good ? "good" : "not good");
		if (load->zonemd_reason[0] != '\0') {
			printf("zone '%s': %s\n", ctl_safe(name),
			       load->zonemd_reason);
		}
	} else if (!ctl->json) {
		fprintf(stderr, "%s:", ctl_safe(file));
		if (load->error.line > 0) {
			fprintf(stderr, "%lu:", load->error.line);
		}
		fprintf(stderr, " error: %s\n", ctl_safe(reason));
	}
	json_object_set_new(document, "ok", json_boolean(is_good));
	json_object_set_new(document, "file", json_string(ctl_safe(path)));
	json_object_set_new(document, "findings", json_incref(findings));
	if (status == STATUS_OK) {
		json_object_set_new(document, "name", json_string(name));
		json_object_set_new(
			document, "serial",
			json_integer(zone_version_serial(load->version)));
		json_object_set_new(document, "records",
				    json_integer((json_int_t)load->records));
		json_object_set_new(
			document, "zonemd",
			json_string(zonemd_state_text(load->zonemd)));
		json_object_set_new(document, "zonemd_reason",
				    load->zonemd_reason[0] != '\0'
					    ? json_string(load->zonemd_reason)
					    : json_null());
		json_object_set_new(document, "warnings",
				    json_integer((json_int_t)load->warnings));
		json_object_set_new(document, "error", json_null());
	} else {
		json_t *error = json_object();

		json_object_set_new(error, "file", json_string(ctl_safe(file)));
		json_object_set_new(error, "line",
				    json_integer((json_int_t)load->error.line));
		json_object_set_new(error, "reason",
				    json_string(ctl_safe(reason)));
		json_object_set_new(document, "error", error);
	}
	if (ctl->json) {
		ctl_print(document);
	}
	json_decref(document);
}

static int check(const struct ctl *ctl, const char *path,
		 const struct dname *origin, int64_t at, bool is_strict,
		 const struct zonemd_rule *rule)
{
	struct findings findings = {
		.list = json_array(),
		.path = path,
		.is_shown = !ctl->json,
		.is_strict = is_strict,
	};
	struct zone_load_options options = {
		.at = at,
		.is_verifying = true,
		.finding = note_finding,
		.context = &findings,
		.default_rule = rule,
	};
	struct zone_load load;
	enum status status;
	bool is_good;

	memset(&load, 0, sizeof(load));
	status = zone_load_with(path, origin, &options, &load);
	is_good = status == STATUS_OK && (!is_strict || load.warnings == 0);
	if (!ctl->json && load.warnings > findings.told) {
		printf("%s: %zu more of them\n", ctl_safe(path),
		       load.warnings - findings.told);
	}
	show_result(ctl, path, &load, status, findings.list, is_good);
	zone_load_fini(&load);
	json_decref(findings.list);
	return is_good ? CTL_DONE : CTL_WRONG;
}

/* One more of --trust-anchor; 0, or the exit status of what is wrong. */
static int add_anchor(const char *text, struct zonemd_rule *rule)
{
	char reason[TRUST_ANCHOR_REASON_MAX];

	if (rule->anchor_count == ANCHORS_MAX) {
		return ctl_usage("more than %d trust anchors", ANCHORS_MAX);
	}
	if (trust_anchor_load(&rule->anchors[rule->anchor_count], text,
			      reason) != STATUS_OK) {
		return ctl_usage("--trust-anchor '%s': %s", text, reason);
	}
	rule->anchor_count++;
	return 0;
}

int ctl_checkzone(const struct ctl *ctl, int count, char *const *arguments)
{
	struct trust_anchor anchors[ANCHORS_MAX];
	struct zonemd_rule rule = {
		.policy = ZONEMD_POLICY_CHECK,
		.anchors = anchors,
	};
	struct dname_storage origin;
	int64_t at = time(NULL);
	bool is_strict = false;
	int first = 0;

	for (; first < count && arguments[first][0] == '-'; first++) {
		if (strcmp(arguments[first], "--strict") == 0) {
			is_strict = true;
		} else if (strcmp(arguments[first], "--at") == 0 &&
			   first + 1 < count) {
			if (!read_time(arguments[++first], &at)) {
				return ctl_usage("'%s' is no time",
						 arguments[first]);
			}
		} else if (strcmp(arguments[first], "--zonemd") == 0 &&
			   first + 1 < count) {
			if (!zonemd_policy_load(&rule.policy,
						arguments[++first])) {
				return ctl_usage("--zonemd takes 'ignore', "
						 "'check' or 'require'");
			}
		} else if (strcmp(arguments[first], "--trust-anchor") == 0 &&
			   first + 1 < count) {
			int wrong = add_anchor(arguments[++first], &rule);

			if (wrong != 0) {
				return wrong;
			}
		} else {
			return ctl_usage("unknown or incomplete option '%s'",
					 arguments[first]);
		}
	}
	if (count - first < 1 || count - first > 2) {
		return ctl_usage("'checkzone' takes FILE [ORIGIN]");
	}
	if (count - first == 2) {
		if (dname_load(&origin, arguments[first + 1],
			       strlen(arguments[first + 1]),
			       dname_root) != STATUS_OK) {
			return ctl_usage("'%s' is no domain name",
					 arguments[first + 1]);
		}
	} else if (origin_of(arguments[first], &origin) != STATUS_OK) {
		return ctl_usage("the file's name is no domain name: give "
				 "ORIGIN");
	}
	return check(ctl, arguments[first], dname_of(&origin), at, is_strict,
		     &rule);
}
