/*
 * wire.h - the cursors through which network bytes are read and written.
 *
 * A cursor remembers its first error: read or write a group, check once.
 * After an error reads give 0 (or NULL) and writes do nothing. No call can move
 * beyond the end it was given. The bytes stay the caller's; one thread a
 * cursor.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct wire_reader {
	const uint8_t *start;
	const uint8_t *at;
	const uint8_t *end;
	bool failed;
};

struct wire_writer {
	uint8_t *start;
	uint8_t *at;
	uint8_t *end;
	bool failed;
};

static inline uint16_t wire_get16(const uint8_t *p)
{
	return (uint16_t)((p[0] << 8) | p[1]);
}

static inline uint32_t wire_get32(const uint8_t *p)
{
	return ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) |
	       ((uint32_t)p[2] << 8) | p[3];
}

static inline void wire_put16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static inline void wire_put32(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 24);
	p[1] = (uint8_t)(value >> 16);
	p[2] = (uint8_t)(value >> 8);
	p[3] = (uint8_t)value;
}

static inline struct wire_reader wire_reader_init(const void *data, size_t size)
{
	const uint8_t *start = data;

	return (struct wire_reader){start, start, start + size, false};
}

static inline size_t wire_left(const struct wire_reader *r)
{
	return (size_t)(r->end - r->at);
}

static inline size_t wire_offset(const struct wire_reader *r)
{
	return (size_t)(r->at - r->start);
}

/* Take size octets: a pointer to them, or NULL when fewer are left. */
static inline const uint8_t *wire_read(struct wire_reader *r, size_t size)
{
	const uint8_t *at = r->at;

	if (r->failed || size > wire_left(r)) {
		r->failed = true;
		return NULL;
	}
	r->at += size;
	return at;
}

static inline uint8_t wire_read8(struct wire_reader *r)
{
	const uint8_t *p = wire_read(r, 1);

	return p != NULL ? *p : 0;
}

static inline uint16_t wire_read16(struct wire_reader *r)
{
	const uint8_t *p = wire_read(r, 2);

	return p != NULL ? wire_get16(p) : 0;
}

static inline uint32_t wire_read32(struct wire_reader *r)
{
	const uint8_t *p = wire_read(r, 4);

	return p != NULL ? wire_get32(p) : 0;
}

/* A cursor over the next size octets; it has failed where fewer are left. */
static inline struct wire_reader wire_read_sub(struct wire_reader *r,
					       size_t size)
{
	const uint8_t *p = wire_read(r, size);
	struct wire_reader sub = {p, p, p, p == NULL};

	if (p != NULL) {
		sub.end = p + size;
	}
	return sub;
}

static inline struct wire_writer wire_writer_init(void *data, size_t size)
{
	uint8_t *start = data;

	return (struct wire_writer){start, start, start + size, false};
}

static inline size_t wire_room(const struct wire_writer *w)
{
	return (size_t)(w->end - w->at);
}

static inline size_t wire_size(const struct wire_writer *w)
{
	return (size_t)(w->at - w->start);
}

/*
 * Claim size octets to be filled by the caller, or NULL when there is no room.
 */
static inline uint8_t *wire_claim(struct wire_writer *w, size_t size)
{
	uint8_t *at = w->at;

	if (w->failed || size > wire_room(w)) {
		w->failed = true;
		return NULL;
	}
	w->at += size;
	return at;
}

static inline void wire_write(struct wire_writer *w, const void *data,
			      size_t size)
{
	uint8_t *p = wire_claim(w, size);

	if (p != NULL && size > 0) {
		memcpy(p, data, size);
	}
}

static inline void wire_write8(struct wire_writer *w, uint8_t value)
{
	uint8_t *p = wire_claim(w, 1);

	if (p != NULL) {
		*p = value;
	}
}

static inline void wire_write16(struct wire_writer *w, uint16_t value)
{
	uint8_t *p = wire_claim(w, 2);

	if (p != NULL) {
		wire_put16(p, value);
	}
}

static inline void wire_write32(struct wire_writer *w, uint32_t value)
{
	uint8_t *p = wire_claim(w, 4);

	if (p != NULL) {
		wire_put32(p, value);
	}
}
