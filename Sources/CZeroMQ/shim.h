#pragma once
// Swift's Glibc module offers neither epoll nor eventfd.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <zmq.h>

static inline int czeromq_eventfd(void) {
    return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

// Names the calling thread; variadic functions such as prctl are out of Swift's reach.
static inline void czeromq_name_thread(const char *name) {
    prctl(PR_SET_NAME, name, 0, 0, 0);
}
