// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/network_options.hpp"
#include "cli/view.hpp"
#include "sdk/client/networks.hpp"

#include <boost/json.hpp>

namespace davit::cli {
namespace {

namespace bj = boost::json;

class NetworkConnect final : public Command {
public:
    void declare(Flags& flags) override {
        flags.text(endpoint_.ip, "ip", "ADDRESS", "IPv4 address");
        flags.text(endpoint_.ip6, "ip6", "ADDRESS", "IPv6 address");
        flags.custom(joined_list(endpoint_.aliases), "alias", "NAME",
                     "Further name in that network");
        flags.list(endpoint_.links, "link", "CONTAINER[:ALIAS]",
                   "Make another container known by name");
        flags.custom(joined_list(endpoint_.link_local), "link-local-ip", "ADDRESS",
                     "Link-local address");
        flags.custom(joined_list(endpoint_.driver_options), "driver-opt", "KEY=VALUE",
                     "Option of the driver");
        flags.number(endpoint_.gateway_priority, "gw-priority", "N",
                     "The highest one provides the default gateway; 0 unless given");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        const bj::object body{{"Container", view::text(operands[1])},
                              {"EndpointConfig", TRY(endpoint_settings(endpoint_))}};
        auto* client = TRY(session.client());
        TRY(sdk::connect_network(*client, operands[0], bj::serialize(body)));
        return 0;
    }

private:
    EndpointOptions endpoint_;
};

}  // namespace

std::unique_ptr<Command> make_network_connect() { return std::make_unique<NetworkConnect>(); }

}  // namespace davit::cli
