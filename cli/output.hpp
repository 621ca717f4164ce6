// SPDX-License-Identifier: Apache-2.0
// Writing to the standard streams, whole and unbuffered. Used by every command.
#pragma once

#include "sdk/base/result.hpp"

#include <string>
#include <string_view>

namespace davit::cli {

// All of `bytes` to `fd`. Errors: the system's.
Result<void> write_all(int fd, std::string_view bytes);
Result<void> print(std::string_view text);  // to stdout
void print_error(std::string_view text);    // to stderr, which nobody can be told about if it fails
// "davit: <text>\n" to stderr.
void complain(std::string_view text);

}  // namespace davit::cli
