// SPDX-License-Identifier: Apache-2.0
// davit-unpack: writes one layer into one mount, locked up with it (security.md F6), or does one
// archiver's order in a container's files. Started by davitd only: `davit-unpack merged` or `bare`
// with the descriptors of protocol.hpp, `davit-unpack archive` with those of order.hpp.
#include "core/unpack/archive.hpp"
#include "core/unpack/archiver.hpp"
#include "core/unpack/limits.hpp"
#include "core/unpack/protocol.hpp"
#include "core/unpack/roles.hpp"
#include "sdk/container/jail.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string_view>

namespace {

using namespace davit;

std::optional<unpack::View> view_of(std::string_view word) {
    if (word == "merged") return unpack::View::merged;
    if (word == "bare") return unpack::View::bare;
    return std::nullopt;
}

// Nothing that the daemon has open may reach the jail (rule R-11).
Result<void> close_others() {
    if (::close_range(unpack::kLogFd + 1, ~0U, 0) != 0) return os_error("close descriptors");
    return {};
}

struct Stream {
    Fd read;
    Fd write;
};
Result<Stream> make_stream() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return os_error("make pipe");
    Stream stream{Fd(ends[0]), Fd(ends[1])};
    ::fcntl(ends[1], F_SETPIPE_SZ,
            unpack::kStreamBytes);  // a smaller pipe works as well, only slower
    return stream;
}

Result<int> run(unpack::View view) {
    TRY(close_others());
    unpack::Archive::warm_up();
    const bool wants_log = ::fcntl(unpack::kLogFd, F_GETFD) >= 0;
    std::optional<unpack::TarLog> log;
    if (wants_log) log.emplace(TRY(unpack::TarLog::create(unpack::kLogFd)));
    auto inflater = TRY(unpack::Inflater::create(std::move(log)));
    TRY(sdk::enter_detached_root(unpack::kMountFd));
    ::close(unpack::kMountFd);
    Stream stream = TRY(make_stream());
    const pid_t child = ::fork();
    if (child < 0) return os_error("start inflater");
    if (child == 0) {
        // When the parser is killed nobody wants the archive any more.
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        stream.read.reset();
        ::_exit(unpack::run_inflater(std::move(inflater), std::move(stream.write)));
    }
    stream.write.reset();
    if (wants_log) ::close(unpack::kLogFd);  // the inflater writes it, the parser never sees it
    const int status = unpack::run_parser(view, std::move(stream.read));
    ::close(unpack::kControlFd);
    int ignored = 0;
    while (::wait4(child, &ignored, 0, nullptr) < 0 && errno == EINTR) {
    }
    return status;
}

}  // namespace

int main(int count, char** arguments) {
    const std::string_view word = count == 2 ? arguments[1] : "";
    const auto view = view_of(word);
    if (!view && word != "archive") {
        std::fputs("usage: davit-unpack merged|bare|archive (started by davitd)\n", stderr);
        return 64;
    }
    ::umask(0);
    ::prctl(PR_SET_DUMPABLE, 0);
    std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error of write(2), and told as such
    std::signal(SIGXFSZ, SIG_IGN);  // so is a file over the limit
    if (!view) ::_exit(unpack::run_archiver());
    const auto status = run(*view);
    ::_exit(status ? *status : unpack::report_failure(status.error()));
}
