// SPDX-License-Identifier: Apache-2.0
// JSON objects that come one after the other in a stream: pull's progress, events. Used by those
// commands.
#pragma once

#include "sdk/client/client.hpp"

#include <functional>

namespace davit::cli {

// Calls `each` for every object, as soon as it is complete, until the stream ends or `each` fails.
Result<void> for_each_object(sdk::Stream& stream,
                             const std::function<Result<void>(const boost::json::object&)>& each);

}  // namespace davit::cli
