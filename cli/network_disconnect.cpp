// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/view.hpp"
#include "sdk/client/networks.hpp"

#include <boost/json.hpp>

namespace davit::cli {
namespace {

class NetworkDisconnect final : public Command {
public:
    void declare(Flags& flags) override {
        flags.toggle(force_, "f,force", "Accepted: what is connected can always be disconnected");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        const boost::json::object body{{"Container", view::text(operands[1])}, {"Force", force_}};
        auto* client = TRY(session.client());
        TRY(sdk::disconnect_network(*client, operands[0], boost::json::serialize(body)));
        return 0;
    }

private:
    bool force_ = false;
};

}  // namespace

std::unique_ptr<Command> make_network_disconnect() { return std::make_unique<NetworkDisconnect>(); }

}  // namespace davit::cli
