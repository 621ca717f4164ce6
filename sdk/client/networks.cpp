// SPDX-License-Identifier: Apache-2.0
#include "sdk/client/networks.hpp"

#include "sdk/base/json.hpp"

#include <boost/json/value.hpp>

namespace davit::sdk {
namespace {

std::string path_of(const std::string& name) { return "/networks/" + encode_path(name); }

Result<void> post(Client& client, std::string path, std::string body) {
    TRY(client.call({"POST", std::move(path), {}, std::move(body)}));
    return {};
}

}  // namespace

Result<std::string> create_network(Client& client, std::string body) {
    const auto reply = TRY(client.call({"POST", "/networks/create", {}, std::move(body)}));
    const auto object = TRY(json::parse_object(reply.body, "the daemon's answer"));
    return TRY(json::require_string(object, "Id"));
}

Result<boost::json::value> list_networks(Client& client, const std::string& filters) {
    return client.call_json({"GET", "/networks", Query().text("filters", filters)});
}

Result<std::string> inspect_network(Client& client, const std::string& name) {
    return std::move(TRY(client.call({"GET", path_of(name)})).body);
}

Result<void> remove_network(Client& client, const std::string& name) {
    TRY(client.call({"DELETE", path_of(name)}));
    return {};
}

Result<boost::json::value> prune_networks(Client& client, const std::string& filters) {
    return client.call_json({"POST", "/networks/prune", Query().text("filters", filters)});
}

Result<void> connect_network(Client& client, const std::string& name, std::string body) {
    return post(client, path_of(name) + "/connect", std::move(body));
}

Result<void> disconnect_network(Client& client, const std::string& name, std::string body) {
    return post(client, path_of(name) + "/disconnect", std::move(body));
}

}  // namespace davit::sdk
