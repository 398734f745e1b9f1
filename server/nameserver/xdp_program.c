/*
 * xdp_program.c - the program in the kernel, through libbpf.
 *
 * The object file that clang made of xdp_kernel.bpf.c lies in this one's
 * read-only data. It is attached by a link (bpf_link, Linux 5.9), not pinned
 * and not through libxdp's dispatcher: nothing has to be tidied up after a
 * crash, and nobody else's program is replaced.
 */
#include "server/nameserver/xdp_program.h"

#include "lib/base/log.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Static_assert(sizeof(struct xdp_kernel_listener) == 20,
	       "no padding in what is hashed");

/* XDP_KERNEL_OBJECT: the file's path, from the build. */
__asm__(".pushsection .rodata\n"
	".balign 16\n"
	"xdp_kernel_object:\n"
	".incbin \"" XDP_KERNEL_OBJECT "\"\n"
	"xdp_kernel_object_end:\n"
	".popsection\n");
extern const uint8_t xdp_kernel_object[];
extern const uint8_t xdp_kernel_object_end[];

struct xdp_program {
	struct bpf_object *object;
	int program;
	int sockets;
	int listeners;
	int settings;
	int link; /* -1: not attached */
};

/* libbpf's own lines: only where the operator can do nothing without them. */
static int print_nothing(enum libbpf_print_level level, const char *format,
			 va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

static const char *reason(int error)
{
	switch (error) {
	case EPERM:
	case EACCES:
		return "not permitted (XDP needs root, or CAP_NET_ADMIN and "
		       "CAP_BPF)";
	case EBUSY:
	case EEXIST:
		return "another XDP program is on it";
	case EOPNOTSUPP:
		return "the device cannot do XDP";
	default:
		return strerror(error);
	}
}

static enum status fail(char error[XDP_PROGRAM_ERROR_MAX], const char *what,
			int code)
{
	snprintf(error, XDP_PROGRAM_ERROR_MAX, "%s: %s", what, reason(code));
	return status_from_errno(code);
}

static int map_of(const struct bpf_object *object, const char *name)
{
	return bpf_object__find_map_fd_by_name(object, name);
}

static int load(struct xdp_program *program, uint32_t queues)
{
	struct bpf_map *sockets;
	int error;

	program->object = bpf_object__open_mem(
		xdp_kernel_object,
		(size_t)(xdp_kernel_object_end - xdp_kernel_object), NULL);
	if (program->object == NULL) {
		return -errno;
	}
	sockets = bpf_object__find_map_by_name(program->object, "sockets");
	if (sockets == NULL) {
		return -ENOENT;
	}
	error = bpf_map__set_max_entries(sockets, queues);
	if (error == 0) {
		error = bpf_object__load(program->object);
	}
	if (error != 0) {
		return error;
	}
	program->program = bpf_program__fd(bpf_object__find_program_by_name(
		program->object, "xdp_kernel"));
	program->sockets = map_of(program->object, "sockets");
	program->listeners = map_of(program->object, "listeners");
	program->settings = map_of(program->object, "settings");
	return 0;
}

struct xdp_program *xdp_program_load(uint32_t queues,
				     char error[XDP_PROGRAM_ERROR_MAX])
{
	struct xdp_program *program = calloc(1, sizeof(*program));
	int code;

	if (program == NULL) {
		fail(error, "XDP program", ENOMEM);
		return NULL;
	}
	program->link = -1;
	libbpf_set_print(print_nothing);
	code = load(program, queues);
	if (code != 0) {
		fail(error, "the XDP program cannot be loaded", -code);
		xdp_program_free(program);
		return NULL;
	}
	return program;
}

void xdp_program_free(struct xdp_program *program)
{
	if (program != NULL) {
		xdp_program_detach(program);
		bpf_object__close(program->object);
		free(program);
	}
}

static int link_to(const struct xdp_program *program, unsigned interface_index,
		   uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);

	return bpf_link_create(program->program, (int)interface_index, BPF_XDP,
			       &options);
}

enum status xdp_program_attach(struct xdp_program *program,
			       unsigned interface_index, bool *is_generic,
			       char error[XDP_PROGRAM_ERROR_MAX])
{
	int link = link_to(program, interface_index, XDP_FLAGS_DRV_MODE);

	*is_generic = false;
	if (link < 0 && link != -EPERM && link != -EBUSY && link != -EEXIST) {
		link = link_to(program, interface_index, XDP_FLAGS_SKB_MODE);
		*is_generic = true;
	}
	if (link < 0) {
		return fail(error, "the XDP program cannot be attached", -link);
	}
	program->link = link;
	return STATUS_OK;
}

void xdp_program_detach(struct xdp_program *program)
{
	if (program->link >= 0) {
		/* Now, not when the kernel gets round to it. */
		(void)bpf_link_detach(program->link);
		close(program->link);
		program->link = -1;
	}
}

enum status xdp_program_set_socket(struct xdp_program *program, uint32_t queue,
				   int fd)
{
	int error = bpf_map_update_elem(program->sockets, &queue, &fd, BPF_ANY);

	return error == 0 ? STATUS_OK : status_from_errno(-error);
}

enum status xdp_program_set(struct xdp_program *program,
			    const struct xdp_kernel_settings *settings)
{
	const uint32_t zero = 0;
	int error = bpf_map_update_elem(program->settings, &zero, settings,
					BPF_ANY);

	return error == 0 ? STATUS_OK : status_from_errno(-error);
}

static struct xdp_kernel_listener key_of(const struct address *address)
{
	struct xdp_kernel_listener key = {
		.port = htons(address->port),
		.family = address->family,
	};

	memcpy(key.address, address->octets, sizeof(key.address));
	return key;
}

enum status xdp_program_listen(struct xdp_program *program,
			       const struct address *address)
{
	const struct xdp_kernel_listener key = key_of(address);
	const uint8_t value = 1;
	int error =
		bpf_map_update_elem(program->listeners, &key, &value, BPF_ANY);

	return error == 0 ? STATUS_OK : status_from_errno(-error);
}

enum status xdp_program_ignore(struct xdp_program *program,
			       const struct address *address)
{
	const struct xdp_kernel_listener key = key_of(address);
	int error = bpf_map_delete_elem(program->listeners, &key);

	return error == 0 || error == -ENOENT ? STATUS_OK
					      : status_from_errno(-error);
}

enum status xdp_program_try(struct xdp_program *program, const uint8_t *frame,
			    size_t size, uint32_t *action)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame,
		    .data_size_in = (uint32_t)size);
	int error = bpf_prog_test_run_opts(program->program, &options);

	if (error != 0) {
		return status_from_errno(-error);
	}
	*action = options.retval;
	return STATUS_OK;
}
