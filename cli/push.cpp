// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/credentials.hpp"
#include "cli/json_lines.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/reference.hpp"
#include "cli/view.hpp"
#include "sdk/client/images.hpp"

#include <unistd.h>

namespace davit::cli {
namespace {

class PushCommand final : public Command {
public:
    void declare(Flags& flags) override {
        flags.toggle(all_tags_, "a,all-tags", "Push every tag of the repository");
        flags.text(push_.platform, "platform", "OS/ARCH", "The image must be for this platform");
        flags.toggle(quiet_, "q,quiet", "Print the image's name only");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        auto reference = TRY(parse_reference(operands[0]));
        if (!reference.digest.empty()) return fail(Code::invalid, "cannot push a digest reference");
        if (all_tags_ && !reference.tag.empty())
            return fail(Code::invalid, "tag can't be used with --all-tags/-a");
        if (!all_tags_ && reference.tag.empty()) {
            reference.tag = "latest";
            if (!quiet_) TRY(print("Using default tag: latest\n"));
        }
        push_.repository = reference.domain + "/" + reference.path;
        push_.tag = reference.tag;
        push_.auth = TRY(registry_auth(session.config_dir(), reference.credential_key()));
        auto* client = TRY(session.client());
        auto stream = TRY(client->stream(sdk::push_call(push_)));
        Progress progress(STDOUT_FILENO);
        TRY(for_each_object(stream, [&](const boost::json::object& line) -> Result<void> {
            if (const auto error = view::string(line, "error"); !error.empty())
                return fail(Code::internal, error);
            const bool shown = !quiet_ && !line.contains("aux");
            return shown ? progress.show(line) : Result<void>();
        }));
        if (quiet_) TRY(print(push_.repository + (all_tags_ ? "" : ":" + push_.tag) + "\n"));
        return 0;
    }

private:
    bool all_tags_ = false, quiet_ = false;
    sdk::PushImage push_;
};

}  // namespace

std::unique_ptr<Command> make_push() { return std::make_unique<PushCommand>(); }

}  // namespace davit::cli
