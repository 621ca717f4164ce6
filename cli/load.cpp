// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/json_lines.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/terminal.hpp"
#include "cli/view.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/client/images.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace davit::cli {
namespace {

class Load final : public Command {
public:
    void declare(Flags& flags) override {
        flags.text(file_, "i,input", "FILE", "Read from a file instead of stdin");
        flags.text(platform_, "platform", "OS/ARCH", "Which of the images' platforms to take");
        flags.toggle(quiet_, "q,quiet", "Show no progress");
    }

    Result<int> run(Session& session, const Strings&) override {
        Fd file;
        if (!file_.empty()) {
            file.reset(::open(file_.c_str(), O_RDONLY | O_CLOEXEC));
            if (!file) return os_error("open " + file_);
        } else if (is_terminal(STDIN_FILENO)) {
            return fail(Code::invalid, "requested load from stdin, but stdin is empty");
        }
        auto* client = TRY(session.client());
        const bool quiet = quiet_ || !is_terminal(STDOUT_FILENO);
        auto stream =
            TRY(client->upload(sdk::load_call(quiet, platform_), file ? file.get() : STDIN_FILENO));
        Progress progress(STDOUT_FILENO);
        TRY(for_each_object(stream, [&](const boost::json::object& line) -> Result<void> {
            if (const auto error = view::string(line, "error"); !error.empty())
                return fail(Code::internal, error);
            if (const auto text = view::string(line, "stream"); !text.empty()) return print(text);
            return progress.show(line);
        }));
        return 0;
    }

private:
    std::string file_, platform_;
    bool quiet_ = false;
};

}  // namespace

std::unique_ptr<Command> make_load() { return std::make_unique<Load>(); }

}  // namespace davit::cli
