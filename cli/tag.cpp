// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/reference.hpp"
#include "sdk/client/images.hpp"

namespace davit::cli {
namespace {

class TagCommand final : public Command {
public:
    Result<int> run(Session& session, const Strings& operands) override {
        const auto target = TRY(parse_reference(operands[1]));
        if (!target.digest.empty())
            return fail(Code::invalid, "refusing to create a tag with a digest reference");
        auto* client = TRY(session.client());
        TRY(sdk::tag_image(*client, operands[0], target.domain + "/" + target.path, target.tag));
        return 0;
    }
};

}  // namespace

std::unique_ptr<Command> make_tag() { return std::make_unique<TagCommand>(); }

}  // namespace davit::cli
