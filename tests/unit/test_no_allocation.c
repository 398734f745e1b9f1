/*
 * test_no_allocation.c - nothing is allocated between receive and send.
 *
 * The malloc family is defined here, in the executable, so that every call of
 * every library comes through; it counts while counting is on, and forwards to
 * glibc. mmap() is counted likewise. A sanitizer brings a malloc of its own: the
 * test is skipped there.
 */
#include "tests/unit/message_builder.h"
#include "tests/unit/served.h"

#include <check.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

#ifdef HAS_SANITIZER

int main(void)
{
	puts("skipped: a sanitizer has a malloc of its own");
	return 77;
}

#else

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

/* volatile: a compiler knows malloc() and would keep these in registers. */
static volatile bool is_counting;
static volatile unsigned calls;

static void count(void)
{
	if (is_counting) {
		calls++;
	}
}

void *malloc(size_t size)
{
	count();
	return __libc_malloc(size);
}

void *calloc(size_t items, size_t size)
{
	count();
	return __libc_calloc(items, size);
}

void *realloc(void *old, size_t size)
{
	count();
	return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	count();
	return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
	count();
	*out = __libc_memalign(alignment, size);
	return *out != NULL ? 0 : 12;
}

void free(void *block)
{
	count();
	__libc_free(block);
}

void *mmap(void *address, size_t length, int protection, int flags, int fd,
	   off_t offset)
{
	count();
	return (void *)syscall(SYS_mmap, address, length, protection, flags, fd,
			       offset);
}

static const char zone_text[] = "$ORIGIN example.\n"
				"$TTL 3600\n"
				"@ SOA ns host 1 7200 3600 604800 300\n"
				"@ NS ns\n"
				"@ MX 10 mail\n"
				"ns A 192.0.2.1\n"
				"ns AAAA 2001:db8::1\n"
				"mail A 192.0.2.2\n"
				"*.wild TXT \"any\"\n"
				"alias CNAME mail\n"
				"out CNAME www.other.\n"
				"loop CNAME loop\n"
				"dn DNAME wild\n"
				"cut NS ns.cut\n"
				"ns.cut A 192.0.2.3\n"
				"a.b.ent A 192.0.2.4\n";

/* NSEC3, so that hashing is on the way too; signatures are of no matter. */
static const char nsec3_text[] =
	"$ORIGIN hashed.\n"
	"$TTL 3600\n"
	"@ SOA ns host 1 7200 3600 604800 300\n"
	"@ NS ns\n"
	"@ DNSKEY 257 3 13 "
	"p31VkU/VRhxMfYEC8p/V1dXQNwEruLNMQ2SSLyJXRZdjyFZeWdyePSm8aWrDzz0R1iSE"
	"BOSUH3musc2vYILpUA==\n"
	"@ NSEC3PARAM 1 0 5 aabb\n"
	"4jg96qs3iig2ktpr6khll0tnr06gvb69 NSEC3 1 1 5 aabb "
	"4qt9av1ojfkc1n5ac6a0f6vvijhh88sg NS SOA\n"
	"4qt9av1ojfkc1n5ac6a0f6vvijhh88sg NSEC3 1 1 5 aabb "
	"4jg96qs3iig2ktpr6khll0tnr06gvb69 A\n"
	"ns A 192.0.2.1\n"
	"cut NS ns.cut\n";

static const char *const names[] = {
	"example.",
	"mail.example.",
	"no.example.",
	"x.wild.example.",
	"alias.example.",
	"out.example.",
	"loop.example.",
	"x.dn.example.",
	"www.cut.example.",
	"b.ent.example.",
	"org.",
	"x.empty.",
	"x.hashed.",
	"www.cut.hashed.",
	"hashed.",
	"id.server.",
};

static const uint16_t types[] = {
	RRTYPE_A,  RRTYPE_NS,    RRTYPE_SOA, RRTYPE_MX,     RRTYPE_TXT,
	RRTYPE_DS, RRTYPE_RRSIG, RRTYPE_ANY, RRTYPE_DNSKEY, RRTYPE_AXFR,
};

START_TEST(no_query_allocates)
{
	static struct served s;
	static uint8_t reply[MESSAGE_MAX];
	unsigned asked = 0;
	unsigned compiled = 0;

	served_init(&s);
	ck_assert_msg(served_add_text(&s, "example.", zone_text,
				      sizeof(zone_text) - 1),
		      "%s", s.error);
	ck_assert_msg(served_add_text(&s, "hashed.", nsec3_text,
				      sizeof(nsec3_text) - 1),
		      "%s", s.error);
	ck_assert(served_add_empty(&s, "empty."));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (size_t j = 0; j < sizeof(types) / sizeof(types[0]); j++) {
			/* Each form until it is compiled, and once more. */
			for (unsigned form = 0; form < 18; form++) {
				static struct built b;
				struct answer_note note;
				size_t size;

				built_query(&b, names[i], types[j],
					    form < 6 ? 0 : 1232, form > 11);
				if (strcmp(names[i], "id.server.") == 0) {
					b.octets[12 + 11 + 3] = RRCLASS_CH;
				}
				calls = 0;
				is_counting = true;
				size = answer_query(s.context,
						    form % 2 ? ANSWER_TCP
							     : ANSWER_UDP,
						    b.octets, b.size, reply,
						    sizeof(reply), &note);
				is_counting = false;
				ck_assert_uint_ge(size, 12);
				ck_assert_msg(calls == 0,
					      "%s type %u: %u calls", names[i],
					      types[j], calls);
				asked++;
				compiled += note.is_compiled;
			}
		}
	}
	ck_assert_uint_gt(asked, 2700);
	ck_assert_uint_gt(compiled, 500);
	served_fini(&s);
}
END_TEST

START_TEST(counting_counts)
{
	void *volatile block;

	calls = 0;
	is_counting = true;
	block = malloc(10);
	free(block);
	is_counting = false;
	ck_assert_uint_eq(calls, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("no_allocation");
	TCase *tcase = tcase_create("no_allocation");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, counting_counts);
	tcase_add_test(tcase, no_query_allocates);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

#endif
