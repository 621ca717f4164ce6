// SPDX-License-Identifier: Apache-2.0
// What several operations on images read from their arguments and tell on the way.
#pragma once

#include "core/image/platform.hpp"
#include "core/image/progress_lines.hpp"
#include "core/job/job.hpp"

#include <boost/json/fwd.hpp>
#include <optional>

namespace davit::engine {

// `platform`: "linux/arm64/v8", or the JSON of newer clients; none when it is absent.
Result<std::optional<image::Platform>> platform_of(const job::Job& job);
// A line of a pull's or push's story.
boost::json::object progress_line(const image::PullProgress& progress);

}  // namespace davit::engine
