/*
 * rdata_text.h - the text of one record, token by token, and its RDATA in wire
 * form.
 *
 * Whoever split the file into records (master_file.c) promises: quotes are
 * closed, no backslash stands last, no octet is NUL. Everything else is checked
 * here. One record at a time; any thread.
 */
#pragma once

#include "lib/base/wire.h"
#include "lib/dns/dname.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RDATA_TEXT_REASON_MAX = 256,
};

/* A word or a quoted string, without its quotes; escapes are still there. */
struct text_token {
	const char *text;
	size_t length;
	bool is_quoted;
};

struct rdata_text {
	const char *at;
	const char *end;
	const char *limit; /* octets up to here may be read; at least end */
	const struct dname *origin; /* of relative names */
	const char *fault;          /* where it went wrong; NULL: nowhere */
	char reason[RDATA_TEXT_REASON_MAX];
};

/*
 * Step over blanks, line ends, parentheses and comments, and take a token.
 * false at the end of the record.
 */
bool text_next(struct rdata_text *text, struct text_token *out);

/* Note the first fault: where, and a reason in the manner of printf. false. */
bool text_fail(struct rdata_text *text, const char *where, const char *format,
	       ...) __attribute__((format(printf, 3, 4)));

/* The same with the token, made printable, behind the reason in quotes. */
bool text_fail_token(struct rdata_text *text, const struct text_token *token,
		     const char *reason);

/* Readers of one token: false, and a fault noted, where it is malformed. */
bool text_name(struct rdata_text *text, const struct text_token *token,
	       struct dname_storage *out);
bool text_type(struct rdata_text *text, const struct text_token *token,
	       uint16_t *out);
/* Seconds, plain or with units: 1w2d3h4m5s. */
bool text_ttl(struct rdata_text *text, const struct text_token *token,
	      uint32_t *out);

enum rdata_text_result {
	RDATA_TEXT_DONE,
	RDATA_TEXT_FAILED,  /* text->fault and text->reason say why */
	RDATA_TEXT_UNKNOWN, /* no reader for this type; nothing was taken */
};

/*
 * Read all that is left of the record as RDATA of that type and write it, in
 * RFC 3597's form ('\# length hex') for any type, else in the type's own.
 * What comes out has still to pass rdata_is_valid().
 */
enum rdata_text_result rdata_text_load(struct rdata_text *text, uint16_t type,
				       struct wire_writer *out);
