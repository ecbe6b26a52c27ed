int ret = nlmon_nl_enable_route(mgr);
if (ret < 0) {
    fprintf(stderr, "Error: %s\n", nlmon_nl_strerror(ret));
    // Fallback or exit gracefully
}
