// SPDX-License-Identifier: Apache-2.0
// The Engine API's calls on volumes, thin.
#pragma once

#include "sdk/client/client.hpp"

namespace davit::sdk {

// `body`: VolumeCreateOptions.
Result<boost::json::value> create_volume(Client& client, std::string body);
Result<boost::json::value> list_volumes(Client& client, const std::string& filters);
// The daemon's own text, so that nothing of it is lost.
Result<std::string> inspect_volume(Client& client, const std::string& name);
enum class MissingVolume { refused, accepted };
Result<void> remove_volume(Client& client, const std::string& name, MissingVolume missing);
Result<boost::json::value> prune_volumes(Client& client, const std::string& filters);

}  // namespace davit::sdk
