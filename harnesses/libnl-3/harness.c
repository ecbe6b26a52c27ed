/* What libnl-route makes of recorded messages, by the harness protocol on stdin and stdout.
 *
 * Each message goes to nl_msg_parse(), as a message from a socket would in the library itself, and the object that comes
 * of it is read with the library's public functions. No socket is opened.
 *
 * Rules:
 * 1. What a getter gives of an object that lacks the attribute is printed as it is given; "absent" in the answer to
 *    hello says which value that is.
 * 2. A route of one next hop has "oif", "gateway" and "via"; one of several has "multipath".
 *
 * Not here: links' kinds in detail, traffic control, and protocols but NETLINK_ROUTE.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/neighbour.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <netlink/route/rule.h>
#include <netlink/version.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const HELLO =
    "{\"hello\":{\"name\":\"libnl-3\",\"version\":\"" LIBNL_VERSION "\",\"language\":\"C\",\"protocol\":1,"
    "\"netlink\":[0],\"mode\":\"stream\",\"provides\":{"
    "\"link\":[\"family\",\"ifindex\",\"flags\",\"ifname\",\"mtu\",\"addr\",\"qdisc\",\"operstate\",\"type\",\"kind\","
    "\"master\",\"link\",\"link_netnsid\",\"broadcast\",\"txqlen\",\"ifalias\",\"group\",\"carrier\",\"promiscuity\"],"
    "\"addr\":[\"family\",\"ifindex\",\"prefixlen\",\"scope\",\"addr\",\"peer\",\"label\",\"flags\",\"broadcast\","
    "\"anycast\",\"preferred_lifetime\",\"valid_lifetime\"],"
    "\"route\":[\"family\",\"dst_len\",\"src_len\",\"tos\",\"protocol\",\"scope\",\"type\",\"flags\",\"table\",\"dst\","
    "\"src\",\"prefsrc\",\"priority\",\"iif\",\"oif\",\"gateway\",\"via\",\"multipath\"],"
    "\"hop\":[\"ifindex\",\"weight\",\"flags\",\"gateway\",\"via\"],"
    "\"neigh\":[\"family\",\"ifindex\",\"state\",\"flags\",\"type\",\"dst\",\"lladdr\",\"vlan\",\"master\"],"
    "\"rule\":[\"family\",\"dst_len\",\"src_len\",\"tos\",\"action\",\"table\",\"priority\",\"dst\",\"src\",\"iifname\","
    "\"oifname\",\"fwmark\",\"fwmask\",\"ip_proto\",\"sport_range\",\"dport_range\",\"l3mdev\",\"goto\",\"flow\","
    "\"protocol\"]},"
    "\"absent\":{\"link.mtu\":0,\"link.master\":0,\"link.link\":0,\"link.txqlen\":0,\"link.group\":0,"
    "\"link.carrier\":0,\"link.promiscuity\":0,\"link.operstate\":0,\"addr.preferred_lifetime\":4294967295,"
    "\"addr.valid_lifetime\":4294967295,\"route.priority\":0,\"route.iif\":0,\"neigh.vlan\":-1,\"neigh.master\":0,"
    "\"rule.priority\":0,\"rule.fwmark\":0,\"rule.fwmask\":0,\"rule.goto\":0,\"rule.flow\":0},"
    "\"shapes\":{\"route\":\"nexthops\"}}}\n";

static bool first; /* of the members that are being printed */

static void name_of(const char *key)
{
	printf(first ? "\"%s\":" : ",\"%s\":", key);
	first = false;
}

static void number(const char *key, int64_t value)
{
	name_of(key);
	printf("%lld", (long long)value);
}

static void raw_string(const char *text)
{
	putchar('"');
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c == '"' || *c == '\\')
			printf("\\%c", *c);
		else if (*c < 0x20)
			printf("\\u%04x", *c);
		else
			putchar(*c);
	}
	putchar('"');
}

static void string(const char *key, const char *text)
{
	name_of(key);
	if (text)
		raw_string(text);
	else
		printf("null");
}

static void hexadecimal(const unsigned char *bytes, unsigned int size)
{
	putchar('"');
	for (unsigned int i = 0; i < size; i++)
		printf(i ? ":%02x" : "%02x", bytes[i]);
	putchar('"');
}

/* The address of a device. The library guesses a family for those of four and sixteen bytes; it is not asked. */
static void device_address(const char *key, struct nl_addr *addr)
{
	name_of(key);
	if (addr)
		hexadecimal(nl_addr_get_binary_addr(addr), nl_addr_get_len(addr));
	else
		printf("null");
}

