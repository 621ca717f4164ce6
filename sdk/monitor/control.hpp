// SPDX-License-Identifier: Apache-2.0
// Both sides of a launcher's control socket, and of the channel over which it was spawned:
// SOCK_SEQPACKET, fixed structs, descriptors by SCM_RIGHTS. Messages carry a version, since
// launchers outlive upgrades of the engine; a launcher answers what it does not know with
// `unsupported`. Used by exec drivers and launchers. No state.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace davit::sdk {

inline constexpr std::uint32_t kControlVersion = 1;
inline constexpr const char* kControlName = "ctl";
inline constexpr std::size_t kMaxErrorText = 480;

enum class Word : std::uint32_t {
    start = 1,   // let the program execute; answered once it has, or could not
    attach = 2,  // `streams`; answered with descriptors in the order in, out, err
    resize = 3,  // `rows`, `columns`
    watch = 4,   // never answered: the connection ends once the exit record stands
};

// Bits of ControlRequest::streams.
inline constexpr std::uint32_t kStreamIn = 1;
inline constexpr std::uint32_t kStreamOut = 2;
inline constexpr std::uint32_t kStreamErr = 4;

struct ControlRequest {
    std::uint32_t version = kControlVersion;
    Word word = Word::watch;
    std::uint32_t streams = 0;
    std::uint16_t rows = 0;
    std::uint16_t columns = 0;
    std::uint64_t reserved[4] = {};
};

struct ControlReply {
    std::uint32_t version = kControlVersion;
    std::int32_t code = 0;  // of davit::Code
    std::int32_t os_errno = 0;
    std::int32_t pid = 0;          // of the program, where one was made
    std::uint64_t start_time = 0;  // of that process
    std::uint64_t log_offset = 0;
    std::uint64_t log_file = 0;
    std::uint64_t reserved[3] = {};
    char text[kMaxErrorText] = {};  // of an error, NUL-terminated
};

// What a reply says, and what came with it.
struct Answer {
    ControlReply reply;
    std::vector<Fd> fds;
};

ControlReply reply_of(const Error& error);
// Server side: listens as `ctl` in a directory, whatever the length of its path.
Result<Fd> listen_control(int state_directory);
// Client side. Errors: unavailable when nobody listens any more.
Result<Fd> connect_control(int state_directory);
Result<void> send_request(int connection, const ControlRequest& request);
Result<void> send_reply(int connection, const ControlReply& reply,
                        const std::vector<int>& fds = {});
// Waits for the answer; a reply with an error becomes that error. Errors: unavailable when the
// launcher has gone.
Result<Answer> receive_answer(int connection);
// Sends and waits.
Result<Answer> ask(int connection, const ControlRequest& request);

}  // namespace davit::sdk
