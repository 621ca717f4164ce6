// SPDX-License-Identifier: Apache-2.0
// Compiles seccomp policies to the kernel's filter programs, with libseccomp. Used by those who
// prepare processes; the processes themselves only install the bytes (seccomp_filter.hpp). No
// state, thread-safe.
#pragma once

#include "sdk/base/result.hpp"
#include "sdk/container/capabilities.hpp"

#include <string>
#include <string_view>

namespace davit::sdk {

// `policy`: the `linux.seccomp` object of an OCI config.json. System calls that this host's
// libseccomp does not know are passed over, as every runtime does; numbers beyond all that the
// policy names answer ENOSYS instead of its default error, so that programs built for newer kernels
// fall back. Errors: invalid; unsupported actions and flags.
Result<std::string> compile_seccomp(std::string_view policy);

// Davit's default policy (default_seccomp.json, rule R-17) for a process whose bounding set is
// `bounding`.
Result<std::string> compile_default_seccomp(CapabilityMask bounding);

// The policy file as it was built in: JSON with rules that depend on capabilities, architecture and
// kernel.
std::string_view default_seccomp_policy();

}  // namespace davit::sdk
