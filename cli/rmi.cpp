// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/view.hpp"
#include "sdk/client/images.hpp"

namespace davit::cli {
namespace {

class Rmi final : public Command {
public:
    void declare(Flags& flags) override {
        flags.toggle(how_.force, "f,force",
                     "Remove it although containers or several names use it");
        flags.toggle(how_.keep_parents, "no-prune", "Keep parents that have no name");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        auto* client = TRY(session.client());
        bool missing_only = true;
        const int status =
            for_each_operand("rmi", operands, [&](const std::string& name) -> Result<void> {
                auto removed = sdk::remove_image(*client, name, how_);
                if (!removed) {
                    missing_only &= removed.error().code == Code::not_found;
                    return std::move(removed).error();
                }
                return show(*removed);
            });
        // `rmi -f` of what is not there has done what was asked.
        return status != 0 && how_.force && missing_only ? 0 : status;
    }

private:
    static Result<void> show(const boost::json::value& removed) {
        std::string text;
        if (const auto* entries = removed.if_array())
            for (const auto& entry : *entries)
                for (const auto* what : {"Untagged", "Deleted"})
                    if (const auto name = view::string(view::as_object(entry), what); !name.empty())
                        text.append(what).append(": ").append(name).append("\n");
        return print(text);
    }

    sdk::RemoveImage how_;
};

}  // namespace

std::unique_ptr<Command> make_rmi() { return std::make_unique<Rmi>(); }

}  // namespace davit::cli
