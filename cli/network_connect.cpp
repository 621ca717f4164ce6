// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/environment.hpp"
#include "cli/view.hpp"
#include "sdk/client/networks.hpp"

#include <boost/json.hpp>

namespace davit::cli {
namespace {

namespace bj = boost::json;

bj::array array_of(const Strings& values) {
    bj::array array;
    for (const auto& value : values) array.push_back(view::text(value));
    return array;
}

class NetworkConnect final : public Command {
public:
    void declare(Flags& flags) override {
        flags.text(ip_, "ip", "ADDRESS", "IPv4 address");
        flags.text(ip6_, "ip6", "ADDRESS", "IPv6 address");
        flags.list(aliases_, "alias", "NAME", "Further name in that network");
        flags.list(links_, "link", "CONTAINER[:ALIAS]", "Make another container known by name");
        flags.list(link_local_, "link-local-ip", "ADDRESS", "Link-local address");
        flags.list(options_, "driver-opt", "KEY=VALUE", "Option of the driver");
        flags.number(priority_, "gw-priority", "N",
                     "The highest one provides the default gateway; 0 unless given");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        bj::object addresses, settings;
        if (!ip_.empty()) addresses["IPv4Address"] = view::text(ip_);
        if (!ip6_.empty()) addresses["IPv6Address"] = view::text(ip6_);
        if (!link_local_.empty()) addresses["LinkLocalIPs"] = array_of(link_local_);
        if (!addresses.empty()) settings["IPAMConfig"] = std::move(addresses);
        if (!aliases_.empty()) settings["Aliases"] = array_of(aliases_);
        if (!links_.empty()) settings["Links"] = array_of(links_);
        if (!options_.empty()) settings["DriverOpts"] = TRY(pairs_of("driver-opt", options_));
        if (priority_) settings["GwPriority"] = *priority_;
        const bj::object body{{"Container", view::text(operands[1])},
                              {"EndpointConfig", std::move(settings)}};
        auto* client = TRY(session.client());
        TRY(sdk::connect_network(*client, operands[0], bj::serialize(body)));
        return 0;
    }

private:
    std::string ip_, ip6_;
    Strings aliases_, links_, link_local_, options_;
    std::optional<std::int64_t> priority_;
};

}  // namespace

std::unique_ptr<Command> make_network_connect() { return std::make_unique<NetworkConnect>(); }

}  // namespace davit::cli
