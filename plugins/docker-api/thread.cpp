// SPDX-License-Identifier: Apache-2.0
#include "plugins/docker-api/thread.hpp"

#include "plugins/docker-api/limits.hpp"

#include <csignal>

namespace davit::docker_api {

Result<pthread_t> start_thread(void* (*work)(void*), void* argument) {
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstacksize(&attributes, kThreadStack);
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);  // inherited by the new thread
    pthread_t thread;
    const int error = ::pthread_create(&thread, &attributes, work, argument);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_attr_destroy(&attributes);
    if (error != 0) return os_error(error, "start thread");
    return thread;
}

}  // namespace davit::docker_api
