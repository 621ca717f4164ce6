// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/object_format.hpp"
#include "cli/output.hpp"
#include "sdk/client/containers.hpp"
#include "sdk/client/images.hpp"
#include "sdk/client/networks.hpp"
#include "sdk/client/volumes.hpp"

#include <algorithm>

namespace davit::cli {
namespace {

// In the order in which a name is looked for.
struct Kind {
    std::string_view type;
    Result<std::string> (*inspect)(sdk::Client& client, const std::string& name, bool size);
};

constexpr Kind kKinds[] = {
    {"container", sdk::inspect_container},
    {"image",
     [](auto& client, const auto& name, bool) { return sdk::inspect_image(client, name); }},
    {"network",
     [](auto& client, const auto& name, bool) { return sdk::inspect_network(client, name); }},
    {"volume",
     [](auto& client, const auto& name, bool) { return sdk::inspect_volume(client, name); }},
};

class Inspect final : public Command {
public:
    explicit Inspect(std::string type) : type_(std::move(type)), asked_(type_.empty()) {}

    void declare(Flags& flags) override {
        flags.text(format_, "f,format", "FORMAT", "'json' or a Go template");
        if (type_ != "image")
            flags.toggle(size_, "s,size", "Show how much containers have written");
        if (asked_)
            flags.text(type_, "type", "TYPE",
                       "Look for this type only: container, image, network or volume");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        if (!type_.empty() &&
            std::ranges::none_of(kKinds, [&](const auto& kind) { return kind.type == type_; }))
            return fail(Code::invalid, "unknown type: \"", type_,
                        "\"; there are container, image, network and volume");
        auto* client = TRY(session.client());
        Inspection inspection(format_);
        std::string problems;
        for (const auto& name : operands) {
            auto text = find(*client, name);
            auto done = text ? inspection.add(*text) : Result<void>(text.error());
            if (!done) problems += "davit: inspect: " + done.error().what + "\n";
        }
        TRY(inspection.finish());
        print_error(problems);
        return problems.empty() ? 0 : 1;
    }

private:
    Result<std::string> find(sdk::Client& client, const std::string& name) const {
        for (const auto& kind : kKinds) {
            if (!type_.empty() && type_ != kind.type) continue;
            auto text = kind.inspect(client, name, size_);
            if (text || text.error().code != Code::not_found || !type_.empty()) return text;
        }
        return fail(Code::not_found, "no such object: ", name);
    }

    std::string type_;
    bool asked_;
    std::string format_;
    bool size_ = false;
};

}  // namespace

std::unique_ptr<Command> make_inspect() { return std::make_unique<Inspect>(""); }
std::unique_ptr<Command> make_inspect_container() { return std::make_unique<Inspect>("container"); }
std::unique_ptr<Command> make_inspect_image() { return std::make_unique<Inspect>("image"); }

}  // namespace davit::cli
