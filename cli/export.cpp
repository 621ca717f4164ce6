// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/output_file.hpp"
#include "sdk/client/containers.hpp"

namespace davit::cli {
namespace {

class Export final : public Command {
public:
    void declare(Flags& flags) override {
        flags.text(file_, "o,output", "FILE", "Write to a file instead of stdout");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        auto* client = TRY(session.client());
        TRY(write_archive(*client, sdk::export_call(operands[0]), file_));
        return 0;
    }

private:
    std::string file_;
};

}  // namespace

std::unique_ptr<Command> make_export() { return std::make_unique<Export>(); }

}  // namespace davit::cli