/* An address of a protocol as text; null where there is none. */
static void raw_address(struct nl_addr *addr)
{
	unsigned int size = addr ? nl_addr_get_len(addr) : 0;
	const unsigned char *bytes = addr ? nl_addr_get_binary_addr(addr) : NULL;
	int family = addr ? nl_addr_get_family(addr) : AF_UNSPEC;
	char text[128];

	if (!size) {
		printf("null");
	} else if ((family == AF_INET && size == 4) || (family == AF_INET6 && size == 16)) {
		printf("\"%s\"", inet_ntop(family, bytes, text, sizeof(text)));
	} else if (family == AF_MPLS) {
		nl_addr2str(addr, text, sizeof(text));
		text[strcspn(text, "/")] = '\0'; /* the length of the prefix, which is that of a label */
		printf("\"%s\"", text);
	} else {
		hexadecimal(bytes, size);
	}
}

static void address(const char *key, struct nl_addr *addr)
{
	name_of(key);
	raw_address(addr);
}

static int length_of(struct nl_addr *addr)
{
	return addr ? (int)nl_addr_get_prefixlen(addr) : 0;
}

static void print_link(struct rtnl_link *link)
{
	int32_t nsid;

	number("family", rtnl_link_get_family(link));
	number("ifindex", rtnl_link_get_ifindex(link));
	number("flags", rtnl_link_get_flags(link));
	string("ifname", rtnl_link_get_name(link));
	number("mtu", rtnl_link_get_mtu(link));
	device_address("addr", rtnl_link_get_addr(link));
	string("qdisc", rtnl_link_get_qdisc(link));
	number("operstate", rtnl_link_get_operstate(link));
	number("type", rtnl_link_get_arptype(link));
	string("kind", rtnl_link_get_type(link));
	number("master", rtnl_link_get_master(link));
	number("link", rtnl_link_get_link(link));
	name_of("link_netnsid");
	if (rtnl_link_get_link_netnsid(link, &nsid) == 0)
		printf("%d", nsid);
	else
		printf("null");
	device_address("broadcast", rtnl_link_get_broadcast(link));
	number("txqlen", rtnl_link_get_txqlen(link));
	string("ifalias", rtnl_link_get_ifalias(link));
	number("group", rtnl_link_get_group(link));
	number("carrier", rtnl_link_get_carrier(link));
	number("promiscuity", rtnl_link_get_promiscuity(link));
}

static void print_addr(struct rtnl_addr *addr)
{
	number("family", rtnl_addr_get_family(addr));
	number("ifindex", rtnl_addr_get_ifindex(addr));
	number("prefixlen", rtnl_addr_get_prefixlen(addr));
	number("scope", rtnl_addr_get_scope(addr));
	address("addr", rtnl_addr_get_local(addr));
	address("peer", rtnl_addr_get_peer(addr));
	string("label", rtnl_addr_get_label(addr));
	number("flags", rtnl_addr_get_flags(addr));
	address("broadcast", rtnl_addr_get_broadcast(addr));
	address("anycast", rtnl_addr_get_anycast(addr));
	number("preferred_lifetime", rtnl_addr_get_preferred_lifetime(addr));
	number("valid_lifetime", rtnl_addr_get_valid_lifetime(addr));
}

static void print_via(struct nl_addr *via)
{
	char text[INET6_ADDRSTRLEN];
	int family = via ? nl_addr_get_family(via) : AF_UNSPEC;

	name_of("via");
	if (family == AF_INET || family == AF_INET6) {
		inet_ntop(family, nl_addr_get_binary_addr(via), text, sizeof(text));
		printf("\"%s %s\"", family == AF_INET ? "inet" : "inet6", text);
	} else {
		printf("null");
	}
}

static void print_hops(struct rtnl_route *route)
{
	int count = rtnl_route_get_nnexthops(route);

	if (count < 2) {
		struct rtnl_nexthop *hop = count ? rtnl_route_nexthop_n(route, 0) : NULL;

		name_of("oif");
		if (hop && rtnl_route_nh_get_ifindex(hop))
			printf("%d", rtnl_route_nh_get_ifindex(hop));
		else
			printf("null");
		address("gateway", hop ? rtnl_route_nh_get_gateway(hop) : NULL);
		print_via(hop ? rtnl_route_nh_get_via(hop) : NULL);
		name_of("multipath");
		printf("null");
		return;
	}
	printf(",\"oif\":null,\"gateway\":null,\"via\":null,\"multipath\":[");
	for (int i = 0; i < count; i++) {
		struct rtnl_nexthop *hop = rtnl_route_nexthop_n(route, i);

		printf(i ? ",{" : "{");
		first = true;
		number("ifindex", rtnl_route_nh_get_ifindex(hop));
		number("weight", rtnl_route_nh_get_weight(hop) + 1);
		number("flags", rtnl_route_nh_get_flags(hop));
		address("gateway", rtnl_route_nh_get_gateway(hop));
		print_via(rtnl_route_nh_get_via(hop));
		putchar('}');
	}
	putchar(']');
}

