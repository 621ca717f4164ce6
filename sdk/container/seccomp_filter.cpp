// SPDX-License-Identifier: Apache-2.0
#include "sdk/container/seccomp_filter.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace davit::sdk {

Result<void> install_seccomp(std::string_view program) {
    const std::size_t count = program.size() / sizeof(sock_filter);
    if (program.size() % sizeof(sock_filter) != 0 || count == 0 || count > BPF_MAXINSNS)
        return fail(Code::invalid, "install seccomp filter: bad length");
    sock_fprog filter{
        static_cast<unsigned short>(count),
        const_cast<sock_filter*>(reinterpret_cast<const sock_filter*>(program.data()))};
    // SPEC_ALLOW: without it the filter switches speculative-store-bypass mitigation on, which
    // costs every program.
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter) !=
        0)
        return os_error("install seccomp filter");
    return {};
}

Result<void> set_no_new_privileges() {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return os_error("set no_new_privs");
    return {};
}

}  // namespace davit::sdk
