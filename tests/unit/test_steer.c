#include "server/nameserver/steer.h"

#include <check.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- deciding ------------------------------------------------------------- */

#define Q(name, number)                          \
	{                                        \
		.interface = name, .cpu = number \
	}

static const struct {
	const char *name;
	enum steer_wish wish;
	int cpus[4];
	unsigned workers;
	struct steer_queue queues[6];
	size_t count;
	bool is_by_cpu;
	const char *reason; /* a part of it */
} decisions[] = {
	{"a queue for each worker",
	 STEER_AUTO,
	 {0, 1},
	 2,
	 {Q("eth0", 0), Q("eth0", 1)},
	 2,
	 true,
	 "of its own"},
	{"in any order, two for each",
	 STEER_AUTO,
	 {0, 1},
	 2,
	 {Q("eth0", 1), Q("eth0", 0), Q("eth0", 0), Q("eth0", 1)},
	 4,
	 true,
	 "of its own"},
	{"one queue for two workers",
	 STEER_AUTO,
	 {0, 1},
	 2,
	 {Q("eth0", 0)},
	 1,
	 false,
	 "worker 1 serves none of eth0's 1"},
	{"a queue on a CPU without a worker",
	 STEER_AUTO,
	 {0, 1},
	 2,
	 {Q("eth0", 0), Q("eth0", 1), Q("eth0", 2)},
	 3,
	 false,
	 "CPU 2 serves a receive queue of eth0"},
	{"a queue that several CPUs serve",
	 STEER_AUTO,
	 {0, 1},
	 2,
	 {Q("eth0", 0), Q("eth0", -1)},
	 2,
	 false,
	 "no single CPU"},
	{"one interface suits, the other does not",
	 STEER_AUTO,
	 {0, 1},
	 2,
	 {Q("eth0", 0), Q("eth0", 1), Q("eth1", 1)},
	 3,
	 false,
	 "worker 0 serves none of eth1's 1"},
	{"both interfaces suit",
	 STEER_AUTO,
	 {0, 1},
	 2,
	 {Q("eth0", 0), Q("eth0", 1), Q("eth1", 1), Q("eth1", 0)},
	 4,
	 true,
	 "of its own"},
	{"nothing is told",
	 STEER_AUTO,
	 {0, 1},
	 2,
	 {Q("", 0)},
	 0,
	 false,
	 "no interface"},
	{"one worker", STEER_AUTO, {0}, 1, {Q("eth0", 0)}, 1, false, "one"},
	{"one worker, whatever is wished for",
	 STEER_CPU,
	 {0},
	 1,
	 {Q("eth0", 0)},
	 1,
	 false,
	 "one worker"},
	{"workers that are not pinned",
	 STEER_CPU,
	 {-1, -1},
	 2,
	 {Q("eth0", 0)},
	 1,
	 false,
	 "no CPU of their own"},
	{"wished for, by CPU",
	 STEER_CPU,
	 {0, 1},
	 2,
	 {Q("eth0", 0)},
	 1,
	 true,
	 "configured"},
	{"wished for, by the hash",
	 STEER_HASH,
	 {0, 1},
	 2,
	 {Q("eth0", 0), Q("eth0", 1)},
	 2,
	 false,
	 "configured"},
};

START_TEST(each_decision_has_its_reason)
{
	struct steer steer = {0};

	steer_decide(&steer, decisions[_i].wish, decisions[_i].cpus,
		     decisions[_i].workers, decisions[_i].queues,
		     decisions[_i].count);
	ck_assert_msg(steer.is_by_cpu == decisions[_i].is_by_cpu &&
			      strstr(steer.reason, decisions[_i].reason),
		      "%s: %d, %s", decisions[_i].name, steer.is_by_cpu,
		      steer.reason);
}
END_TEST

/* --- reading -------------------------------------------------------------- */

static char root[] = "/tmp/test_steer.XXXXXX";

