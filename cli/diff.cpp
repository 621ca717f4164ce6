// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/view.hpp"
#include "sdk/client/containers.hpp"

namespace davit::cli {
namespace {

constexpr std::string_view kKinds[] = {"C", "A", "D"};

class Diff final : public Command {
public:
    Result<int> run(Session& session, const Strings& operands) override {
        auto* client = TRY(session.client());
        const auto changes = TRY(sdk::container_changes(*client, operands[0]));
        std::string text;
        if (const auto* all = changes.if_array())
            for (const auto& entry : *all) {
                const auto& change = view::as_object(entry);
                const auto kind = static_cast<std::size_t>(view::number(change, "Kind"));
                text.append(kind < std::size(kKinds) ? kKinds[kind] : "?")
                    .append(" ")
                    .append(view::string(change, "Path"))
                    .append("\n");
            }
        TRY(print(text));
        return 0;
    }
};

}  // namespace

std::unique_ptr<Command> make_diff() { return std::make_unique<Diff>(); }

}  // namespace davit::cli
