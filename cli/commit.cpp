// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/reference.hpp"
#include "cli/view.hpp"
#include "sdk/client/images.hpp"

namespace davit::cli {
namespace {

class Commit final : public Command {
public:
    void declare(Flags& flags) override {
        flags.text(commit_.author, "a,author", "NAME", "Who made it");
        flags.list(commit_.changes, "c,change", "INSTRUCTION",
                   "Apply a Dockerfile instruction to the image, such as 'ENV A=b'");
        flags.text(commit_.message, "m,message", "TEXT", "What was changed");
        flags.toggle(commit_.pause, "p,pause", "Pause the container meanwhile (default true)");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        commit_.container = operands[0];
        if (operands.size() > 1) {
            const auto name = TRY(parse_reference(operands[1]));
            if (!name.digest.empty())
                return fail(Code::invalid, "an image cannot be given a digest as its name");
            commit_.repository = name.domain + "/" + name.path;
            commit_.tag = name.tag;
        }
        auto* client = TRY(session.client());
        TRY(print(TRY(sdk::commit_container(*client, commit_)) + "\n"));
        return 0;
    }

private:
    sdk::CommitContainer commit_;
};

}  // namespace

std::unique_ptr<Command> make_commit() { return std::make_unique<Commit>(); }

}  // namespace davit::cli
