/*
 * A worker's AF_XDP over rings in memory, without a device: what the heartbeat
 * tells route control of a ring that the kernel does not empty.
 */
#include "server/nameserver/xdp.h"

#include "lib/base/clock.h"
#include "lib/base/grace.h"
#include "server/nameserver/xdp_ring.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	SIZE = 64,
};

/* The kernel's side of a ring. */
struct side {
	uint32_t producer;
	uint32_t consumer;
	uint32_t flags; /* no wake-up needed: the kernel says it is at work */
	uint64_t slots[2 * SIZE];
};

static struct side receive, fill, sending, completion;
static struct xdp_ring ring;
static struct counters *counters;
static struct zone_set *zones;
static struct answer_context *answer;
static struct xdp *xdp;
static uv_loop_t loop;

static void producer(struct xsk_ring_prod *out, struct side *side)
{
	*out = (struct xsk_ring_prod){
		.mask = SIZE - 1,
		.size = SIZE,
		.cached_cons = SIZE,
		.producer = &side->producer,
		.consumer = &side->consumer,
		.flags = &side->flags,
		.ring = side->slots,
	};
}

static void consumer(struct xsk_ring_cons *out, struct side *side)
{
	*out = (struct xsk_ring_cons){
		.mask = SIZE - 1,
		.size = SIZE,
		.producer = &side->producer,
		.consumer = &side->consumer,
		.flags = &side->flags,
		.ring = side->slots,
	};
}

static uint64_t last_pass(void)
{
	return counter_get(
		&counters->worker[0].transports[COUNTERS_XDP].last_pass_ns);
}

/* A heartbeat; does it say that all is well? */
static bool beats(void)
{
	uint64_t before = clock_monotonic_ns();

	xdp_heartbeat(xdp);
	return last_pass() >= before;
}

static void setup(void)
{
	static const struct answer_identity identity = {.udp_payload = 1232};
	struct xdp_ring *rings[] = {&ring};

	grace_thread_register();
	memset(&sending, 0, sizeof(sending));
	memset(&completion, 0, sizeof(completion));
	memset(&ring, 0, sizeof(ring));
	ring.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ck_assert_int_ge(ring.fd, 0);
	consumer(&ring.receive, &receive);
	producer(&ring.fill, &fill);
	producer(&ring.send, &sending);
	consumer(&ring.completion, &completion);
	counters = counters_new(1);
	zones = zone_set_new();
	answer = answer_context_new(&identity, zones);
	ck_assert_int_eq(uv_loop_init(&loop), 0);
	xdp = xdp_new(&(struct xdp_settings){
		.loop = &loop,
		.answer = answer,
		.counters = &counters->worker[0],
		.rings = rings,
		.count = 1,
	});
	ck_assert_ptr_nonnull(xdp);
}

static void teardown(void)
{
	xdp_close(xdp);
	uv_run(&loop, UV_RUN_DEFAULT);
	ck_assert_int_eq(uv_loop_close(&loop), 0);
	xdp_free(xdp);
	answer_context_free(answer);
	zone_set_free(zones);
	counters_free(counters);
	close(ring.fd);
	grace_thread_unregister();
	grace_barrier();
}

START_TEST(idle_ring_is_well)
{
	ck_assert(beats());
	ck_assert(beats());
}
END_TEST

START_TEST(ring_that_the_kernel_does_not_empty_stands_still)
{
	uint64_t before;

	ck_assert(beats());
	before = last_pass();
	sending.producer = 1;
	ring.in_flight = 1;
	for (unsigned i = 0; i < 10; i++) {
		ck_assert(!beats());
	}
	ck_assert_uint_eq(last_pass(), before);
	/* The kernel goes on: taken, and given back. */
	sending.consumer = 1;
	ck_assert(beats());
}
END_TEST

START_TEST(ring_that_gives_frames_back_goes_on)
{
	sending.producer = 8;
	ring.in_flight = 8;
	completion.producer = 1;
	ck_assert(beats());
	ck_assert_uint_eq(ring.in_flight, 7);
	ck_assert_uint_eq(ring.free_count, 1);
	ck_assert(!beats());
}
END_TEST

/* Nobody on the wire misses anything then, and the routes say so. */
START_TEST(interface_that_is_down_is_no_fault_of_ours)
{
	sending.producer = 1;
	ring.is_down = true;
	ck_assert(beats());
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xdp");
	TCase *test = tcase_create("heartbeat");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(test, setup, teardown);
	tcase_add_test(test, idle_ring_is_well);
	tcase_add_test(test, ring_that_the_kernel_does_not_empty_stands_still);
	tcase_add_test(test, ring_that_gives_frames_back_goes_on);
	tcase_add_test(test, interface_that_is_down_is_no_fault_of_ours);
	suite_add_tcase(suite, test);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
