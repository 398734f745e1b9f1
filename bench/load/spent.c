#include "bench/load/spent.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static double timeval_seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* What the threads of a process have run: 0 when it is gone. */
static double process_seconds(int pid)
{
	char path[300];
	double seconds = 0;
	struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	while (tasks != NULL && (entry = readdir(tasks)) != NULL) {
		unsigned long long ran_ns;
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", pid,
			 entry->d_name);
		file = entry->d_name[0] != '.' ? fopen(path, "r") : NULL;
		if (file != NULL) {
			if (fscanf(file, "%llu", &ran_ns) == 1) {
				seconds += (double)ran_ns / 1e9;
			}
			fclose(file);
		}
	}
	if (tasks != NULL) {
		closedir(tasks);
	}
	return seconds;
}

struct spent spent_now(const int *pids, unsigned count)
{
	unsigned long long user, nice, system, idle, iowait, irq, softirq;
	struct spent spent = {0, 0, 0};
	struct rusage usage;
	FILE *file = fopen("/proc/stat", "r");

	if (file != NULL) {
		if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu",
			   &user, &nice, &system, &idle, &iowait, &irq,
			   &softirq) == 7) {
			spent.busy =
				(double)(user + nice + system + irq + softirq) /
				(double)sysconf(_SC_CLK_TCK);
		}
		fclose(file);
	}
	getrusage(RUSAGE_SELF, &usage);
	spent.own = timeval_seconds(usage.ru_utime) +
		    timeval_seconds(usage.ru_stime);
	for (unsigned i = 0; i < count; i++) {
		spent.named += process_seconds(pids[i]);
	}
	return spent;
}
