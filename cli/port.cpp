// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/view.hpp"
#include "sdk/base/json.hpp"
#include "sdk/client/containers.hpp"

#include <algorithm>
#include <cstdlib>
#include <tuple>
#include <utility>
#include <vector>

namespace davit::cli {
namespace {

namespace bj = boost::json;

struct Published {
    int port = 0;
    std::string inside;                // "80/tcp"
    std::vector<std::string> outside;  // "0.0.0.0:8080", "[::]:8080"
};

std::string host_of(const bj::object& binding) {
    const std::string address(view::string(binding, "HostIp"));
    const std::string port(view::string(binding, "HostPort"));
    return (address.find(':') == std::string::npos ? address : "[" + address + "]") + ":" + port;
}

std::vector<Published> published_of(const bj::object& container) {
    std::vector<Published> all;
    for (const auto& [port, bindings] :
         view::object(view::object(container, "NetworkSettings"), "Ports")) {
        Published one{std::atoi(std::string(port).c_str()), std::string(port), {}};
        if (!bindings.is_array()) continue;
        for (const auto& binding : bindings.get_array())
            one.outside.push_back(host_of(view::as_object(binding)));
        std::sort(one.outside.begin(), one.outside.end());
        all.push_back(std::move(one));
    }
    std::sort(all.begin(), all.end(), [](const Published& a, const Published& b) {
        return std::tie(a.port, a.inside) < std::tie(b.port, b.inside);
    });
    return all;
}

class Port final : public Command {
public:
    Result<int> run(Session& session, const Strings& operands) override {
        auto* client = TRY(session.client());
        const auto text = TRY(sdk::inspect_container(*client, operands[0], false));
        const auto container = TRY(json::parse_object(text, "the daemon's answer"));
        const auto all = published_of(container);
        std::string lines;
        if (operands.size() == 1) {
            for (const auto& one : all)
                for (const auto& outside : one.outside)
                    lines += one.inside + " -> " + outside + "\n";
        } else {
            const auto wanted =
                operands[1].find('/') == std::string::npos ? operands[1] + "/tcp" : operands[1];
            for (const auto& one : all)
                if (one.inside == wanted)
                    for (const auto& outside : one.outside) lines += outside + "\n";
            if (lines.empty())
                return fail(Code::not_found, "no public port '", wanted, "' published for ",
                            operands[0]);
        }
        TRY(print(lines));
        return 0;
    }
};

}  // namespace

std::unique_ptr<Command> make_port() { return std::make_unique<Port>(); }

}  // namespace davit::cli
