// SPDX-License-Identifier: Apache-2.0
// Where an archive goes: a file that is there whole or not at all, or stdout. Used by save and
// export.
#pragma once

#include "sdk/client/client.hpp"

#include <string>

namespace davit::cli {

// Asks for the archive and writes it to `path`; empty: to stdout, which must be no terminal then.
Result<void> write_archive(sdk::Client& client, const sdk::Call& call, const std::string& path);

}  // namespace davit::cli
