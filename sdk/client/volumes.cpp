// SPDX-License-Identifier: Apache-2.0
#include "sdk/client/volumes.hpp"

#include <boost/json/value.hpp>

namespace davit::sdk {

Result<boost::json::value> create_volume(Client& client, std::string body) {
    return client.call_json({"POST", "/volumes/create", {}, std::move(body)});
}

Result<boost::json::value> list_volumes(Client& client, const std::string& filters) {
    return client.call_json({"GET", "/volumes", Query().text("filters", filters)});
}

Result<std::string> inspect_volume(Client& client, const std::string& name) {
    return std::move(TRY(client.call({"GET", "/volumes/" + encode_path(name)})).body);
}

Result<void> remove_volume(Client& client, const std::string& name, MissingVolume missing) {
    const auto query = Query().flag("force", missing == MissingVolume::accepted);
    TRY(client.call({"DELETE", "/volumes/" + encode_path(name), query}));
    return {};
}

Result<boost::json::value> prune_volumes(Client& client, const std::string& filters) {
    return client.call_json({"POST", "/volumes/prune", Query().text("filters", filters)});
}

}  // namespace davit::sdk
