// SPDX-License-Identifier: Apache-2.0
// The figures of `stats` as people read them, from two answers of the engine. Pure.
#pragma once

#include "cli/flags.hpp"

#include <boost/json/object.hpp>
#include <string>

namespace davit::cli {

// A row for Listing: Container, ID, Name, CPUPerc, MemUsage, MemPerc, NetIO, BlockIO, PIDs.
// `before`: an earlier answer, or empty: its processor time is not known yet. `given`: how the
// user named it.
boost::json::object usage_row(const std::string& given, const boost::json::object& now,
                              const boost::json::object& before, bool whole_id);

}  // namespace davit::cli
