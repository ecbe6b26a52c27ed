/* A kernel that is played: answers a program's netlink sockets from a recording.
 *
 *   NLMON_SHIM_RECORDING=FILE LD_PRELOAD=./kernel-shim.so ip -j monitor
 *
 * The recording is a row of datagrams, each behind two numbers of 32 bits in the machine's order: its protocol and its
 * size. Each socket of that protocol that has joined a group, whichever it is, receives them in order, one for each call.
 * When there are no more for any, the program is ended, as a monitor never ends itself, with status 0 or that of
 * NLMON_SHIM_STATUS.
 *
 * A socket that is opened later receives what comes behind all that any socket has received, as the kernel sends nothing
 * twice.
 *
 * Rules:
 * 1. A program that asks (sends a request) is answered with NLMSG_DONE, or an acknowledgement if it asked for one: a host
 *    without any object. So nothing that it prints comes from this host. With NLMON_SHIM_DUMP=TYPE the recording is the
 *    answer to its dump request of that type instead, as if the kernel had all these objects.
 * 2. Sockets are pairs of unix sockets, so that select() and poll() find what is there, as long as something is; all else
 *    of a socket is as in the C library.
 * 3. NLMON_SHIM_MARK=TEXT prints TEXT, a space, a number and a newline on the program's standard output before datagram
 *    0, 1, 2 ... and at the end, so that what is between two marks belongs to one datagram.
 *
 * Not here: programs that are linked statically or make system calls of their own, such as those in Go.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKETS 1024
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* ``protocol``: plus one, 0 is none. ``peer``: the other end of its pair, which the program does not know. ``dumps``:
 * receives the recording as the answer to a request. ``peeked``: the datagram was looked at and is still to be received.
 * ``ended``: a socket that listens has received all, and is ``silent`` while others have not. */
static struct played {
	int protocol, peer, listens, dumps, waiting, peeked, ended, silent;
	FILE *recording;
	uint32_t head[2];
	char *datagram;
	char answer[36];
} sockets[SOCKETS];
static long number;
/* Who opened them: what a child closes is open here still, also one of vfork(2), which has this very memory. */
static pid_t owner;
/* Where the recording goes on behind the last datagram that a socket which listens has received. */
static long reached;

static int ours(int fd) { return fd >= 0 && fd < SOCKETS && sockets[fd].protocol; }

/* The recording, from the place that a socket has reached. */
static FILE *played(struct played *one)
{
	if (!one->recording && !(one->recording = fopen(getenv("NLMON_SHIM_RECORDING") ?: "", "re")))
		_exit(127);
	return one->recording;
}

/* Reads the next datagram for a socket; behind the last one it gives 0. */
static int advance(struct played *one)
{
	const char *mark = getenv("NLMON_SHIM_MARK");

	fflush(stdout);
	if (mark)
		dprintf(STDOUT_FILENO, "%s %ld\n", mark, number++);
	if (fread(one->head, sizeof(one->head), 1, played(one)) != 1)
		return 0;
	one->datagram = realloc(one->datagram, one->head[1] + 1);
	if (!one->datagram || fread(one->datagram, 1, one->head[1], one->recording) != one->head[1])
		_exit(126);
	return 1;
}

/* Whether a socket that is open and listens has anything left. */
static int going(void)
{
	for (int fd = 0; fd < SOCKETS; fd++)
		if (sockets[fd].listens && !sockets[fd].ended && fcntl(fd, F_GETFD) != -1)
			return 1;
	return 0;
}

/* Notes whether a socket that listens has anything left; poll() says nothing of one that has not, while others have. */
static void look_ahead(int fd)
{
	struct played *one = &sockets[fd];
	FILE *recording = played(one);
	long at = ftell(recording);
	uint32_t head[2];
	char always;

	for (one->ended = 1; one->ended && fread(head, sizeof(head), 1, recording) == 1; fseek(recording, head[1], SEEK_CUR))
		one->ended = (int)head[0] + 1 != one->protocol;
	fseek(recording, at, SEEK_SET);
	if (!going())
		return;
	for (int other = 0; other < SOCKETS; other++)
		if (sockets[other].ended && !sockets[other].silent && fcntl(other, F_GETFD) != -1) {
			sockets[other].silent = 1;
			(void)!NEXT(recv)(other, &always, 1, MSG_DONTWAIT);
		}
}

