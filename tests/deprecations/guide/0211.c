#include "nlmon_netlink.h"

/* Initialize netlink manager */
struct nlmon_nl_manager *mgr = nlmon_nl_manager_init();

/* Enable specific protocols */
nlmon_nl_enable_route(mgr);
nlmon_nl_enable_generic(mgr);

/* Resolve generic netlink families */
int nl80211_id = nlmon_nl_resolve_family(mgr, "nl80211");

/* Set event callback */
nlmon_nl_set_callback(mgr, my_event_handler, user_data);

/* Get file descriptors for event loop */
int route_fd = nlmon_nl_get_route_fd(mgr);
int genl_fd = nlmon_nl_get_genl_fd(mgr);

/* Process messages when data available */
nlmon_nl_process_route(mgr);
nlmon_nl_process_genl(mgr);

/* Cleanup */
nlmon_nl_manager_destroy(mgr);
