#include "lib/answer/answer_query.h"

#include "lib/answer/answer.h"
#include "lib/answer/chaos.h"
#include "lib/answer/compiled.h"
#include "lib/answer/query.h"
#include "lib/answer/reply.h"
#include "lib/dns/message.h"
#include "lib/dns/rrtype.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	NSID_MAX = 255,
	KEEPALIVE_UNIT_MS = 100, /* RFC 7828 3.1 */
	CACHE_LINE = 64,
	PREFETCH_REPLY = 15 * CACHE_LINE,
};

/* A query on its way. */
struct slot {
	bool is_query;
	bool is_sought; /* found is filled */
	bool has_key;   /* and key */
	struct query query;
	struct answer_found found;
	struct compiled_key key;
	struct lookup_path path;
};

struct answer_context {
	const struct zone_set *set;
	struct chaos *chaos;
	struct reply_writer *writer;
	struct compiled_table *table; /* or NULL */
	struct reply_edns edns;
	struct slot slots[ANSWER_GROUP];
	struct answer answer;
	/* Where replies are compiled. */
	struct reply_recording recording;
	uint8_t message[COMPILED_MESSAGE_MAX];
};

static uint16_t keepalive_of(unsigned idle_ms)
{
	unsigned units = idle_ms / KEEPALIVE_UNIT_MS;

	return units < UINT16_MAX ? (uint16_t)units : UINT16_MAX;
}

struct answer_context *
answer_context_new(const struct answer_identity *identity,
		   const struct zone_set *set)
{
	struct answer_context *context = calloc(1, sizeof(*context));

	if (context == NULL) {
		return NULL;
	}
	context->set = set;
	context->chaos = chaos_new(identity->name, identity->version);
	context->writer = reply_writer_new();
	if (identity->compiled_budget > 0) {
		context->table = compiled_table_new(identity->compiled_budget);
	}
	if (context->chaos == NULL || context->writer == NULL ||
	    (identity->compiled_budget > 0 && context->table == NULL)) {
		answer_context_free(context);
		return NULL;
	}
	context->edns.udp_payload = identity->udp_payload;
	context->edns.report_agent = identity->report_agent;
	context->edns.keepalive = keepalive_of(identity->tcp_idle_ms);
	if (identity->name != NULL && identity->name[0] != '\0') {
		size_t size = strlen(identity->name);

		context->edns.nsid = (const uint8_t *)identity->name;
		context->edns.nsid_size = size < NSID_MAX ? size : NSID_MAX;
	}
	return context;
}

void answer_context_free(struct answer_context *context)
{
	if (context != NULL) {
		chaos_free(context->chaos);
		reply_writer_free(context->writer);
		compiled_table_free(context->table);
		free(context);
	}
}

