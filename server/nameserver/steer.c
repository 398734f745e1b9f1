/*
 * steer.c - who serves the receive queues, and what follows from it.
 *
 *	/sys/class/net/IF/device             a device stands behind it
 *	/sys/class/net/IF/queues/rx-N        its queues; rps_cpus: spread again
 *	/sys/class/net/IF/device/msi_irqs/I  its interrupts (virtio: the parent's)
 *	/sys/kernel/irq/I/actions            what each is for, by name
 *	/proc/irq/I/effective_affinity_list  the CPUs that it goes to
 *
 * Which interrupt belongs to which queue is nowhere said; that they are as many
 * as the queues, and which CPUs they go to, is enough to decide. Names of the
 * drivers differ ('eth0-TxRx-0', 'virtio0-input.0', 'mlx5_comp0@pci:...'):
 * anything with 'rx', 'input' or 'comp' in it receives. Where this tells less
 * than everything the answer is the kernel's hash, which is never wrong.
 *
 * Rejected: SO_INCOMING_CPU, which only prefers sockets (older kernels ignore
 * it among sockets that share a port); a table of the queues' CPUs in an eBPF
 * map, to follow changes of the affinity: it is decided once, at start, and
 * 'rootcastctl status' says what was.
 */
#include "server/nameserver/steer.h"

#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/filter.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum {
	WORKERS_MAX = 256, /* of the filter: two instructions each */
	IRQS_MAX = 512,    /* of one interface */
	LINE_MAX_SIZE = 256,
};

/* --- deciding ------------------------------------------------------------- */

static bool has_cpu(const int *cpus, unsigned workers, int cpu)
{
	for (unsigned i = 0; i < workers; i++) {
		if (cpus[i] == cpu) {
			return true;
		}
	}
	return false;
}

static bool is_served_by(const struct steer_queue *queues, size_t count,
			 int cpu)
{
	for (size_t i = 0; i < count; i++) {
		if (queues[i].cpu == cpu) {
			return true;
		}
	}
	return false;
}

/* False with the reason why this interface stands against it. */
static bool suits(struct steer *steer, const int *cpus, unsigned workers,
		  const struct steer_queue *queues, size_t count)
{
	const char *name = queues[0].interface;

	for (size_t i = 0; i < count; i++) {
		if (queues[i].cpu < 0) {
			snprintf(steer->reason, sizeof(steer->reason),
				 "no single CPU is known to serve each of %s's "
				 "%zu receive queues",
				 name, count);
			return false;
		}
		if (!has_cpu(cpus, workers, queues[i].cpu)) {
			snprintf(steer->reason, sizeof(steer->reason),
				 "CPU %d serves a receive queue of %s and has "
				 "no worker",
				 queues[i].cpu, name);
			return false;
		}
	}
	for (unsigned i = 0; i < workers; i++) {
		if (!is_served_by(queues, count, cpus[i])) {
			snprintf(steer->reason, sizeof(steer->reason),
				 "the CPU of worker %u serves none of %s's %zu "
				 "receive queues",
				 i, name, count);
			return false;
		}
	}
	return true;
}

static void say(struct steer *steer, bool is_by_cpu, const char *reason)
{
	steer->is_by_cpu = is_by_cpu;
	snprintf(steer->reason, sizeof(steer->reason), "%s", reason);
}

void steer_decide(struct steer *steer, enum steer_wish wish, const int *cpus,
		  unsigned workers, const struct steer_queue *queues,
		  size_t count)
{
	if (wish == STEER_HASH) {
		say(steer, false, "configured");
		return;
	}
	if (workers < 2) {
		say(steer, false, "there is one worker");
		return;
	}
	for (unsigned i = 0; i < workers; i++) {
		if (cpus[i] < 0) {
			say(steer, false,
			    "the workers have no CPU of their own");
			return;
		}
	}
	if (wish == STEER_CPU) {
		say(steer, true, "configured");
		return;
	}
	if (count == 0) {
		say(steer, false, "no interface tells its receive queues");
		return;
	}
	steer->is_by_cpu = false;
	for (size_t first = 0; first < count;) {
		size_t end = first + 1;

		while (end < count && strcmp(queues[end].interface,
					     queues[first].interface) == 0) {
			end++;
		}
		if (!suits(steer, cpus, workers, queues + first, end - first)) {
			return;
		}
		first = end;
	}
	say(steer, true, "each worker's CPU serves receive queues of its own");
}

/* --- reading -------------------------------------------------------------- */

/* The first line of a file, without its line feed; false: there is none. */
static bool read_line(char line[LINE_MAX_SIZE], const char *path)
{
	FILE *file = fopen(path, "re");
	bool is_read;

	if (file == NULL) {
		return false;
	}
	is_read = fgets(line, LINE_MAX_SIZE, file) != NULL;
	fclose(file);
	if (is_read) {
		line[strcspn(line, "\n")] = '\0';
	}
	return is_read;
}

/* One number and nothing else, or -1. */
static int lone_number(const char *text)
{
	char *end;
	long value;

	if (!isdigit((unsigned char)text[0])) {
		return -1;
	}
	errno = 0;
	value = strtol(text, &end, 10);
	return *end == '\0' && errno == 0 && value <= INT_MAX ? (int)value : -1;
}

