// SPDX-License-Identifier: Apache-2.0
#include "cli/pull.hpp"

#include "cli/command.hpp"
#include "cli/credentials.hpp"
#include "cli/json_lines.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/view.hpp"
#include "sdk/client/images.hpp"

#include <unistd.h>

namespace davit::cli {

Result<void> pull_image(Session& session, sdk::Client& client, const Pull& what) {
    const auto& reference = what.reference;
    sdk::PullImage pull{.repository = reference.domain + "/" + reference.path,
                        .platform = what.platform,
                        .storage = what.storage};
    pull.tag = reference.digest.empty() ? reference.tag : reference.digest;
    pull.auth = TRY(registry_auth(session.config_dir(), reference.credential_key()));
    auto stream = TRY(client.stream(sdk::pull_call(pull)));
    Progress progress(what.out);
    return for_each_object(stream, [&](const boost::json::object& line) -> Result<void> {
        const auto detail = view::string(view::object(line, "errorDetail"), "message");
        const auto error = detail.empty() ? view::string(line, "error") : detail;
        if (!error.empty()) return fail(Code::internal, error);
        return what.quiet ? Result<void>() : progress.show(line);
    });
}

namespace {

class PullCommand final : public Command {
public:
    void declare(Flags& flags) override {
        flags.toggle(all_tags_, "a,all-tags", "Fetch every tag of the repository");
        flags.text(platform_, "platform", "OS/ARCH", "Which of the image's platforms to take");
        flags.toggle(quiet_, "q,quiet", "Print the image's name only");
        flags.text(storage_, "storage", "NAME", "Storage driver instance to keep it in");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        auto reference = TRY(parse_reference(operands[0]));
        const bool named = !reference.tag.empty() || !reference.digest.empty();
        if (all_tags_ && named) return fail(Code::invalid, "tag can't be used with --all-tags/-a");
        if (!all_tags_ && !named) {
            reference.tag = "latest";
            if (!quiet_) TRY(print("Using default tag: latest\n"));
        }
        auto* client = TRY(session.client());
        TRY(pull_image(session, *client, {reference, platform_, quiet_, STDOUT_FILENO, storage_}));
        auto name = reference.domain + "/" + reference.path;
        if (!reference.tag.empty()) name += ":" + reference.tag;
        if (!reference.digest.empty()) name += "@" + reference.digest;
        TRY(print(name + "\n"));
        return 0;
    }

private:
    bool all_tags_ = false, quiet_ = false;
    std::string platform_, storage_;
};

}  // namespace

std::unique_ptr<Command> make_pull() { return std::make_unique<PullCommand>(); }

}  // namespace davit::cli
