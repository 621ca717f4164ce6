// SPDX-License-Identifier: Apache-2.0
#include "sdk/container/seccomp.hpp"

#include "sdk/base/fd.hpp"
#include "sdk/base/file.hpp"
#include "sdk/base/json.hpp"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdio>
#include <limits>
#include <memory>

// The policy file, byte for byte.
__asm__(
    ".pushsection .rodata\n"
    "davit_default_seccomp: .incbin \"" DAVIT_DEFAULT_SECCOMP
    "\"\n"
    "davit_default_seccomp_end: .byte 0\n"
    ".popsection\n");
extern "C" {
extern const char davit_default_seccomp[] __attribute__((visibility("hidden")));
extern const char davit_default_seccomp_end[] __attribute__((visibility("hidden")));
}

namespace davit::sdk {

namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

constexpr std::size_t kMaxProgram = BPF_MAXINSNS * sizeof(sock_filter);
constexpr std::uint32_t kX32Bit = 0x40000000;  // __X32_SYSCALL_BIT

struct Ended {
    void operator()(void* context) const { ::seccomp_release(context); }
};
using Context = std::unique_ptr<void, Ended>;

Result<void> checked(int status, const std::string& doing) {
    if (status < 0) return os_error(-status, doing);
    return {};
}

Result<std::uint32_t> action_of(const std::string& name, std::uint32_t errno_value) {
    if (name == "SCMP_ACT_ALLOW") return SCMP_ACT_ALLOW;
    if (name == "SCMP_ACT_ERRNO") return SCMP_ACT_ERRNO(errno_value);
    if (name == "SCMP_ACT_KILL" || name == "SCMP_ACT_KILL_THREAD") return SCMP_ACT_KILL_THREAD;
    if (name == "SCMP_ACT_KILL_PROCESS") return SCMP_ACT_KILL_PROCESS;
    if (name == "SCMP_ACT_TRAP") return SCMP_ACT_TRAP;
    if (name == "SCMP_ACT_TRACE") return SCMP_ACT_TRACE(errno_value);
    if (name == "SCMP_ACT_LOG") return SCMP_ACT_LOG;
    return fail(Code::unsupported, "read seccomp policy: action ", name);
}

Result<scmp_compare> operator_of(const std::string& name) {
    constexpr std::array<std::pair<std::string_view, scmp_compare>, 7> kOperators = {
        {{"SCMP_CMP_NE", SCMP_CMP_NE},
         {"SCMP_CMP_LT", SCMP_CMP_LT},
         {"SCMP_CMP_LE", SCMP_CMP_LE},
         {"SCMP_CMP_EQ", SCMP_CMP_EQ},
         {"SCMP_CMP_GE", SCMP_CMP_GE},
         {"SCMP_CMP_GT", SCMP_CMP_GT},
         {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ}}};
    for (const auto& [known, compare] : kOperators)
        if (known == name) return compare;
    return fail(Code::invalid, "read seccomp policy: comparison ", name);
}

Result<std::uint64_t> amount(const object& from, const char* name) {
    const value* found = json::find(from, name);
    if (found == nullptr) return std::uint64_t{0};
    if (found->is_uint64()) return found->as_uint64();
    if (found->is_int64()) return static_cast<std::uint64_t>(found->as_int64());
    return fail(Code::invalid, "read seccomp policy: ", name, " is not a number");
}

Result<std::uint32_t> errno_of(const object& from, const char* name) {
    constexpr std::uint32_t kMaxErrno = 4095;
    const std::uint64_t found = json::find(from, name) == nullptr ? EPERM : TRY(amount(from, name));
    if (found > kMaxErrno)
        return fail(Code::invalid, "read seccomp policy: ", name, " is out of range");
    return static_cast<std::uint32_t>(found);
}

using Comparisons = std::vector<scmp_arg_cmp>;

// Conditions on different arguments hold together; several on one argument are alternatives, as
// runc has it.
Result<std::vector<Comparisons>> conditions_of(const object& rule) {
    Comparisons all;
    const array* entries = TRY(json::get_array(rule, "args"));
    if (entries != nullptr)
        for (const value& entry : *entries) {
            if (!entry.is_object())
                return fail(Code::invalid, "read seccomp policy: args holds something else");
            const object& one = entry.as_object();
            const std::uint64_t index = TRY(amount(one, "index"));
            if (index > 5)
                return fail(Code::invalid, "read seccomp policy: argument index out of range");
            const std::uint64_t first = TRY(amount(one, "value"));
            const std::uint64_t second = TRY(amount(one, "valueTwo"));
            all.push_back({static_cast<unsigned>(index),
                           TRY(operator_of(TRY(json::require_string(one, "op")))), first, second});
        }
    const bool repeated = std::any_of(all.begin(), all.end(), [&](const scmp_arg_cmp& one) {
        return std::count_if(all.begin(), all.end(),
                             [&](const auto& other) { return other.arg == one.arg; }) > 1;
    });
    if (!repeated) return std::vector<Comparisons>{all};
    std::vector<Comparisons> alternatives;
    for (const scmp_arg_cmp& one : all) alternatives.push_back({one});
    return alternatives;
}

class Compiler {
public:
    Result<std::string> compile(const object& policy) {
        const std::string name = TRY(json::require_string(policy, "defaultAction"));
        default_action_ = TRY(action_of(name, TRY(errno_of(policy, "defaultErrnoRet"))));
        context_.reset(::seccomp_init(default_action_));
        if (!context_) return fail(Code::internal, "compile seccomp policy: no memory");
        for (const std::string& architecture : TRY(json::get_strings(policy, "architectures")))
            TRY(add_architecture(architecture));
        const array* rules = TRY(json::get_array(policy, "syscalls"));
        if (rules != nullptr)
            for (const value& rule : *rules) {
                if (!rule.is_object())
                    return fail(Code::invalid,
                                "read seccomp policy: syscalls holds something else");
                TRY(add_rule(rule.as_object()));
            }
        // A binary tree: a dozen comparisons for every call instead of hundreds.
        static_cast<void>(::seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2));
        const std::string program = TRY(exported());
        return default_action_ == SCMP_ACT_ALLOW ? program : newer_calls_are_unknown() + program;
    }

private:
    Result<void> add_architecture(const std::string& name) {
        std::string word = name.substr(name.rfind('_', name.size() - 1) + 1);
        if (name == "SCMP_ARCH_X86_64") word = "x86_64";
        std::transform(word.begin(), word.end(), word.begin(),
                       [](unsigned char c) { return std::tolower(c); });
        const std::uint32_t token = ::seccomp_arch_resolve_name(word.c_str());
        if (token == 0) return fail(Code::invalid, "read seccomp policy: architecture ", name);
        const int status = ::seccomp_arch_add(context_.get(), token);
        return status == -EEXIST ? Result<void>() : checked(status, "add architecture " + name);
    }