static void listens(int fd)
{
	if (!sockets[fd].listens)
		fseek(played(&sockets[fd]), reached, SEEK_SET);
	sockets[fd].listens = 1;
	look_ahead(fd);
}

/* Ends the program. */
static void end(struct played *one)
{
	while (advance(one)) /* those of other protocols */
		;
	fflush(NULL);
	if (getenv("NLMON_SHIM_ENDED"))
		(void)!creat(getenv("NLMON_SHIM_ENDED"), 0600);
	_exit(atoi(getenv("NLMON_SHIM_STATUS") ?: "0"));
}

/* Reads on to what socket ``fd`` is to receive: of its protocol, or, behind the last of a dump, that it is done. */
static void next_for(int fd)
{
	struct played *one = &sockets[fd];

	do {
		if (advance(one))
			continue;
		one->dumps = 0;
		one->waiting = 1;
		return;
	} while ((int)one->head[0] + 1 != one->protocol);
	one->peeked = 1;
	if (one->listens) {
		if (ftell(one->recording) > reached)
			reached = ftell(one->recording);
		look_ahead(fd);
	}
	if (one->dumps) { /* as the program expects of an answer */
		struct nlmsghdr *asked = (struct nlmsghdr *)one->answer, *message = (struct nlmsghdr *)one->datagram;

		for (int left = (int)one->head[1]; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
			message->nlmsg_flags |= NLM_F_MULTI;
			message->nlmsg_seq = asked->nlmsg_seq;
			message->nlmsg_pid = 1;
		}
	}
}

