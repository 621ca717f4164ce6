// SPDX-License-Identifier: Apache-2.0
// The user's terminal: its size, and raw mode that ends however we end. Used by run, exec, attach,
// start and login.
#pragma once

#include "sdk/base/result.hpp"
#include "sdk/client/containers.hpp"

#include <string>
#include <string_view>

namespace davit::cli {

bool is_terminal(int fd);
// Zero by zero when `fd` is no terminal.
sdk::TerminalSize terminal_size(int fd);

// The terminal passes every key on as it is while this lives. It is put back by the destructor, by
// restore_terminal() and by a crash of ours (SIGSEGV, SIGABRT, …). One at a time.
class RawMode {
public:
    // Errors: the system's.
    static Result<RawMode> enter(int fd);
    // The same but only without echo: for passwords.
    static Result<RawMode> hide_input(int fd);
    RawMode(RawMode&& other) noexcept : held_(std::exchange(other.held_, false)) {}
    RawMode& operator=(RawMode&&) = delete;
    ~RawMode();

private:
    RawMode() = default;
    bool held_ = true;
};

// Puts the terminal back if it is in raw mode. Async-signal-safe.
void restore_terminal();

// "ctrl-p,ctrl-q" → "\x10\x11". Errors: invalid.
Result<std::string> parse_detach_keys(std::string_view keys);

// Finds the detach keys in what is typed. Keys that may be their beginning are held back until it
// is clear.
class DetachKeys {
public:
    explicit DetachKeys(std::string keys) : keys_(std::move(keys)) {}
    // Appends to `out` what is to be sent; true when the keys were typed, which end it all.
    bool feed(std::string_view typed, std::string& out);

private:
    std::string keys_;
    std::size_t matched_ = 0;
};

}  // namespace davit::cli
