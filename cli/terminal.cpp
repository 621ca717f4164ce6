// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.hpp"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <csignal>

namespace davit::cli {
namespace {

// What the signal handlers need; they can reach nothing else.
struct Saved {
    termios mode{};
    int fd = -1;  // -1: the terminal is as we found it
};
Saved saved;

constexpr int kCrashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

extern "C" void davit_crashed(int signal) {
    restore_terminal();
    ::signal(signal, SIG_DFL);
    ::raise(signal);
}

Result<void> change(int fd, const termios& before, const termios& after) {
    saved.mode = before;
    saved.fd = fd;
    for (const int crash : kCrashes) ::signal(crash, davit_crashed);
    if (::tcsetattr(fd, TCSADRAIN, &after) < 0) {
        saved.fd = -1;
        return os_error("set terminal mode");
    }
    return {};
}

}  // namespace

bool is_terminal(int fd) { return ::isatty(fd) == 1; }

sdk::TerminalSize terminal_size(int fd) {
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) < 0) return {};
    return {size.ws_row, size.ws_col};
}

Result<RawMode> RawMode::enter(int fd) {
    termios before{};
    if (::tcgetattr(fd, &before) < 0) return os_error("read terminal mode");
    termios raw = before;
    ::cfmakeraw(&raw);
    TRY(change(fd, before, raw));
    return RawMode();
}

Result<RawMode> RawMode::hide_input(int fd) {
    termios before{};
    if (::tcgetattr(fd, &before) < 0) return os_error("read terminal mode");
    termios hidden = before;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    TRY(change(fd, before, hidden));
    return RawMode();
}

RawMode::~RawMode() {
    if (held_) restore_terminal();
}

void restore_terminal() {
    if (saved.fd < 0) return;
    ::tcsetattr(saved.fd, TCSADRAIN, &saved.mode);
    saved.fd = -1;
}

Result<std::string> parse_detach_keys(std::string_view keys) {
    std::string out;
    auto rest = keys;
    while (!rest.empty()) {
        const auto key = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), key.size() + 1));
        if (key.size() == 1) {
            out += key;
            continue;
        }
        const bool control = key.size() == 6 && key.starts_with("ctrl-");
        const char c = control ? key[5] : '\0';
        if (c >= 'a' && c <= 'z')
            out += static_cast<char>(c - 'a' + 1);
        else if (c == '@')
            out += '\0';
        else if (c >= '[' && c <= '_')
            out += static_cast<char>(c - '[' + 27);
        else
            return fail(Code::invalid, "invalid detach keys (", keys,
                        "): expected letters and ctrl-<letter>, with commas between");
    }
    return out;
}

bool DetachKeys::feed(std::string_view typed, std::string& out) {
    if (keys_.empty()) {
        out += typed;
        return false;
    }
    for (const char c : typed) {
        if (c == keys_[matched_]) {
            if (++matched_ == keys_.size()) return true;
            continue;
        }
        // What was held back was no detach after all; this key may be the beginning of one.
        out.append(keys_, 0, matched_);
        matched_ = c == keys_[0] ? 1 : 0;
        if (matched_ == 0) out += c;
        if (matched_ == keys_.size()) return true;
    }
    return false;
}

}  // namespace davit::cli
