#ifdef USE_LIBNL
    struct nlmon_nl_manager *mgr = nlmon_nl_manager_init();
#else
    struct nlmon_multi_protocol_ctx *ctx = nlmon_multi_protocol_init();
#endif