/* Write root/path, folders and all. */
static void put(const char *path, const char *text)
{
	char name[256];
	FILE *file;

	snprintf(name, sizeof(name), "%s/%s", root, path);
	for (char *at = name + strlen(root) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		mkdir(name, 0700);
		*at = '/';
	}
	file = fopen(name, "w");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "%s\n", text);
	fclose(file);
}

static void put_irq(const char *interface, int irq, const char *action,
		    const char *cpus)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/class/net/%s/device/msi_irqs/%d",
		 interface, irq);
	put(path, "msix");
	snprintf(path, sizeof(path), "sys/kernel/irq/%d/actions", irq);
	put(path, action);
	snprintf(path, sizeof(path), "proc/irq/%d/effective_affinity_list",
		 irq);
	put(path, cpus);
}

static void put_queue(const char *interface, int queue, const char *rps)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/class/net/%s/queues/rx-%d/rps_cpus",
		 interface, queue);
	put(path, rps);
}

static void setup(void)
{
	strcpy(root, "/tmp/test_steer.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	put("sys/class/net/lo/operstate", "unknown");
	put_queue("lo", 0, "0");
}

static void teardown(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	ck_assert_int_eq(system(command), 0);
}

/* "eth0:0 eth0:1 ": interface and CPU of each queue. */
static const char *told(void)
{
	static char text[512];
	struct steer_queue queues[16];
	size_t count = steer_read(root, queues, 16);

	text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "%s:%d ", queues[i].interface, queues[i].cpu);
	}
	return text;
}

START_TEST(interface_without_a_device_is_left_out)
{
	ck_assert_str_eq(told(), "");
}
END_TEST

START_TEST(queues_have_the_cpus_of_their_interrupts)
{
	put("sys/class/net/eth0/operstate", "up");
	put_queue("eth0", 0, "0");
	put_queue("eth0", 1, "00000000,00000000");
	put_irq("eth0", 98, "eth0", "3");
	put_irq("eth0", 101, "eth0-TxRx-1", "1");
	put_irq("eth0", 99, "eth0-TxRx-0", "0");
	ck_assert_str_eq(told(), "eth0:0 eth0:1 ");
}
END_TEST

START_TEST(interrupts_of_a_virtio_device_are_its_parents)
{
	char from[128];

	put("devices/virtio3/net/x", "");
	put("devices/msi_irqs/41", "msix");
	put("sys/class/net/ens3/operstate", "up");
	snprintf(from, sizeof(from), "%s/sys/class/net/ens3/device", root);
	ck_assert_int_eq(symlink("../../../../devices/virtio3", from), 0);
	put_queue("ens3", 0, "0");
	put("sys/kernel/irq/41/actions", "virtio3-input.0");
	put("proc/irq/41/smp_affinity_list", "1");
	ck_assert_str_eq(told(), "ens3:1 ");
}
END_TEST

START_TEST(interrupt_for_several_cpus_tells_none)
{
	put("sys/class/net/eth0/operstate", "up");
	put_queue("eth0", 0, "0");
	put_irq("eth0", 99, "eth0-rx-0", "0-1");
	ck_assert_str_eq(told(), "eth0:-1 ");
}
END_TEST

START_TEST(packets_that_are_spread_again_tell_none)
{
	put("sys/class/net/eth0/operstate", "up");
	put_queue("eth0", 0, "0");
	put_queue("eth0", 1, "f");
	put_irq("eth0", 99, "eth0-rx-0", "0");
	put_irq("eth0", 100, "eth0-rx-1", "1");
	ck_assert_str_eq(told(), "eth0:-1 eth0:-1 ");
}
END_TEST

START_TEST(fewer_interrupts_than_queues_tell_none)
{
	put("sys/class/net/eth0/operstate", "up");
	put_queue("eth0", 0, "0");
	put_queue("eth0", 1, "0");
	put_irq("eth0", 99, "eth0-rx-0", "0");
	put_irq("eth0", 100, "eth0-tx-0", "1");
	ck_assert_str_eq(told(), "eth0:-1 eth0:-1 ");
}
END_TEST