static void print_route(struct rtnl_route *route)
{
	number("family", rtnl_route_get_family(route));
	number("dst_len", length_of(rtnl_route_get_dst(route)));
	number("src_len", length_of(rtnl_route_get_src(route)));
	number("tos", rtnl_route_get_tos(route));
	number("protocol", rtnl_route_get_protocol(route));
	number("scope", rtnl_route_get_scope(route));
	number("type", rtnl_route_get_type(route));
	number("flags", rtnl_route_get_flags(route));
	number("table", rtnl_route_get_table(route));
	address("dst", rtnl_route_get_dst(route));
	address("src", rtnl_route_get_src(route));
	address("prefsrc", rtnl_route_get_pref_src(route));
	number("priority", rtnl_route_get_priority(route));
	number("iif", rtnl_route_get_iif(route));
	print_hops(route);
}

static void print_neigh(struct rtnl_neigh *neigh)
{
	number("family", rtnl_neigh_get_family(neigh));
	number("ifindex", rtnl_neigh_get_ifindex(neigh));
	number("state", rtnl_neigh_get_state(neigh) < 0 ? 0 : rtnl_neigh_get_state(neigh));
	number("flags", rtnl_neigh_get_flags(neigh));
	number("type", rtnl_neigh_get_type(neigh) < 0 ? 0 : rtnl_neigh_get_type(neigh));
	address("dst", rtnl_neigh_get_dst(neigh));
	device_address("lladdr", rtnl_neigh_get_lladdr(neigh));
	number("vlan", rtnl_neigh_get_vlan(neigh));
	number("master", rtnl_neigh_get_master(neigh));
}

static void print_range(const char *key, int failed, uint16_t start, uint16_t end)
{
	name_of(key);
	if (failed)
		printf("null");
	else
		printf("[%u,%u]", start, end);
}

static void print_byte(const char *key, int failed, uint8_t value)
{
	name_of(key);
	if (failed)
		printf("null");
	else
		printf("%u", value);
}

static void print_rule(struct rtnl_rule *rule)
{
	uint16_t start = 0, end = 0;
	uint8_t byte = 0;
	int failed;

	number("family", rtnl_rule_get_family(rule));
	number("dst_len", length_of(rtnl_rule_get_dst(rule)));
	number("src_len", length_of(rtnl_rule_get_src(rule)));
	number("tos", rtnl_rule_get_dsfield(rule));
	number("action", rtnl_rule_get_action(rule));
	number("table", rtnl_rule_get_table(rule));
	number("priority", rtnl_rule_get_prio(rule));
	address("dst", rtnl_rule_get_dst(rule));
	address("src", rtnl_rule_get_src(rule));
	string("iifname", rtnl_rule_get_iif(rule));
	string("oifname", rtnl_rule_get_oif(rule));
	number("fwmark", rtnl_rule_get_mark(rule));
	number("fwmask", rtnl_rule_get_mask(rule));
	failed = rtnl_rule_get_ipproto(rule, &byte);
	print_byte("ip_proto", failed, byte);
	failed = rtnl_rule_get_sport(rule, &start, &end);
	print_range("sport_range", failed, start, end);
	failed = rtnl_rule_get_dport(rule, &start, &end);
	print_range("dport_range", failed, start, end);
	name_of("l3mdev");
	if (rtnl_rule_get_l3mdev(rule) < 0)
		printf("null");
	else
		printf("%d", rtnl_rule_get_l3mdev(rule));
	number("goto", rtnl_rule_get_goto(rule));
	number("flow", rtnl_rule_get_realms(rule));
	failed = rtnl_rule_get_protocol(rule, &byte);
	print_byte("protocol", failed, byte);
}

struct kind {
	uint16_t from, to; /* types of messages */
	const char *name;
	void (*print)(void *object);
};

