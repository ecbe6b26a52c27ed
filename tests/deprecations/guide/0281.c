struct nlmon_event {
    uint64_t timestamp;
    nlmon_event_type_t type;

    struct {
        int protocol;
        uint16_t msg_type;
        uint16_t msg_flags;
        uint32_t seq;
        uint32_t pid;

        // Generic netlink specific
        uint8_t genl_cmd;
        uint8_t genl_version;
        uint16_t genl_family_id;
        char genl_family_name[32];

        // Comprehensive parsed data
        union {
            struct nlmon_link_info link;
            struct nlmon_addr_info addr;
            struct nlmon_route_info route;
            struct nlmon_neigh_info neigh;
            struct nlmon_diag_info diag;
            struct nlmon_ct_info conntrack;
            struct nlmon_nl80211_info nl80211;
            struct nlmon_qca_vendor_info qca;
        } data;
    } netlink;
};
