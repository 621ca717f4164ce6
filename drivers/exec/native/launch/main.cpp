// SPDX-License-Identifier: Apache-2.0
// davit-launch: starts one container, or one further process of a container, and stays as its
// monitor. Started by the native exec driver with the channel as descriptor 3; never by people.
#include "drivers/exec/native/launch/launcher.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <csignal>
#include <cstdio>

namespace {

constexpr int kChannel = 3;

// Nothing of whoever started us stays: not its streams, not a descriptor it forgot, not its
// directory.
bool leave_everything() {
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int number = 0; number <= 2; ++number)
        if (null < 0 || ::dup2(null, number) < 0) return false;
    return ::close_range(kChannel + 1, ~0u, 0) == 0 && ::chdir("/") == 0;
}

}  // namespace

int main() {
    struct stat status {};
    if (::fstat(kChannel, &status) != 0 || !S_ISSOCK(status.st_mode)) {
        std::fputs(
            "davit-launch is started by davitd for each container; it does nothing by itself\n",
            stderr);
        return 2;
    }
    // Rules: nobody inside a container may look into what enters it.
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    ::prctl(PR_SET_NAME, "davit-launch", 0, 0, 0);
    ::signal(SIGPIPE, SIG_IGN);
    if (!leave_everything()) return 1;
    ::fcntl(kChannel, F_SETFD, FD_CLOEXEC);
    return davit::native::run_launcher(davit::Fd(kChannel));
}
