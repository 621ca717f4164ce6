// SPDX-License-Identifier: Apache-2.0
// How this plugin starts its threads: with small stacks and without signals.
#pragma once

#include "sdk/base/result.hpp"

#include <pthread.h>

namespace davit::docker_api {

// Runs `work(argument)` on a joinable thread. Signals are the engine's: here they are all blocked,
// SIGPIPE with them. Errors: UNAVAILABLE.
Result<pthread_t> start_thread(void* (*work)(void*), void* argument);

}  // namespace davit::docker_api
