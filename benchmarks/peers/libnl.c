/* libnl-3 (C): an object of each message of a file, and a line of text.
 *
 *     libnl FILE line|dump
 *
 * FILE: messages of NETLINK_ROUTE one behind the other, each padded to four bytes. `line` prints six values by the
 * library's accessors, `dump` what the library itself prints of an object (NL_DUMP_LINE). The number of objects goes
 * to stderr. Exit code 1: usage, 2: the file cannot be read.
 *
 * cc -O2 -o libnl libnl.c $(pkg-config --cflags --libs libnl-route-3.0)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netlink/cache.h>
#include <netlink/msg.h>
#include <netlink/object.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/neighbour.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

static struct nl_dump_params params = { .dp_type = NL_DUMP_LINE };
static long objects;

static const char *text(struct nl_addr *address, char *buffer, size_t size)
{
	return address ? nl_addr2str(address, buffer, size) : "-";
}

static void print_link(struct rtnl_link *link)
{
	char address[64];

	printf("link %d %s mtu %u flags %x state %u %s\n", rtnl_link_get_ifindex(link), rtnl_link_get_name(link),
	       rtnl_link_get_mtu(link), rtnl_link_get_flags(link), rtnl_link_get_operstate(link),
	       text(rtnl_link_get_addr(link), address, sizeof(address)));
}

static void print_address(struct rtnl_addr *addr)
{
	char local[64], peer[64];
	const char *label = rtnl_addr_get_label(addr);

	printf("addr %d %s peer %s scope %d flags %x %s\n", rtnl_addr_get_ifindex(addr),
	       text(rtnl_addr_get_local(addr), local, sizeof(local)), text(rtnl_addr_get_peer(addr), peer, sizeof(peer)),
	       rtnl_addr_get_scope(addr), rtnl_addr_get_flags(addr), label ? label : "-");
}

static void print_route(struct rtnl_route *route)
{
	char to[64], via[64];
	struct rtnl_nexthop *hop = rtnl_route_nexthop_n(route, 0);

	printf("route %s table %u metric %u proto %u via %s dev %d\n", text(rtnl_route_get_dst(route), to, sizeof(to)),
	       rtnl_route_get_table(route), rtnl_route_get_priority(route), rtnl_route_get_protocol(route),
	       text(hop ? rtnl_route_nh_get_gateway(hop) : NULL, via, sizeof(via)), hop ? rtnl_route_nh_get_ifindex(hop) : 0);
}

static void print_neighbour(struct rtnl_neigh *neigh)
{
	char to[64], address[64];

	printf("neigh %d %s %s state %x flags %x family %d\n", rtnl_neigh_get_ifindex(neigh),
	       text(rtnl_neigh_get_dst(neigh), to, sizeof(to)), text(rtnl_neigh_get_lladdr(neigh), address, sizeof(address)),
	       rtnl_neigh_get_state(neigh), rtnl_neigh_get_flags(neigh), rtnl_neigh_get_family(neigh));
}

static void line(struct nl_object *object, void *unused)
{
	const char *type = nl_object_get_type(object);

	(void)unused;
	objects++;
	if (!strcmp(type, "route/link"))
		print_link((struct rtnl_link *)object);
	else if (!strcmp(type, "route/addr"))
		print_address((struct rtnl_addr *)object);
	else if (!strcmp(type, "route/route"))
		print_route((struct rtnl_route *)object);
	else if (!strcmp(type, "route/neigh"))
		print_neighbour((struct rtnl_neigh *)object);
}

static void dump(struct nl_object *object, void *unused)
{
	(void)unused;
	objects++;
	nl_object_dump(object, &params);
}

/* The whole file in memory, ended by four bytes more; NULL when it cannot be read. */
static char *contents(const char *path, long *size)
{
	FILE *file = fopen(path, "rb");
	char *data = NULL;

	if (!file)
		return NULL;
	if (!fseek(file, 0, SEEK_END) && (*size = ftell(file)) >= 0 && !fseek(file, 0, SEEK_SET)) {
		data = malloc(*size + 4);
		if (data && fread(data, 1, *size, file) != (size_t)*size) {
			free(data);
			data = NULL;
		}
	}
	fclose(file);
	return data;
}

int main(int argc, char **argv)
{
	char *data;
	long size, at = 0;
	void (*print)(struct nl_object *, void *);

	if (argc != 3 || (strcmp(argv[2], "line") && strcmp(argv[2], "dump"))) {
		fprintf(stderr, "usage: libnl FILE line|dump\n");
		return 1;
	}
	data = contents(argv[1], &size);
	if (!data) {
		perror(argv[1]);
		return 2;
	}
	print = strcmp(argv[2], "line") ? dump : line;
	params.dp_fd = stdout;
	while (size - at >= NLMSG_HDRLEN) {
		struct nlmsghdr *header = (struct nlmsghdr *)(data + at);
		struct nl_msg *message;

		if (header->nlmsg_len < NLMSG_HDRLEN || header->nlmsg_len > size - at)
			break;
		message = nlmsg_convert(header);
		if (!message)
			break;
		nlmsg_set_proto(message, NETLINK_ROUTE);
		nl_msg_parse(message, print, NULL);
		nlmsg_free(message);
		at += NLMSG_ALIGN(header->nlmsg_len);
	}
	fprintf(stderr, "%ld\n", objects);
	free(data);
	return 0;
}
