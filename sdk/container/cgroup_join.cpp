// SPDX-License-Identifier: Apache-2.0
// The part of cgroup.hpp that a launcher needs: nothing but open files.
#include "sdk/container/cgroup.hpp"

#include <unistd.h>
#include <cstdlib>
#include <cstring>

namespace davit::sdk {

std::uint64_t oom_kills(int memory_events) {
    char text[1024];
    const ssize_t count = ::pread(memory_events, text, sizeof text - 1, 0);
    if (count <= 0) return 0;
    text[count] = '\0';
    const char* found = std::strstr(text, "oom_kill ");
    return found == nullptr ? 0 : std::strtoull(found + 9, nullptr, 10);
}

Result<void> join_group(int join_file) {
    if (::write(join_file, "0", 1) != 1) return os_error("join control group");
    return {};
}

}  // namespace davit::sdk