#define PRINTS(what) ((void (*)(void *))(what))
static const struct kind KINDS[] = {
	{ RTM_NEWLINK, RTM_DELLINK, "link", PRINTS(print_link) },
	{ RTM_NEWADDR, RTM_DELADDR, "addr", PRINTS(print_addr) },
	{ RTM_NEWROUTE, RTM_DELROUTE, "route", PRINTS(print_route) },
	{ RTM_NEWNEIGH, RTM_DELNEIGH, "neigh", PRINTS(print_neigh) },
	{ RTM_NEWRULE, RTM_DELRULE, "rule", PRINTS(print_rule) },
};

struct found {
	const struct kind *kind;
	int objects;
};

static void on_object(struct nl_object *object, void *arg)
{
	struct found *found = arg;

	if (found->objects++)
		return; /* said by the caller, as a message is about one object */
	printf(",\"kind\":\"%s\",\"fields\":{", found->kind->name);
	first = true;
	found->kind->print(object);
	putchar('}');
}

static void print_message(struct nlmsghdr *header, long offset)
{
	struct found found = { 0 };
	struct nl_msg *msg;
	int error;

	printf("{\"offset\":%ld,\"type\":%u", offset, header->nlmsg_type);
	for (size_t i = 0; i < sizeof(KINDS) / sizeof(*KINDS); i++)
		if (header->nlmsg_type >= KINDS[i].from && header->nlmsg_type <= KINDS[i].to)
			found.kind = &KINDS[i];
	if (!found.kind) {
		printf(",\"skip\":\"unsupported\"}");
		return;
	}
	msg = nlmsg_convert(header);
	if (!msg)
		exit(3);
	nlmsg_set_proto(msg, NETLINK_ROUTE);
	error = nl_msg_parse(msg, on_object, &found);
	nlmsg_free(msg);
	if (error < 0 && !found.objects)
		printf(",\"error\":{\"code\":\"refused\",\"text\":\"%s\"}", nl_geterror(error));
	else if (!found.objects)
		printf(",\"error\":{\"code\":\"nothing\",\"text\":\"no object and no error\"}");
	putchar('}');
}

/* Decodes base64 in place; gives the number of bytes. */
static long decode(char *text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *const begin = text, *out = text;
	uint32_t bits = 0;
	int have = 0;

	for (const char *found; *text && (found = strchr(digits, *text)); text++) {
		bits = bits << 6 | (uint32_t)(found - digits);
		have += 6;
		if (have >= 8)
			*out++ = (char)(bits >> (have -= 8));
	}
	return out - begin;
}

/* Where the value of a key begins; the lines of the protocol have each key once, and no string with a quote in it. */
static char *value_of(char *line, const char *key)
{
	char *at = strstr(line, key);

	return at ? at + strlen(key) + strspn(at + strlen(key), " :\"") : NULL;
}

static int print_datagram(char *line)
{
	char *data = value_of(line, "\"data\""), *n = value_of(line, "\"n\"");
	long left, events = 0;

	if (!data || !n)
		exit(2);
	printf("{\"n\":%ld,\"events\":[", atol(n));
	left = decode(data);
	/* A message begins at a multiple of four, which malloc gives and a place in a line does not. */
	char *bytes = malloc((size_t)left + 1);
	if (!bytes)
		exit(3);
	memcpy(bytes, data, (size_t)left);
	int rest = (int)left;
	for (struct nlmsghdr *header = (struct nlmsghdr *)bytes; nlmsg_ok(header, rest); header = nlmsg_next(header, &rest)) {
		if (events++)
			putchar(',');
		print_message(header, (char *)header - bytes);
	}
	free(bytes);
	puts("]}");
	return (int)events;
}

int main(void)
{
	char *line = NULL;
	size_t room = 0;
	long datagrams = 0, events = 0;

	while (getline(&line, &room, stdin) > 0) {
		char *cmd = value_of(line, "\"cmd\"");

		if (!cmd)
			return 2;
		if (!strncmp(cmd, "datagram", 8)) {
			events += print_datagram(line);
			datagrams++;
		} else if (!strncmp(cmd, "hello", 5)) {
			const char *order = value_of(line, "\"byteorder\"");
			const uint16_t one = 1;

			if (order && !strncmp(order, *(const char *)&one ? "big" : "little", 3)) {
				fprintf(stderr, "libnl reads messages of this machine's byte order alone\n");
				return 4;
			}
			fputs(HELLO, stdout);
		} else if (!strncmp(cmd, "end", 3)) {
			printf("{\"bye\":{\"datagrams\":%ld,\"events\":%ld}}\n", datagrams, events);
			fflush(stdout);
			free(line);
			return 0;
		}
		fflush(stdout);
	}
	return 5; /* without an end */
}
