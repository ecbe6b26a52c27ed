struct nlmon_event {
    uint64_t timestamp;
    nlmon_event_type_t type;
    // Basic netlink info
    int protocol;
    int msg_type;
    // Limited parsed data
};
