/*
 * replay.c - run a fuzz target over its corpus as a plain test.
 *
 * Every file of the folder (or file) named on the command line goes through
 * LLVMFuzzerTestOneInput() once, and once more cut short at each length up to
 * REPLAY_CUTS: most faults of a parser live where the input ends early.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	REPLAY_CUTS = 256,
};

/* A heap block of exactly size octets, so that ASAN sees one step beyond. */
static void run_once(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);

	if (exact == NULL) {
		perror("malloc");
		exit(1);
	}
	memcpy(exact, data, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static void run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data;
	size_t size;

	if (file == NULL) {
		perror(path);
		exit(1);
	}
	data = malloc(1 << 20);
	if (data == NULL) {
		perror("malloc");
		exit(1);
	}
	size = fread(data, 1, 1 << 20, file);
	fclose(file);
	run_once(data, size);
	for (size_t cut = 0; cut < size && cut < REPLAY_CUTS; cut++) {
		run_once(data, cut);
	}
	free(data);
}

int main(int argc, char **argv)
{
	unsigned long count = 0;

	for (int i = 1; i < argc; i++) {
		struct dirent **entries;
		struct stat st;
		int found;

		if (stat(argv[i], &st) != 0) {
			perror(argv[i]);
			return 1;
		}
		if (!S_ISDIR(st.st_mode)) {
			run_file(argv[i]);
			count++;
			continue;
		}
		found = scandir(argv[i], &entries, NULL, alphasort);
		if (found < 0) {
			perror(argv[i]);
			return 1;
		}
		for (int k = 0; k < found; k++) {
			char path[4096];

			snprintf(path, sizeof(path), "%s/%s", argv[i],
				 entries[k]->d_name);
			free(entries[k]);
			if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
				run_file(path);
				count++;
			}
		}
		free(entries);
	}
	printf("%lu inputs replayed\n", count);
	return count > 0 ? 0 : 1;
}
