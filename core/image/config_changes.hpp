// SPDX-License-Identifier: Apache-2.0
// The instructions of `commit --change` and `import --change`: those lines of a Dockerfile that
// only touch an image's configuration. No state.
#pragma once

#include "sdk/base/result.hpp"

#include <boost/json/fwd.hpp>
#include <string>
#include <vector>

namespace davit::image {

// What a new image takes from a container's Config: `asked` (of the request, changed as above)
// wins; environment, labels, ports and volumes of both come together; a new entrypoint drops the
// command.
boost::json::object merge_config(boost::json::object asked, const boost::json::object& container);

// CMD ENTRYPOINT ENV EXPOSE HEALTHCHECK LABEL ONBUILD STOPSIGNAL USER VOLUME WORKDIR, one to a
// line. `config` is the configuration's own "config" object. Errors: invalid, with the line;
// unsupported for instructions that build something.
Result<void> apply_changes(boost::json::object& config, const std::vector<std::string>& changes);

}  // namespace davit::image
