// SPDX-License-Identifier: Apache-2.0
#include "cli/output_file.hpp"

#include "cli/output.hpp"
#include "cli/terminal.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/base/undo.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cstdio>
#include <cstdlib>

namespace davit::cli {

namespace {

constexpr mode_t kMode = 0600;  // as docker's: images may hold secrets

Result<void> copy(sdk::Stream& stream, int to) {
    for (;;) {
        const auto bytes = TRY(stream.read());
        if (bytes.empty()) return {};
        TRY(write_all(to, bytes));
    }
}

// A device or pipe cannot be replaced by a file.
bool is_special(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode);
}

}  // namespace

Result<void> write_archive(sdk::Client& client, const sdk::Call& call, const std::string& path) {
    if (path.empty() && is_terminal(STDOUT_FILENO))
        return fail(Code::invalid,
                    "cowardly refusing to save to a terminal. Use the -o flag or redirect");
    auto stream = TRY(client.stream(call));
    if (path.empty()) return copy(stream, STDOUT_FILENO);
    if (is_special(path)) {
        const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
        if (!file) return os_error("open " + path);
        return copy(stream, file.get());
    }
    std::string temporary = path + ".XXXXXX";
    const Fd file(::mkostemp(temporary.data(), O_CLOEXEC));
    if (!file) return os_error("make " + path);
    Undo remove([&] { ::unlink(temporary.c_str()); });
    if (::fchmod(file.get(), kMode) != 0) return os_error("make " + path);
    TRY(copy(stream, file.get()));
    if (::rename(temporary.c_str(), path.c_str()) != 0) return os_error("write " + path);
    remove.keep();
    return {};
}

}  // namespace davit::cli
