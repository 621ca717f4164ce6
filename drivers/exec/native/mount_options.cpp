// SPDX-License-Identifier: Apache-2.0
#include "drivers/exec/native/mount_options.hpp"

#include <sys/mount.h>
#include <algorithm>
#include <array>

namespace davit::native {

namespace {

struct Attribute {
    std::string_view word;
    std::uint64_t bits;
    bool set;  // else cleared
};

// With "r" in front they hold for the mounts below too (mount(8) of the runtime specification:
// "rro", "rnosuid", …).
constexpr std::array<Attribute, 15> kAttributes = {{
    {"ro", MOUNT_ATTR_RDONLY, true},
    {"rw", MOUNT_ATTR_RDONLY, false},
    {"nosuid", MOUNT_ATTR_NOSUID, true},
    {"suid", MOUNT_ATTR_NOSUID, false},
    {"nodev", MOUNT_ATTR_NODEV, true},
    {"dev", MOUNT_ATTR_NODEV, false},
    {"noexec", MOUNT_ATTR_NOEXEC, true},
    {"exec", MOUNT_ATTR_NOEXEC, false},
    {"nodiratime", MOUNT_ATTR_NODIRATIME, true},
    {"diratime", MOUNT_ATTR_NODIRATIME, false},
    {"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, true},
    {"symfollow", MOUNT_ATTR_NOSYMFOLLOW, false},
    {"noatime", MOUNT_ATTR_NOATIME, true},
    {"strictatime", MOUNT_ATTR_STRICTATIME, true},
    {"relatime", MOUNT_ATTR_RELATIME, true},
}};

constexpr std::array<std::pair<std::string_view, std::uint64_t>, 4> kPropagations = {
    {{"private", MS_PRIVATE},
     {"slave", MS_SLAVE},
     {"shared", MS_SHARED},
     {"unbindable", MS_UNBINDABLE}}};

void apply(const Attribute& attribute, std::uint64_t& set, std::uint64_t& clear) {
    const bool time = attribute.word.ends_with("atime") && !attribute.word.ends_with("diratime");
    if (time) {  // one of several values of a field: the field has to be cleared to be set
        set = (set & ~std::uint64_t{MOUNT_ATTR__ATIME}) | attribute.bits;
        clear |= MOUNT_ATTR__ATIME;
        return;
    }
    (attribute.set ? set : clear) |= attribute.bits;
    (attribute.set ? clear : set) &= ~attribute.bits;
}

bool apply_attribute(std::string_view word, MountConfig& mount) {
    for (const Attribute& attribute : kAttributes) {
        if (word == attribute.word) {
            apply(attribute, mount.set, mount.clear);
            return true;
        }
        if (word.starts_with('r') && word.substr(1) == attribute.word) {
            apply(attribute, mount.set_tree, mount.clear_tree);
            return true;
        }
    }
    return false;
}

}  // namespace

Result<std::uint64_t> propagation_of(const std::string& word) {
    const bool tree = word.starts_with('r');
    for (const auto& [name, flag] : kPropagations)
        if (word == name || (tree && std::string_view(word).substr(1) == name))
            return flag | (word == name ? 0u : std::uint64_t{MS_REC});
    return fail(Code::invalid, "read mount option: ", word, " is no propagation");
}

Result<void> apply_options(const std::vector<std::string>& options, MountConfig& mount) {
    for (const std::string& option : options) {
        if (option.empty() || option == "defaults") continue;
        if (option == "bind" || option == "rbind") {
            mount.type = "bind";
        } else if (apply_attribute(option, mount)) {
            continue;
        } else if (auto propagation = propagation_of(option)) {
            mount.propagation = *propagation;
        } else if (option == "tmpcopyup" || option == "idmap" || option == "ridmap") {
            return fail(Code::unsupported, "read mount option: ", option,
                        " is not supported by the native exec driver");
        } else {
            mount.parameters.push_back(option);
        }
    }
    if (mount.type == "none") mount.type = "bind";
    return {};
}

}  // namespace davit::native
