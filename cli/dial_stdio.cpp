// SPDX-License-Identifier: Apache-2.0
// davit system dial-stdio: the engine's socket on stdin and stdout, for a davit at the other end of
// ssh://.
#include "cli/command.hpp"
#include "cli/output.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <array>

namespace davit::cli {
namespace {

constexpr std::size_t kBlock = 32 * 1024;

// False at the end of what `from` has to say, or when nobody takes it.
bool move(int from, int to) {
    std::array<char, kBlock> block;
    const auto count = ::read(from, block.data(), block.size());
    if (count < 0) return errno == EINTR;
    return count > 0 && write_all(to, {block.data(), static_cast<std::size_t>(count)});
}

class DialStdio final : public Command {
public:
    Result<int> run(Session& session, const Strings&) override {
        const auto connection = TRY(sdk::Connection::open(TRY(session.address())));
        const int engine = connection.fd();
        bool input = true;
        for (;;) {
            std::array<pollfd, 3> set{{{input ? STDIN_FILENO : -1, POLLIN, 0},
                                       {engine, POLLIN, 0},
                                       {STDOUT_FILENO, 0, 0}}};
            if (::poll(set.data(), set.size(), -1) < 0) continue;
            if (set[2].revents != 0) return 0;  // nobody listens any more
            if (set[0].revents != 0 && !move(STDIN_FILENO, engine)) {
                input = false;
                ::shutdown(engine, SHUT_WR);
            }
            if (set[1].revents != 0 && !move(engine, STDOUT_FILENO)) return 0;
        }
    }
};

}  // namespace

std::unique_ptr<Command> make_dial_stdio() { return std::make_unique<DialStdio>(); }

}  // namespace davit::cli
