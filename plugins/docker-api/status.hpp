// SPDX-License-Identifier: Apache-2.0
// HTTP status of a failure, and its name: the one place where either is derived. No state,
// thread-safe.
#pragma once

#include "sdk/base/result.hpp"

#include <string_view>

namespace davit::docker_api {

// What docker's clients expect for a failure of this class.
unsigned http_status(Code code);
// "Not Found"; empty for a number that this plugin never sends.
std::string_view reason_phrase(unsigned status);

}  // namespace davit::docker_api