/* Forgets a socket: its number is free for anything. */
static void forget(int fd)
{
	if (sockets[fd].recording)
		fclose(sockets[fd].recording);
	free(sockets[fd].datagram);
	memset(&sockets[fd], 0, sizeof(*sockets));
	if (going())
		return;
	for (int other = 0; other < SOCKETS; other++) /* those that are asked for the end now */
		if (sockets[other].silent) {
			sockets[other].silent = 0;
			(void)!NEXT(send)(sockets[other].peer, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		}
}

int close(int fd)
{
	if (getpid() != owner)
		return NEXT(close)(fd);
	if (ours(fd)) {
		int peer = sockets[fd].peer;

		forget(fd);
		if (peer >= 0)
			NEXT(close)(peer);
	} else {
		for (int one = 0; one < SOCKETS; one++) /* a program that closes whatever is open */
			if (sockets[one].protocol && sockets[one].peer == fd)
				sockets[one].peer = -1;
	}
	return NEXT(close)(fd);
}

int socket(int domain, int type, int protocol)
{
	int pair[2], fd;

	if (domain != AF_NETLINK) {
		fd = NEXT(socket)(domain, type, protocol);
		if (ours(fd)) /* it was closed by a call that is not seen here */
			forget(fd);
		return fd;
	}
	if (socketpair(AF_UNIX, SOCK_DGRAM | (type & (SOCK_CLOEXEC | SOCK_NONBLOCK)), 0, pair))
		return -1;
	fd = pair[0];
	if (fd >= SOCKETS) {
		NEXT(close)(pair[0]);
		NEXT(close)(pair[1]);
		errno = EMFILE;
		return -1;
	}
	if (ours(fd))
		forget(fd);
	owner = getpid();
	sockets[fd].protocol = protocol + 1;
	sockets[fd].peer = pair[1];
	(void)!NEXT(send)(pair[1], "", 1, 0); /* always readable */
	return fd;
}

/* Names of interfaces are those of this host, which the recording is not about. */
char *if_indextoname(unsigned int index, char *name)
{
	(void)index, (void)name;
	errno = ENXIO;
	return NULL;
}

unsigned int if_nametoindex(const char *name)
{
	(void)name;
	errno = ENODEV;
	return 0;
}

int bind(int fd, const struct sockaddr *address, socklen_t size)
{
	if (!ours(fd))
		return NEXT(bind)(fd, address, size);
	if (((const struct sockaddr_nl *)address)->nl_groups)
		listens(fd);
	return 0;
}

int getsockname(int fd, struct sockaddr *address, socklen_t *size)
{
	if (!ours(fd))
		return NEXT(getsockname)(fd, address, size);
	memcpy(address, &(struct sockaddr_nl){ .nl_family = AF_NETLINK, .nl_pid = 1 }, sizeof(struct sockaddr_nl));
	*size = sizeof(struct sockaddr_nl);
	return 0;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
	if (!ours(fd) || level != SOL_NETLINK)
		return NEXT(setsockopt)(fd, level, name, value, size);
	if (name == NETLINK_ADD_MEMBERSHIP)
		listens(fd);
	return 0;
}

/* What was asked is remembered, to be answered when the program reads. */
static ssize_t asked(int fd, const void *data, size_t size)
{
	const struct nlmsghdr *header = data;
	struct nlmsghdr *done = (struct nlmsghdr *)sockets[fd].answer;

	memset(sockets[fd].answer, 0, sizeof(sockets[fd].answer));
	int dump = (header->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	done->nlmsg_len = dump ? 20 : 36;
	done->nlmsg_type = dump ? NLMSG_DONE : NLMSG_ERROR;
	done->nlmsg_flags = dump ? NLM_F_MULTI : 0;
	done->nlmsg_seq = header->nlmsg_seq;
	done->nlmsg_pid = 1;
	if (!dump) { /* an object that does not exist, or an acknowledgement */
		*(int *)(done + 1) = header->nlmsg_flags & NLM_F_ACK ? 0 : -ENODEV;
		memcpy((char *)(done + 1) + 4, header, sizeof(*header));
	}
	const char *played = getenv("NLMON_SHIM_DUMP");

	sockets[fd].dumps = dump && played && atoi(played) == header->nlmsg_type;
	sockets[fd].waiting = !sockets[fd].dumps;
	return (ssize_t)size;
}

ssize_t send(int fd, const void *data, size_t size, int flags)
{
	return ours(fd) ? asked(fd, data, size) : NEXT(send)(fd, data, size, flags);
}

ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t length)
{
	return ours(fd) ? asked(fd, data, size) : NEXT(sendto)(fd, data, size, flags, to, length);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	return ours(fd) ? asked(fd, message->msg_iov->iov_base, message->msg_iov->iov_len) : NEXT(sendmsg)(fd, message, flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	struct played *one;
	const void *data;
	size_t size, room, at = 0;

	if (!ours(fd))
		return NEXT(recvmsg)(fd, message, flags);
	one = &sockets[fd];
	if (one->ended && !one->dumps && !one->waiting && !one->peeked && !going())
		end(one);
	if ((one->dumps || (one->listens && !one->ended)) && !one->waiting && !one->peeked)
		next_for(fd);
	if (one->waiting) {
		data = one->answer;
		size = ((struct nlmsghdr *)data)->nlmsg_len;
		if (!(flags & MSG_PEEK))
			one->waiting = 0;
	} else if (one->ended && !one->peeked) { /* waits, or says that there is nothing, as a socket does */
		return NEXT(recvmsg)(fd, message, flags);
	} else if (!one->peeked) {
		errno = EAGAIN;
		return -1;
	} else {
		one->peeked = flags & MSG_PEEK;
		data = one->datagram;
		size = one->head[1];
	}
	for (size_t i = 0; i < message->msg_iovlen && at < size; i++, at += room) {
		room = message->msg_iov[i].iov_len < size - at ? message->msg_iov[i].iov_len : size - at;
		memcpy(message->msg_iov[i].iov_base, (const char *)data + at, room);
	}
	if (message->msg_name)
		memcpy(message->msg_name, &(struct sockaddr_nl){ .nl_family = AF_NETLINK }, sizeof(struct sockaddr_nl));
	message->msg_namelen = sizeof(struct sockaddr_nl);
	message->msg_controllen = 0;
	message->msg_flags = at < size ? MSG_TRUNC : 0;
	return (ssize_t)(flags & MSG_TRUNC ? size : at);
}

ssize_t recvfrom(int fd, void *data, size_t size, int flags, struct sockaddr *from, socklen_t *length)
{
	struct iovec iov = { data, size };
	struct msghdr message = { .msg_name = from, .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t got;

	if (!ours(fd))
		return NEXT(recvfrom)(fd, data, size, flags, from, length);
	got = recvmsg(fd, &message, flags);
	if (length)
		*length = message.msg_namelen;
	return got;
}

ssize_t recv(int fd, void *data, size_t size, int flags)
{
	return ours(fd) ? recvfrom(fd, data, size, flags, NULL, NULL) : NEXT(recv)(fd, data, size, flags);
}
