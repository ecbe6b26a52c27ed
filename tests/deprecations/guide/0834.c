void my_handler(struct nlmon_event *evt, void *data) {
    // Process event
}
nlmon_nl_set_callback(mgr, my_handler, user_data);
