// SPDX-License-Identifier: Apache-2.0
#include "sdk/container/device_filter.hpp"

#include <sys/syscall.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

namespace davit::sdk {

namespace {

using Exception = DevicePolicy::Exception;

constexpr std::uint32_t kAllAccess = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;
constexpr std::size_t kMostPrograms = 64;  // kept loaded
constexpr std::size_t kMostAttached = 16;  // to one group; we attach one

// --- policy ---

Result<std::uint32_t> access_of(const DeviceRule& rule) {
    std::uint32_t access = 0;
    for (const char letter : rule.access) {
        const std::uint32_t bit = letter == 'r'   ? BPF_DEVCG_ACC_READ
                                  : letter == 'w' ? BPF_DEVCG_ACC_WRITE
                                  : letter == 'm' ? BPF_DEVCG_ACC_MKNOD
                                                  : 0;
        if (bit == 0) return fail(Code::invalid, "read device rule: access ", rule.access);
        access |= bit;
    }
    return access;
}

Result<std::optional<std::uint32_t>> number_of(const std::optional<std::int64_t>& number) {
    if (!number || *number < 0) return std::optional<std::uint32_t>();
    if (*number > std::numeric_limits<std::uint32_t>::max())
        return fail(Code::invalid, "read device rule: number ", std::to_string(*number));
    return std::optional<std::uint32_t>(static_cast<std::uint32_t>(*number));
}

// A rule that says what holds anyway takes back an exception for exactly those devices.
void add(DevicePolicy& policy, bool allow, const Exception& rule) {
    const auto same =
        std::find_if(policy.exceptions.begin(), policy.exceptions.end(), [&](const Exception& one) {
            return one.type == rule.type && one.major == rule.major && one.minor == rule.minor;
        });
    const bool known = same != policy.exceptions.end();
    if (allow != policy.allow) {
        if (known)
            same->access |= rule.access;
        else
            policy.exceptions.push_back(rule);
    } else if (known) {
        same->access &= ~rule.access;
        if (same->access == 0) policy.exceptions.erase(same);
    }
}

// --- program ---

enum Register : std::uint8_t { kResult = BPF_REG_0, kContext, kType, kAccess, kMajor, kMinor };

bpf_insn instruction(int code, Register target, Register source, std::int16_t offset,
                     std::uint32_t value) {
    bpf_insn one{};
    one.code = static_cast<std::uint8_t>(code);
    one.dst_reg = target & 0xf;
    one.src_reg = source & 0xf;
    one.off = offset;
    one.imm = static_cast<std::int32_t>(value);
    return one;
}

class Assembler {
public:
    void load(Register target, std::size_t offset) {
        emit(BPF_LDX | BPF_MEM | BPF_W, target, kContext, static_cast<std::int16_t>(offset), 0);
    }
    void copy(Register target, Register source) { emit(BPF_ALU | BPF_MOV | BPF_X, target, source); }
    void set(Register target, std::uint32_t value) {
        emit(BPF_ALU | BPF_MOV | BPF_K, target, kResult, 0, value);
    }
    void mask(Register target, std::uint32_t value) {
        emit(BPF_ALU | BPF_AND | BPF_K, target, kResult, 0, value);
    }
    void shift_right(Register target, std::uint32_t bits) {
        emit(BPF_ALU | BPF_RSH | BPF_K, target, kResult, 0, bits);
    }
    void give(bool allowed) {
        set(kResult, allowed ? 1 : 0);
        emit(BPF_JMP | BPF_EXIT, kResult, kResult);
    }
    // Jumps to the next `end_of_exception`.
    void skip_if(int condition, Register left, std::uint32_t right) {
        open_jumps_.push_back(program_.size());
        emit(BPF_JMP32 | condition | BPF_K, left, kResult, 0, right);
    }
    void end_of_exception() {
        for (const std::size_t at : open_jumps_)
            program_[at].off = static_cast<std::int16_t>(program_.size() - at - 1);
        open_jumps_.clear();
    }
    std::vector<bpf_insn> finish() { return std::move(program_); }

private:
    void emit(int code, Register target, Register source, std::int16_t offset = 0,
              std::uint32_t value = 0) {
        program_.push_back(instruction(code, target, source, offset, value));
    }
    std::vector<bpf_insn> program_;
    std::vector<std::size_t> open_jumps_;
};

// An exception that allows must cover all that is asked for; one that forbids need only touch it.
void emit_exception(Assembler& out, const DevicePolicy& policy, const Exception& one) {
    out.skip_if(BPF_JNE, kType, one.type);
    if (policy.allow || one.access != kAllAccess) {
        out.copy(kResult, kAccess);
        out.mask(kResult, policy.allow ? one.access : ~one.access);
        out.skip_if(policy.allow ? BPF_JEQ : BPF_JNE, kResult, 0);
    }
    if (one.major) out.skip_if(BPF_JNE, kMajor, *one.major);
    if (one.minor) out.skip_if(BPF_JNE, kMinor, *one.minor);
    out.give(!policy.allow);
    out.end_of_exception();
}

// --- kernel ---

long bpf(bpf_cmd command, bpf_attr& attributes) {
    return ::syscall(SYS_bpf, command, &attributes, sizeof attributes);
}

Error refused(const char* verb) {
    Error error = os_error(verb);
    if (error.os_errno == EPERM || error.os_errno == ENOSYS || error.os_errno == EINVAL)
        error.code = Code::unsupported;
    return error;
}

// Ids of what is attached to this group itself.
Result<std::vector<std::uint32_t>> attached_programs(int group) {
    std::array<std::uint32_t, kMostAttached> ids{};
    bpf_attr query{};
    query.query.target_fd = static_cast<std::uint32_t>(group);
    query.query.attach_type = BPF_CGROUP_DEVICE;
    query.query.prog_ids = reinterpret_cast<std::uintptr_t>(ids.data());
    query.query.prog_cnt = ids.size();
    if (bpf(BPF_PROG_QUERY, query) != 0) return refused("list device programs");
    return std::vector<std::uint32_t>(ids.begin(), ids.begin() + query.query.prog_cnt);
}

Result<std::uint32_t> id_of(int program) {
    bpf_prog_info info{};
    bpf_attr query{};
    query.info.bpf_fd = static_cast<std::uint32_t>(program);
    query.info.info = reinterpret_cast<std::uintptr_t>(&info);
    query.info.info_len = sizeof info;
    if (bpf(BPF_OBJ_GET_INFO_BY_FD, query) != 0) return refused("look at device program");
    return info.id;
}

Result<void> attach(int group, int program) {
    bpf_attr attributes{};
    attributes.target_fd = static_cast<std::uint32_t>(group);
    attributes.attach_bpf_fd = static_cast<std::uint32_t>(program);
    attributes.attach_type = BPF_CGROUP_DEVICE;
    attributes.attach_flags = BPF_F_ALLOW_MULTI;  // what groups above and below have holds as well
    if (bpf(BPF_PROG_ATTACH, attributes) != 0) return refused("attach device program");
    return {};
}

Result<void> detach(int group, std::uint32_t id) {
    bpf_attr by_id{};
    by_id.prog_id = id;
    Fd program(static_cast<int>(bpf(BPF_PROG_GET_FD_BY_ID, by_id)));
    if (!program) return refused("open device program");
    bpf_attr attributes{};
    attributes.target_fd = static_cast<std::uint32_t>(group);
    attributes.attach_bpf_fd = static_cast<std::uint32_t>(program.get());
    attributes.attach_type = BPF_CGROUP_DEVICE;
    if (bpf(BPF_PROG_DETACH, attributes) != 0) return refused("detach device program");
    return {};
}

}  // namespace

Result<DevicePolicy> device_policy(std::span<const DeviceRule> rules) {
    DevicePolicy policy;
    for (const DeviceRule& rule : rules) {
        const Exception one{rule.type == 'b' ? std::uint32_t{BPF_DEVCG_DEV_BLOCK}
                                             : std::uint32_t{BPF_DEVCG_DEV_CHAR},
                            TRY(number_of(rule.major)), TRY(number_of(rule.minor)),
                            TRY(access_of(rule))};
        if (rule.type == 'a')
            policy = {rule.allow, {}};  // as version 1: about all devices, whatever follows
        else if (rule.type == 'b' || rule.type == 'c')
            add(policy, rule.allow, one);
        else
            return fail(Code::invalid, "read device rule: type ", std::string(1, rule.type));
    }
    return policy;
}

std::vector<bpf_insn> device_program(const DevicePolicy& policy) {
    Assembler out;
    out.load(kType, offsetof(bpf_cgroup_dev_ctx, access_type));
    out.copy(kAccess, kType);
    out.mask(kType, 0xffff);
    out.shift_right(kAccess, 16);
    out.load(kMajor, offsetof(bpf_cgroup_dev_ctx, major));
    out.load(kMinor, offsetof(bpf_cgroup_dev_ctx, minor));
    for (const Exception& one : policy.exceptions) emit_exception(out, policy, one);
    out.give(policy.allow);
    return out.finish();
}

Result<int> DeviceFilters::load(const DevicePolicy& policy) {
    const std::vector<bpf_insn> program = device_program(policy);
    static_assert(sizeof(bpf_insn) == sizeof(std::uint64_t));
    std::vector<std::uint64_t> words(program.size());
    std::memcpy(words.data(), program.data(), program.size() * sizeof(bpf_insn));
    if (const auto found = programs_.find(words); found != programs_.end())
        return found->second.get();

    bpf_attr attributes{};
    attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attributes.insns = reinterpret_cast<std::uintptr_t>(program.data());
    attributes.insn_cnt = static_cast<std::uint32_t>(program.size());
    attributes.license = reinterpret_cast<std::uintptr_t>("Apache-2.0");
    std::strncpy(attributes.prog_name, "davit_devices", sizeof attributes.prog_name - 1);
    Fd loaded(static_cast<int>(bpf(BPF_PROG_LOAD, attributes)));  // always close-on-exec
    if (!loaded) return refused("load device program");
    if (programs_.size() >= kMostPrograms) programs_.clear();
    return programs_.emplace(std::move(words), std::move(loaded)).first->second.get();
}

Result<void> DeviceFilters::apply(int group, const DevicePolicy& policy) {
    std::vector<std::uint32_t> old = TRY(attached_programs(group));
    if (!policy.allow || !policy.exceptions.empty()) {
        const std::lock_guard lock(mutex_);
        const int program = TRY(load(policy));
        const std::uint32_t id = TRY(id_of(program));
        if (std::erase(old, id) == 0) TRY(attach(group, program));  // not twice: EINVAL
    }
    for (const std::uint32_t id : old) TRY(detach(group, id));
    return {};
}

}  // namespace davit::sdk
