#pragma once
// Swift's Glibc module offers neither epoll nor eventfd.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zmq.h>

static inline int czeromq_eventfd(void) {
    return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

// Names the calling thread; variadic functions such as prctl are out of Swift's reach.
static inline void czeromq_name_thread(const char *name) {
    prctl(PR_SET_NAME, name, 0, 0, 0);
}

// What the kernel's sched_getattr and sched_setattr take, as sched_setattr(2) lists it; glibc 2.36 has no wrapper.
struct czeromq_scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t slice, deadline, period;
};

// Sets the calling thread's slice, which Linux 6.12 and newer heed; older ones take it and change nothing. `inherited`: whether
// threads that it creates from now on get it too. Returns 0, or -1 where the system refuses or the thread has another policy
// than the usual one, which has slices alone.
static inline int czeromq_set_slice(uint64_t nanoseconds, int inherited) {
    struct czeromq_scheduling scheduling;
    if (syscall(SYS_sched_getattr, 0, &scheduling, sizeof scheduling, 0) != 0 || scheduling.policy != 0) return -1;
    scheduling.slice = nanoseconds;
    scheduling.flags = inherited ? 0 : 1; // SCHED_FLAG_RESET_ON_FORK
    return (int)syscall(SYS_sched_setattr, 0, &scheduling, 0);
}

// The calling thread's slice in nanoseconds, 0 where the kernel does not say it.
static inline uint64_t czeromq_slice(void) {
    struct czeromq_scheduling scheduling;
    return syscall(SYS_sched_getattr, 0, &scheduling, sizeof scheduling, 0) == 0 ? scheduling.slice : 0;
}
