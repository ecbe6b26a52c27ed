#include "nlmon_netlink_api.h"
// Works with both implementations
