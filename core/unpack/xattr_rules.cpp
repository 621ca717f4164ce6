// SPDX-License-Identifier: Apache-2.0
#include "core/unpack/xattr_rules.hpp"

#include <sys/xattr.h>
#include <cerrno>

namespace davit::unpack {

Result<void> check_xattrs(const std::vector<Xattr>& xattrs) {
    for (const Xattr& xattr : xattrs)
        if (xattr.name.starts_with("trusted.overlay.") || xattr.name.starts_with("user.overlay."))
            return fail(Code::invalid, "read extended attribute ", xattr.name,
                        ": it belongs to the overlay file system");
    return {};
}

Result<void> set_xattrs(int file, const std::vector<Xattr>& xattrs) {
    for (const Xattr& xattr : xattrs) {
        if (!xattr.name.starts_with("user.") && xattr.name != "security.capability") continue;
        if (::fsetxattr(file, xattr.name.c_str(), xattr.value.data(), xattr.value.size(), 0) != 0)
            return os_error("set extended attribute " + xattr.name);
    }
    return {};
}

}  // namespace davit::unpack
