// SPDX-License-Identifier: Apache-2.0
// Boost.JSON itself, compiled here once, so that no program of ours links libboost_json.so.
#include <boost/json/src.hpp>
