// SPDX-License-Identifier: Apache-2.0
// -e, --env-file, --label and --label-file: lists of KEY=VALUE from the command line and from
// files.
#pragma once

#include "cli/flags.hpp"

#include <boost/json/object.hpp>

namespace davit::cli {

// What the container gets: the files' lines first, then `given`. A bare KEY takes our own value,
// and is left out when we have none. Errors: invalid, not_found.
Result<Strings> environment_of(const Strings& files, const Strings& given);
// The same for labels, where a bare key has an empty value.
Result<boost::json::object> labels_of(const Strings& files, const Strings& given);
// "a=b" strings as an object. Errors: invalid, naming `flag`, when there is no '='.
Result<boost::json::object> pairs_of(std::string_view flag, const Strings& given);

}  // namespace davit::cli
