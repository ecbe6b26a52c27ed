#include "netlink_multi_protocol.h"

struct nlmon_multi_protocol_ctx *ctx = nlmon_multi_protocol_init();
nlmon_multi_protocol_enable(ctx, NLMON_PROTO_ROUTE);
nlmon_multi_protocol_set_callback(ctx, my_callback, NULL);

// Event loop
int fd = nlmon_multi_protocol_get_fd(ctx, NLMON_PROTO_ROUTE);
// ... poll/select on fd ...
nlmon_multi_protocol_process(ctx, NLMON_PROTO_ROUTE);

nlmon_multi_protocol_destroy(ctx);
