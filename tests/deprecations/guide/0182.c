#include "nlmon_netlink_api.h"

/* Initialize with configuration */
struct nlmon_netlink_config config;
config.use_libnl = true;  /* or false for legacy */

struct nlmon_multi_protocol_ctx *ctx = nlmon_netlink_init(&config);

/* Enable protocols */
nlmon_netlink_enable(ctx, NLMON_PROTO_ROUTE, config.use_libnl);

/* Set callback */
nlmon_netlink_set_callback(ctx, my_callback, user_data, config.use_libnl);

/* Get FD for event loop */
int fd = nlmon_netlink_get_fd(ctx, NLMON_PROTO_ROUTE, config.use_libnl);

/* Process messages */
nlmon_netlink_process(ctx, NLMON_PROTO_ROUTE, config.use_libnl);

/* Cleanup */
nlmon_netlink_destroy(ctx, config.use_libnl);