    Result<void> add_rule(const object& rule) {
        const std::uint32_t action = TRY(
            action_of(TRY(json::require_string(rule, "action")), TRY(errno_of(rule, "errnoRet"))));
        const auto conditions = TRY(conditions_of(rule));
        std::vector<std::string> names = TRY(json::get_strings(rule, "names"));
        for (const std::string& name : names) {
            const int number = ::seccomp_syscall_resolve_name(name.c_str());
            if (number == __NR_SCMP_ERROR) continue;
            newest_ = std::max(newest_, number);
            newest_32_ = std::max(newest_32_,
                                  ::seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86, name.c_str()));
            if (action == default_action_) continue;  // libseccomp refuses rules that say nothing
            for (const Comparisons& together : conditions)
                TRY(checked(::seccomp_rule_add_array(context_.get(), action, number,
                                                     static_cast<unsigned>(together.size()),
                                                     together.data()),
                            "add seccomp rule for " + name));
        }
        return {};
    }

    Result<std::string> exported() {
        Fd memory(::memfd_create("davit-seccomp", MFD_CLOEXEC));
        if (!memory) return os_error("compile seccomp policy");
        TRY(checked(::seccomp_export_bpf(context_.get(), memory.get()), "compile seccomp policy"));
        ::lseek(memory.get(), 0, SEEK_SET);
        return read_all(memory.get(), kMaxProgram);
    }

    // In front of libseccomp's program, which loads the architecture again: x86-64 numbers above
    // the newest that the policy knows, x32 aside, and i386 numbers likewise.
    std::string newer_calls_are_unknown() const {
        constexpr std::uint32_t kUnknown = SECCOMP_RET_ERRNO | ENOSYS;
        const sock_filter code[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 4),
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, kX32Bit, 5, 0),
            BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, static_cast<std::uint32_t>(newest_), 0, 4),
            BPF_STMT(BPF_RET | BPF_K, kUnknown),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_I386, 0, 2),
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, static_cast<std::uint32_t>(newest_32_), 1, 0),
            BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
            BPF_STMT(BPF_RET | BPF_K, kUnknown),
        };
        return std::string(reinterpret_cast<const char*>(code), sizeof code);
    }

    Context context_;
    std::uint32_t default_action_ = 0;
    int newest_ = 0;
    int newest_32_ = 0;
};

