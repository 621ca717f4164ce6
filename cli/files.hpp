// SPDX-License-Identifier: Apache-2.0
// Small files that the user names.
#pragma once

#include "sdk/base/result.hpp"

#include <string>
#include <string_view>

namespace davit::cli {

// The whole file; "-" is stdin. Errors: the system's, naming the path; invalid past 16 MiB.
Result<std::string> read_file(const std::string& path);
// Makes the file in one step, not to be written by anyone else: mode 0600, or the mode it had.
// Follows a link.
Result<void> replace_file(const std::string& path, std::string_view text);
// Makes a file that must not be there yet (--cidfile).
Result<void> create_file(const std::string& path, std::string_view text);
// An absolute path without "." and "..", from the current directory.
std::string absolute_path(std::string_view path);

}  // namespace davit::cli