static int irq_cpu(const char *root, int irq)
{
	char path[PATH_MAX];
	char line[LINE_MAX_SIZE];

	snprintf(path, sizeof(path), "%s/proc/irq/%d/effective_affinity_list",
		 root, irq);
	if (!read_line(line, path)) {
		snprintf(path, sizeof(path), "%s/proc/irq/%d/smp_affinity_list",
			 root, irq);
		if (!read_line(line, path)) {
			return -1;
		}
	}
	return lone_number(line);
}

static bool irq_receives(const char *root, int irq)
{
	static const char *const words[] = {"rx", "input", "comp"};
	char path[PATH_MAX];
	char line[LINE_MAX_SIZE];

	snprintf(path, sizeof(path), "%s/sys/kernel/irq/%d/actions", root, irq);
	if (!read_line(line, path)) {
		return false;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasestr(line, words[i]) != NULL) {
			return true;
		}
	}
	return false;
}

static int compare_numbers(const void *a, const void *b)
{
	return (*(const int *)a > *(const int *)b) -
	       (*(const int *)a < *(const int *)b);
}

/* The interrupts that receive, in order. */
static size_t read_irqs(const char *root, const char *interface,
			int irqs[IRQS_MAX])
{
	static const char *const places[] = {"device/msi_irqs",
					     "device/../msi_irqs"};
	size_t count = 0;
	DIR *folder = NULL;
	struct dirent *entry;

	for (size_t i = 0; i < 2 && folder == NULL; i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/sys/class/net/%s/%s", root,
			 interface, places[i]);
		folder = opendir(path);
	}
	if (folder == NULL) {
		return 0;
	}
	while (count < IRQS_MAX && (entry = readdir(folder)) != NULL) {
		int irq = lone_number(entry->d_name);

		if (irq >= 0 && irq_receives(root, irq)) {
			irqs[count++] = irq;
		}
	}
	closedir(folder);
	qsort(irqs, count, sizeof(irqs[0]), compare_numbers);
	return count;
}

/* Its receive queues; *is_spread: what they take goes on to other CPUs. */
static size_t count_queues(const char *root, const char *interface,
			   bool *is_spread)
{
	char path[PATH_MAX];
	char line[LINE_MAX_SIZE];
	size_t count = 0;

	*is_spread = false;
	for (; count < STEER_QUEUES_MAX; count++) {
		snprintf(path, sizeof(path),
			 "%s/sys/class/net/%s/queues/rx-%zu/rps_cpus", root,
			 interface, count);
		if (!read_line(line, path)) {
			return count;
		}
		if (strspn(line, "0,") != strlen(line)) {
			*is_spread = true;
		}
	}
	return count;
}

static size_t read_interface(const char *root, const char *interface,
			     struct steer_queue *queues, size_t most)
{
	int irqs[IRQS_MAX];
	bool is_spread;
	size_t count = count_queues(root, interface, &is_spread);
	size_t known = read_irqs(root, interface, irqs);
	size_t length = strlen(interface);

	assert(length < STEER_INTERFACE_MAX);
	if (count > most) {
		count = most;
	}
	for (size_t i = 0; i < count; i++) {
		memcpy(queues[i].interface, interface, length + 1);
		/* More than queues: those in use come first. */
		queues[i].cpu = is_spread || known < count
					? -1
					: irq_cpu(root, irqs[i]);
	}
	return count;
}

static bool is_device_up(const char *root, const char *interface)
{
	char path[PATH_MAX];
	char line[LINE_MAX_SIZE];
	DIR *folder;

	snprintf(path, sizeof(path), "%s/sys/class/net/%s/device", root,
		 interface);
	folder = opendir(path);
	if (folder == NULL) {
		return false;
	}
	closedir(folder);
	snprintf(path, sizeof(path), "%s/sys/class/net/%s/operstate", root,
		 interface);
	return read_line(line, path) && strcmp(line, "down") != 0;
}

static int no_dots(const struct dirent *entry)
{
	return entry->d_name[0] != '.' &&
	       strlen(entry->d_name) < STEER_INTERFACE_MAX;
}

size_t steer_read(const char *root, struct steer_queue *queues, size_t most)
{
	char path[PATH_MAX];
	struct dirent **entries;
	size_t count = 0;
	int found;

	snprintf(path, sizeof(path), "%s/sys/class/net", root);
	found = scandir(path, &entries, no_dots, alphasort);
	if (found < 0) {
		return 0;
	}
	for (int i = 0; i < found; i++) {
		if (is_device_up(root, entries[i]->d_name)) {
			count += read_interface(root, entries[i]->d_name,
						queues + count, most - count);
		}
		free(entries[i]);
	}
	free(entries);
	return count;
}

/* --- attaching ------------------------------------------------------------ */

bool steer_attach(int fd, const int *cpus, unsigned workers)
{
	/* A = CPU; is it that of worker 0? return 0; of worker 1? ... */
	struct sock_filter code[2 * WORKERS_MAX + 2];
	struct sock_fprog program = {.filter = code};
	unsigned length = 0;

	assert(workers <= WORKERS_MAX);
	code[length++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_CPU));
	for (unsigned i = 0; i < workers; i++) {
		code[length++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)cpus[i], 0, 1);
		code[length++] =
			(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, i);
	}
	/* No socket has this number: the kernel takes its hash then. */
	code[length++] =
		(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
	program.len = (unsigned short)length;
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program,
			  sizeof(program)) == 0;
}
