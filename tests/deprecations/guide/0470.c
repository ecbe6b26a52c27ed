#include "nlmon_netlink.h"

struct nlmon_nl_manager *mgr = nlmon_nl_manager_init();
nlmon_nl_enable_route(mgr);
nlmon_nl_set_callback(mgr, my_callback, NULL);

// Event loop
int fd = nlmon_nl_get_route_fd(mgr);
// ... poll/select on fd ...
nlmon_nl_process_route(mgr);

nlmon_nl_manager_destroy(mgr);
