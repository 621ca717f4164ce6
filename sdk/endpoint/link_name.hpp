// SPDX-License-Identifier: Apache-2.0
// Names of links and files made of long keys. A link's name has 15 characters, so that it holds
// digits of a hash; whose a link really is tells its alias. Thread-safe: no state.
#pragma once

#include <string>

namespace davit::sdk {

// `prefix` (three letters), four digits of the engine's scope, eight of the key.
std::string link_name(const char* prefix, const std::string& scope, const std::string& key);

// 16 hex digits of the key: the name of a file about it.
std::string key_digest(const std::string& key);

}  // namespace davit::sdk