static size_t size_lesser(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* RFC 6891 6.2.5: the client's payload and ours bound a reply over UDP. */
static size_t reply_limit(const struct answer_context *context,
			  const struct query *query,
			  enum answer_transport transport, size_t room)
{
	size_t limit = MESSAGE_MAX;

	if (transport == ANSWER_UDP) {
		limit = size_lesser(query->udp_payload,
				    context->edns.udp_payload);
		/* A payload of ours below 512 would leave no room to say so. */
		if (limit < MESSAGE_UDP_PLAIN_MAX) {
			limit = MESSAGE_UDP_PLAIN_MAX;
		}
	}
	return size_lesser(limit, room);
}

/*
 * RFC 7828 3.3.1: over UDP the option is not there for us, whatever is in it.
 */
static void judge_keepalive(struct query *query,
			    enum answer_transport transport)
{
	if (transport == ANSWER_UDP) {
		query->wants_keepalive = false;
	} else if (query->has_bad_keepalive && query->rcode == RCODE_NOERROR) {
		query->rcode = RCODE_FORMERR;
	}
}

/* What is not sought in zones. */
static void choose(struct answer_context *context, const struct query *query,
		   enum answer_transport transport, size_t limit)
{
	struct answer *answer = &context->answer;

	if (query->rcode == RCODE_REFUSED) { /* a NOTIFY */
		answer_refuse(query, context->set, answer);
		return;
	}
	if (query->rcode != RCODE_NOERROR) {
		answer_fail(answer, query->rcode,
			    query->rcode == RCODE_NOTIMP ? EDE_NOT_SUPPORTED
							 : -1);
		return;
	}
	switch (query->qclass) {
	case RRCLASS_IN:
	case RRCLASS_ANY:
		answer_choose(query, context->set, limit,
			      transport == ANSWER_TCP, answer);
		break;
	case RRCLASS_CH:
		chaos_choose(context->chaos, query, answer);
		break;
	default:
		answer_fail(answer, RCODE_REFUSED, EDE_NOT_AUTHORITATIVE);
		break;
	}
}

/*
 * Compile the reply that was found: chosen without a limit, so that every limit
 * can be had of it.
 */
static const struct compiled *compile(struct answer_context *context,
				      const struct slot *slot)
{
	const struct query *query = &slot->query;
	struct answer *answer = &context->answer;
	size_t size = MESSAGE_HEADER_SIZE + (size_t)query->question_size +
		      COMPILED_SIZE_MAX;
	bool is_good;

	answer_choose_found(query, context->set, &slot->found, MESSAGE_MAX,
			    false, answer);
	is_good = !answer->is_truncated &&
		  reply_record(context->writer, query, answer, context->message,
			       size, &context->recording);
	return compiled_add(context->table, &slot->key, answer,
			    context->message, query->qname.length,
			    is_good ? &context->recording : NULL);
}

/* The compiled reply to the query, or NULL. */
static const struct compiled *find_compiled(struct answer_context *context,
					    const struct slot *slot)
{
	struct compiled_table *table = context->table;
	const struct compiled *compiled;

	if (!slot->has_key) {
		return NULL;
	}
	compiled = compiled_find(table, &slot->key);
	if (compiled == NULL && compiled_is_wanted(table, &slot->key)) {
		compiled = compile(context, slot);
	}
	return compiled != NULL && compiled_is_good(compiled) ? compiled : NULL;
}

/* Is it a question that zones are sought for? */
static bool is_for_zones(const struct query *query)
{
	return query->rcode == RCODE_NOERROR && query->qclass == RRCLASS_IN &&
	       answer_is_sought(query->qtype);
}

/* Read the query, and set out for what there is for it. */
static void begin(struct answer_context *context, struct slot *slot,
		  enum answer_transport transport, const uint8_t *query,
		  size_t size)
{
	slot->is_sought = false;
	slot->has_key = false;
	slot->is_query = query_parse(query, size, &slot->query);
	if (!slot->is_query) {
		return;
	}
	judge_keepalive(&slot->query, transport);
	slot->is_sought = is_for_zones(&slot->query);
	if (slot->is_sought) {
		answer_seek_begin(&slot->query, context->set, &slot->path,
				  &slot->found);
	}
}

static void look(struct answer_context *context, struct slot *slot)
{
	if (!slot->is_sought) {
		return;
	}
	answer_seek_end(&slot->query, &slot->path, &slot->found);
	slot->has_key =
		context->table != NULL &&
		compiled_key_init(&slot->key, &slot->query, &slot->found);
}

/* Write the reply, and say what it was. */
static size_t finish(struct answer_context *context, const struct slot *slot,
		     enum answer_transport transport, uint8_t *reply,
		     size_t room, struct answer_note *note)
{
	const struct query *query = &slot->query;
	struct answer *answer = &context->answer;
	const struct compiled *compiled = find_compiled(context, slot);
	size_t limit = reply_limit(context, query, transport, room);
	size_t size;
	bool is_truncated;

	if (compiled != NULL) {
		answer_begin(query, &slot->found, answer);
		compiled_head(compiled, answer);
		size = reply_write_compiled(context->writer, compiled, query,
					    answer, &context->edns, reply,
					    limit, &is_truncated, &note->known);
	} else {
		note->known.size = 0;
		if (slot->is_sought) {
			answer_choose_found(query, context->set, &slot->found,
					    limit, transport == ANSWER_TCP,
					    answer);
		} else {
			choose(context, query, transport, limit);
		}
		size = reply_write(context->writer, query, answer,
				   &context->edns, reply, limit, &is_truncated);
	}
	note->rcode = answer->rcode;
	note->qtype = query->qtype;
	note->is_truncated = is_truncated;
	note->is_delegation = answer->is_delegation;
	note->is_compiled = compiled != NULL;
	note->zone = answer->zone;
	return size;
}

size_t answer_query(struct answer_context *context,
		    enum answer_transport transport, const uint8_t *query,
		    size_t query_size, uint8_t *reply, size_t reply_room,
		    struct answer_note *note)
{
	struct slot *slot = &context->slots[0];

	assert(reply_room >= MESSAGE_UDP_PLAIN_MAX);
	begin(context, slot, transport, query, query_size);
	look(context, slot);
	return slot->is_query ? finish(context, slot, transport, reply,
				       reply_room, note)
			      : 0;
}

/* Where the reply will be written: as much as most take, and all have. */
static void prefetch_room(const uint8_t *reply)
{
	for (unsigned at = 0; at < PREFETCH_REPLY; at += CACHE_LINE) {
		__builtin_prefetch(reply + at, 1);
	}
}

static void answer_group(struct answer_context *context,
			 enum answer_transport transport,
			 struct answer_task *tasks, size_t count)
{
	struct slot *slots = context->slots;

	for (size_t i = 0; i < count; i++) {
		begin(context, &slots[i], transport, tasks[i].query,
		      tasks[i].query_size);
	}
	for (size_t i = 0; i < count; i++) {
		look(context, &slots[i]);
		if (slots[i].has_key) {
			compiled_prefetch_index(context->table, &slots[i].key);
		}
	}
	for (size_t i = 0; i < count; i++) {
		if (slots[i].has_key) {
			compiled_prefetch(context->table, &slots[i].key);
			prefetch_room(tasks[i].reply);
		}
	}
	for (size_t i = 0; i < count; i++) {
		struct answer_task *task = &tasks[i];

		assert(task->reply_room >= MESSAGE_UDP_PLAIN_MAX);
		task->reply_size =
			slots[i].is_query
				? finish(context, &slots[i], transport,
					 task->reply, task->reply_room,
					 &task->note)
				: 0;
	}
}

void answer_queries(struct answer_context *context,
		    enum answer_transport transport, struct answer_task *tasks,
		    size_t count)
{
	for (size_t at = 0; at < count; at += ANSWER_GROUP) {
		answer_group(context, transport, tasks + at,
			     size_lesser(count - at, ANSWER_GROUP));
	}
}
