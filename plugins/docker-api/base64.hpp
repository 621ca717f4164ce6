// SPDX-License-Identifier: Apache-2.0
// Base64 (RFC 4648) as docker's clients use it in headers. No state, thread-safe.
#pragma once

#include "sdk/base/result.hpp"

#include <string>
#include <string_view>

namespace davit::docker_api {

// Standard alphabet, padded.
std::string base64_encode(std::string_view bytes);
// Either alphabet, padded or not: clients differ. Errors: INVALID; the text is not repeated, it may
// be secret.
Result<std::string> base64_decode(std::string_view text);

}  // namespace davit::docker_api
