// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/view.hpp"
#include "sdk/client/volumes.hpp"

#include <boost/json/serialize.hpp>

namespace davit::cli {
namespace {

namespace bj = boost::json;

bj::object pairs_of(const Strings& settings) {
    bj::object object;
    for (const auto& setting : settings) {
        const auto equals = setting.find('=');
        object[setting.substr(0, equals)] =
            equals == std::string::npos ? "" : setting.substr(equals + 1);
    }
    return object;
}

class VolumeCreate final : public Command {
public:
    void declare(Flags& flags) override {
        flags.text(driver_, "d,driver", "NAME", "The volume driver (default local)");
        flags.list(labels_, "label", "KEY=VALUE", "A label of the volume");
        flags.list(options_, "o,opt", "KEY=VALUE",
                   "Mount something in it: type, device, o, as mount(8) takes them");
        flags.text(name_, "name", "NAME", "The volume's name, as the operand");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        if (!operands.empty() && !name_.empty())
            return fail(Code::invalid,
                        "conflicting options: cannot specify a volume-name through "
                        "both --name and as a positional arg");
        const bj::object body{{"Name", operands.empty() ? name_ : operands[0]},
                              {"Driver", driver_.empty() ? "local" : driver_},
                              {"Labels", pairs_of(labels_)},
                              {"DriverOpts", pairs_of(options_)}};
        auto* client = TRY(session.client());
        const auto made = TRY(sdk::create_volume(*client, bj::serialize(body)));
        TRY(print(std::string(view::string(view::as_object(made), "Name")) + "\n"));
        return 0;
    }

private:
    std::string driver_, name_;
    Strings labels_, options_;
};

}  // namespace

std::unique_ptr<Command> make_volume_create() { return std::make_unique<VolumeCreate>(); }

}  // namespace davit::cli