// --- the default policy
// ---------------------------------------------------------------------------------------------

struct Kernel {
    unsigned major = 0;
    unsigned minor = 0;
};

Kernel running_kernel() {
    utsname names{};
    Kernel kernel;
    if (::uname(&names) == 0) std::sscanf(names.release, "%u.%u", &kernel.major, &kernel.minor);
    return kernel;
}

bool holds(CapabilityMask mask, const std::string& name) {
    const auto number = capability_number(name);
    return number && (mask >> *number & 1) != 0;
}

Result<bool> matches(const object& conditions, CapabilityMask bounding, bool excluding) {
    const auto names = TRY(json::get_strings(conditions, "caps"));
    const auto held = [&](const std::string& name) { return holds(bounding, name); };
    const bool capable = excluding ? std::any_of(names.begin(), names.end(), held)
                                   : std::all_of(names.begin(), names.end(), held);
    const auto architectures = TRY(json::get_strings(conditions, "arches"));
    const bool here =
        std::find(architectures.begin(), architectures.end(), "amd64") != architectures.end();
    const std::string oldest = TRY(json::get_string(conditions, "minKernel", ""));
    Kernel needed;
    if (!oldest.empty()) std::sscanf(oldest.c_str(), "%u.%u", &needed.major, &needed.minor);
    const Kernel now = running_kernel();
    const bool recent = std::pair(now.major, now.minor) >= std::pair(needed.major, needed.minor);
    if (excluding) return (!names.empty() && capable) || here || (!oldest.empty() && recent);
    return capable && (architectures.empty() || here) && recent;
}

Result<bool> applies(const object& rule, CapabilityMask bounding) {
    if (const object* includes = TRY(json::get_object(rule, "includes")))
        if (!TRY(matches(*includes, bounding, false))) return false;
    if (const object* excludes = TRY(json::get_object(rule, "excludes")))
        if (TRY(matches(*excludes, bounding, true))) return false;
    return true;
}

}  // namespace

Result<std::string> compile_seccomp(std::string_view policy) {
    const object parsed = TRY(json::parse_object(policy, "seccomp policy"));
    if (const array* flags = TRY(json::get_array(parsed, "flags")); flags != nullptr)
        for (const value& flag : *flags)
            if (!flag.is_string() || flag.as_string() != "SECCOMP_FILTER_FLAG_SPEC_ALLOW")
                return fail(Code::unsupported, "read seccomp policy: flag ",
                            boost::json::serialize(flag));
    return Compiler().compile(parsed);
}

Result<std::string> compile_default_seccomp(CapabilityMask bounding) {
    object policy = TRY(json::parse_object(default_seccomp_policy(), "default seccomp policy"));
    array kept;
    const array* rules = TRY(json::get_array(policy, "syscalls"));
    if (rules == nullptr) return fail(Code::internal, "read default seccomp policy: no rules");
    for (const value& rule : *rules)
        if (TRY(applies(rule.as_object(), bounding))) kept.push_back(rule);
    policy["syscalls"] = std::move(kept);
    policy["architectures"] = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"};
    return Compiler().compile(policy);
}

std::string_view default_seccomp_policy() {
    return {davit_default_seccomp,
            static_cast<std::size_t>(davit_default_seccomp_end - davit_default_seccomp)};
}

}  // namespace davit::sdk
