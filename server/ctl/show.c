/*
 * show.c - JSON and tables on standard output.
 */
#include "server/ctl/ctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SAFE_MAX = 4096,
	CELL_MAX = 1024,
};

struct ctl_table {
	unsigned columns;
	size_t count;
	char **cells;
	size_t widths[16];
};

int ctl_print(const json_t *document)
{
	if (json_dumpf(document, stdout, JSON_COMPACT) != 0 ||
	    putchar('\n') == EOF) {
		return CTL_WRONG;
	}
	return CTL_DONE;
}

const char *ctl_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL && text[0] != '\0' ? text : "-";
}

json_int_t ctl_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

const char *ctl_safe(const char *text)
{
	static char safe[SAFE_MAX];
	size_t at = 0;

	for (; *text != '\0' && at + 5 < sizeof(safe); text++) {
		unsigned char octet = (unsigned char)*text;

		if (octet >= 0x20 && octet != 0x7f && octet < 0x80) {
			safe[at++] = (char)octet;
		} else {
			at += (size_t)snprintf(safe + at, 5, "\\%03u", octet);
		}
	}
	safe[at] = '\0';
	return safe;
}

struct ctl_table *ctl_table_new(unsigned columns)
{
	struct ctl_table *table = calloc(1, sizeof(*table));

	if (table == NULL || columns == 0 ||
	    columns > sizeof(table->widths) / sizeof(table->widths[0])) {
		perror("rootcastctl");
		exit(CTL_WRONG);
	}
	table->columns = columns;
	return table;
}

void ctl_table_add(struct ctl_table *table, const char *format, ...)
{
	char text[CELL_MAX];
	va_list arguments;
	size_t column = table->count % table->columns;
	size_t width;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if ((table->count & (table->count - 1)) == 0) {
		table->cells = reallocarray(
			table->cells, table->count == 0 ? 1 : table->count * 2,
			sizeof(*table->cells));
	}
	if (table->cells == NULL ||
	    (table->cells[table->count] = strdup(ctl_safe(text))) == NULL) {
		perror("rootcastctl");
		exit(CTL_WRONG);
	}
	width = strlen(table->cells[table->count]);
	if (width > table->widths[column]) {
		table->widths[column] = width;
	}
	table->count++;
}

void ctl_table_print(struct ctl_table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		size_t column = i % table->columns;

		if (column + 1 == table->columns) {
			printf("%s\n", table->cells[i]);
		} else {
			printf("%-*s  ", (int)table->widths[column],
			       table->cells[i]);
		}
		free(table->cells[i]);
	}
	free(table->cells);
	free(table);
}
