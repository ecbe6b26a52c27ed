#include "nlmon_netlink_api.h"

struct nlmon_netlink_config config = {
    .use_libnl = true,
    .enable_route = true
};

struct nlmon_multi_protocol_ctx *ctx = nlmon_netlink_init(&config);
nlmon_netlink_enable(ctx, NLMON_PROTO_ROUTE, config.use_libnl);
nlmon_netlink_set_callback(ctx, my_callback, NULL, config.use_libnl);

// Event loop
int fd = nlmon_netlink_get_fd(ctx, NLMON_PROTO_ROUTE, config.use_libnl);
// ... poll/select on fd ...
nlmon_netlink_process(ctx, NLMON_PROTO_ROUTE, config.use_libnl);

nlmon_netlink_destroy(ctx, config.use_libnl);
