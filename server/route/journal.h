/*
 * journal.h - the decider's side of the ring of events: which cause led to which
 * decision. Called by the decider where something happens; reads the decider,
 * changes nothing that a decision is made of. The loop's thread.
 */
#pragma once

#include "server/route/decider.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A probe's result, as stored; is_news: not that of the last time. */
void journal_probe(struct decider *decider, size_t target, bool is_news,
		   uint64_t now);

/* Likewise of a command that was run. */
void journal_run(struct decider *decider, size_t command, bool is_news,
		 uint64_t now);

/* The health of a prefix has changed its state. */
void journal_health(struct decider *decider, size_t prefix,
		    enum health_state before, uint64_t now);

/* A fault that other sites may share began, is acted on, or is over. */
void journal_shared(struct decider *decider, size_t prefix);

/* Something that concerns all prefixes: a sign of a fault, or a good one. */
void journal_nameserver(struct decider *decider, bool is_bad, uint64_t now,
			const char *text);

/*
 * A command of the operator, or of a daemon that stops: a new incident, of the
 * prefixes and peers that target names. text: "drain dns: reason".
 */
void journal_command(struct decider *decider, const struct target *target,
		     const char *text);

/* A drain went on by itself. peer or prefix: EVENT_NONE. */
void journal_drain(struct decider *decider, size_t prefix, size_t peer,
		   const char *text);

/*
 * What is about to be offered, by the state of each prefix: to be called before
 * the offer, so that UPDATEs follow their decision.
 */
void journal_decisions(struct decider *decider);