START_TEST(interface_that_is_down_is_left_out)
{
	put("sys/class/net/eth0/operstate", "down");
	put_queue("eth0", 0, "0");
	put_irq("eth0", 99, "eth0-rx-0", "0");
	ck_assert_str_eq(told(), "");
}
END_TEST

START_TEST(no_more_queues_than_there_is_room_for)
{
	struct steer_queue queues[1];

	put("sys/class/net/eth0/operstate", "up");
	put_queue("eth0", 0, "0");
	put_queue("eth0", 1, "0");
	put_irq("eth0", 99, "eth0-rx-0", "0");
	put_irq("eth0", 100, "eth0-rx-1", "1");
	ck_assert_uint_eq(steer_read(root, queues, 1), 1);
}
END_TEST

/* --- attaching ------------------------------------------------------------ */

static int bound(uint16_t *port)
{
	const int on = 1;
	struct sockaddr_in name = {.sin_family = AF_INET,
				   .sin_port = *port,
				   .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(name);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	ck_assert_int_eq(
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, size), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&name, &size), 0);
	*port = name.sin_port;
	return fd;
}

/* Over loopback a datagram is received by the CPU that has sent it. */
START_TEST(sockets_get_what_their_cpu_received)
{
	enum {
		ROUNDS = 32
	};
	uint16_t port = 0;
	int here = -1;
	int fds[2];
	int cpus[2];
	cpu_set_t set;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(set), &set), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE && here < 0; cpu++) {
		if (CPU_ISSET((size_t)cpu, &set)) {
			here = cpu;
		}
	}
	CPU_ZERO(&set);
	CPU_SET((size_t)here, &set);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(set), &set), 0);
	fds[0] = bound(&port);
	fds[1] = bound(&port);
	/* The second worker's CPU is this one. */
	cpus[0] = here + 1;
	cpus[1] = here;
	ck_assert(steer_attach(fds[0], cpus, 2));
	for (int i = 0; i < ROUNDS; i++) {
		uint16_t any = 0;
		int from = bound(&any);
		struct sockaddr_in to = {.sin_family = AF_INET,
					 .sin_port = port,
					 .sin_addr = {htonl(INADDR_LOOPBACK)}};
		char octet;

		ck_assert_int_eq(sendto(from, "x", 1, 0, (struct sockaddr *)&to,
					sizeof(to)),
				 1);
		ck_assert_int_eq(recv(fds[1], &octet, 1, 0), 1);
		ck_assert_int_lt(recv(fds[0], &octet, 1, 0), 0);
		close(from);
	}
	close(fds[0]);
	close(fds[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("steer");
	TCase *decide = tcase_create("decide");
	TCase *read = tcase_create("read");
	TCase *attach = tcase_create("attach");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(decide, each_decision_has_its_reason, 0,
			    sizeof(decisions) / sizeof(decisions[0]));
	suite_add_tcase(suite, decide);
	tcase_add_checked_fixture(read, setup, teardown);
	tcase_add_test(read, interface_without_a_device_is_left_out);
	tcase_add_test(read, queues_have_the_cpus_of_their_interrupts);
	tcase_add_test(read, interrupts_of_a_virtio_device_are_its_parents);
	tcase_add_test(read, interrupt_for_several_cpus_tells_none);
	tcase_add_test(read, packets_that_are_spread_again_tell_none);
	tcase_add_test(read, fewer_interrupts_than_queues_tell_none);
	tcase_add_test(read, interface_that_is_down_is_left_out);
	tcase_add_test(read, no_more_queues_than_there_is_room_for);
	suite_add_tcase(suite, read);
	tcase_add_test(attach, sockets_get_what_their_cpu_received);
	suite_add_tcase(suite, attach);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
