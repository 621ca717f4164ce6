// SPDX-License-Identifier: Apache-2.0
// Which fields of a create body the engine acts on, and the defaults it fills in: the one table
// that decides between "used", "may only have its default" and "refused by name" (seams rule 9).
#pragma once

#include "sdk/base/result.hpp"

#include <boost/json/fwd.hpp>
#include <string_view>

namespace davit::container {

// `body` with every field checked: `unsupported` for one that asks for what is not built yet.
Result<void> refuse_unbuilt(const boost::json::object& body);

// The documents that inspect shows for a container created with an empty body (API 1.51).
boost::json::object default_config();
boost::json::object default_host_config();

// Whether a value says nothing: null, false, 0, "", or an array or object of such values only.
bool says_nothing(const boost::json::value& value);

}  // namespace davit::container
