// SPDX-License-Identifier: Apache-2.0
// Writes JSON text where a model would be too much: arguments for the engine, error messages for
// clients. No state, thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace davit::docker_api {

// Appends `value` as a JSON string. Bytes that are not UTF-8 become U+FFFD, so that the document is
// always valid.
void append_json_string(std::string& json, std::string_view value);

// {"message":"…"}, as docker's clients expect it.
std::string error_json(std::string_view message);

}  // namespace davit::docker_api
