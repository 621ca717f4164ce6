// SPDX-License-Identifier: Apache-2.0
#include "drivers/exec/native/launch/program.hpp"

#include "drivers/exec/native/launch/init.hpp"
#include "sdk/container/capabilities.hpp"
#include "sdk/container/rlimits.hpp"
#include "sdk/container/seccomp_filter.hpp"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <algorithm>

namespace davit::native {

namespace {

constexpr std::size_t kMaxPath = 4096;
constexpr const char* kUsualSearch = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// Rule R-11: a descriptor of a host directory must not become the working directory. The kernel
// then says
// "(unreachable)", and glibc hides that; so the system call itself is asked.
Result<void> expect_inside(const std::string& directory) {
    char where[kMaxPath];
    if (::syscall(SYS_getcwd, where, sizeof where) < 0) return os_error("enter " + directory);
    if (where[0] != '/')
        return fail(Code::denied, "enter ", directory, ": it lies outside the container");
    return {};
}

Result<void> enter_directory(const std::string& directory) {
    if (::chdir(directory.c_str()) != 0) return os_error("enter " + directory);
    return expect_inside(directory);
}

// The primary group is a supplementary one too (rule R-50): a file that denies its group cannot be
// reached by leaving that group out.
Result<void> take_identity(const Package& package) {
    const ProcessSpec& process = package->process;
    const auto listed = TRY(package.spec().list(process.groups));
    std::vector<gid_t> groups(listed.begin(), listed.end());
    if (std::find(groups.begin(), groups.end(), process.gid) == groups.end())
        groups.insert(groups.begin(), process.gid);
    if (::setgroups(groups.size(), groups.data()) != 0) return os_error("set groups");
    if (::setresgid(process.gid, process.gid, process.gid) != 0) return os_error("set group id");
    if (::setresuid(process.uid, process.uid, process.uid) != 0) return os_error("set user id");
    return {};
}

sdk::CapabilitySets sets_of(const ProcessSpec& process) {
    return {process.bounding, process.effective, process.inheritable, process.permitted,
            process.ambient};
}

// Without no_new_privs the filter needs CAP_SYS_ADMIN, so that one is kept until the filter stands;
// what comes after it is one capset, some prctl and execve, which every usable filter allows.
Result<void> take_security(const Package& package) {
    const sdk::CapabilitySets wanted = sets_of(package->process);
    const std::string_view filter = TRY(package.spec().text(package->process.seccomp));
    if (package.has(kNoNewPrivileges)) TRY(sdk::set_no_new_privileges());
    TRY(sdk::limit_bounding(wanted.bounding));
    TRY(sdk::keep_capabilities_over_setuid());
    TRY(take_identity(package));
    if (!filter.empty()) {
        constexpr sdk::CapabilityMask kFilter = sdk::CapabilityMask{1} << CAP_SYS_ADMIN;
        const sdk::CapabilityMask held = wanted.permitted | kFilter;
        if (!package.has(kNoNewPrivileges)) TRY(sdk::set_capabilities({0, held, 0, held, 0}));
        TRY(sdk::install_seccomp(filter));
    }
    return sdk::set_capabilities(wanted);
}

Error exec_error(int number, const std::string& path) {
    Error error = os_error(number, "exec " + path);
    if (number == ENOENT || number == ENOTDIR) error.code = Code::not_found;
    if (number == ENOEXEC || number == E2BIG) error.code = Code::invalid;
    return error;
}

class Execution {
public:
    static Result<Execution> of(const Package& package) {
        Execution execution;
        for (const Text& argument : TRY(package.spec().list(package->process.arguments)))
            execution.arguments_.push_back(
                const_cast<char*>(TRY(package.spec().text(argument)).data()));
        for (const Text& variable : TRY(package.spec().list(package->process.environment)))
            execution.environment_.push_back(
                const_cast<char*>(TRY(package.spec().text(variable)).data()));
        if (execution.arguments_.empty()) return fail(Code::invalid, "exec program: no arguments");
        execution.arguments_.push_back(nullptr);
        execution.environment_.push_back(nullptr);
        execution.search_ = TRY(package.text(package->process.search));
        if (execution.search_.empty()) execution.search_ = kUsualSearch;
        return execution;
    }

    Error run() {
        const std::string name = arguments_[0];
        if (name.find('/') != std::string::npos) {
            ::execve(name.c_str(), arguments_.data(), environment_.data());
            return exec_error(errno, name);
        }
        return run_found(name);
    }

private:
    // As execvp: a file that may not be executed is passed over, and reported when nothing better
    // comes.
    Error run_found(const std::string& name) {
        int denied = 0;
        for (std::string_view left = search_; !name.empty();) {
            const std::size_t end = std::min(left.find(':'), left.size());
            const std::string directory(left.substr(0, end));
            const std::string path = (directory.empty() ? "." : directory) + "/" + name;
            ::execve(path.c_str(), arguments_.data(), environment_.data());
            if (errno == EACCES)
                denied = errno;
            else if (errno != ENOENT && errno != ENOTDIR)
                return exec_error(errno, path);
            if (end == left.size()) break;
            left.remove_prefix(end + 1);
        }
        if (denied != 0) return exec_error(denied, name);
        return Error{Code::not_found, ENOENT,
                     "exec \"" + name + "\": executable file not found in $PATH"};
    }

    std::vector<char*> arguments_;
    std::vector<char*> environment_;
    std::string search_;
};

Result<void> take_limits(const Package& package) {
    for (const RlimitSpec& limit : TRY(package.spec().list(package->process.rlimits)))
        TRY(sdk::set_rlimit({limit.resource, limit.soft, limit.hard}));
    ::umask(static_cast<mode_t>(package->process.umask));
    return {};
}

Result<void> prepare(const Package& package) {
    const std::string directory = TRY(package.text(package->process.cwd));
    TRY(take_limits(package));
    // As root first; a directory that only the user may enter (a private home on a network file
    // system) comes after.
    const bool entered = enter_directory(directory).has_value();
    TRY(take_security(package));
    if (!entered) TRY(enter_directory(directory));
    return {};
}

}  // namespace

Error become_program(const Package& package) {
    auto execution = Execution::of(package);
    if (!execution) return std::move(execution).error();
    auto prepared = prepare(package);
    if (!prepared) return std::move(prepared).error();
    if (package.has(kInit)) {
        auto split = split_off_init();
        if (!split) return std::move(split).error();
    }
    if (::close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) != 0) return os_error("close descriptors");
    return execution->run();
}

}  // namespace davit::native
