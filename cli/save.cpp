// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/output_file.hpp"
#include "sdk/client/images.hpp"

namespace davit::cli {
namespace {

class Save final : public Command {
public:
    void declare(Flags& flags) override {
        flags.text(file_, "o,output", "FILE", "Write to a file instead of stdout");
        flags.text(platform_, "platform", "OS/ARCH", "The images must be for this platform");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        auto* client = TRY(session.client());
        TRY(write_archive(*client, sdk::save_call(operands, platform_), file_));
        return 0;
    }

private:
    std::string file_, platform_;
};

}  // namespace

std::unique_ptr<Command> make_save() { return std::make_unique<Save>(); }

}  // namespace davit::cli
