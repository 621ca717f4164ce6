// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/json_lines.hpp"
#include "cli/output.hpp"
#include "cli/reference.hpp"
#include "cli/view.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/client/images.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace davit::cli {
namespace {

class Import final : public Command {
public:
    void declare(Flags& flags) override {
        flags.list(import_.changes, "c,change", "INSTRUCTION",
                   "Apply a Dockerfile instruction to the image, such as 'CMD [\"sh\"]'");
        flags.text(import_.message, "m,message", "TEXT", "Comment of the image");
        flags.text(import_.platform, "platform", "OS/ARCH", "What the files are for");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        if (operands[0].starts_with("http://") || operands[0].starts_with("https://"))
            return fail(Code::unsupported,
                        "fetching is not offered; use: curl -L URL | davit import - NAME");
        Fd file;
        if (operands[0] != "-") {
            file.reset(::open(operands[0].c_str(), O_RDONLY | O_CLOEXEC));
            if (!file) return os_error("open " + operands[0]);
        }
        if (operands.size() > 1) {
            const auto name = TRY(parse_reference(operands[1]));
            import_.repository = name.domain + "/" + name.path;
            import_.tag = name.tag;
        }
        auto* client = TRY(session.client());
        auto stream =
            TRY(client->upload(sdk::import_call(import_), file ? file.get() : STDIN_FILENO));
        TRY(for_each_object(stream, [](const boost::json::object& line) -> Result<void> {
            if (const auto error = view::string(line, "error"); !error.empty())
                return fail(Code::internal, error);
            const auto status = view::string(line, "status");
            return status.empty() ? Result<void>() : print(std::string(status) + "\n");
        }));
        return 0;
    }

private:
    sdk::ImportImage import_;
};

}  // namespace

std::unique_ptr<Command> make_import() { return std::make_unique<Import>(); }

}  // namespace davit::cli
