// SPDX-License-Identifier: Apache-2.0
// --format of commands that show one object: version, info, inspect of one thing.
#pragma once

#include "sdk/base/result.hpp"

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

namespace davit::cli {

// `format`: "json" or a template. Ends with a newline.
Result<std::string> format_object(const boost::json::value& object, std::string_view format);
// Objects as inspect shows them: a JSON array indented by four without a format, else one formatted
// line for each.
class Inspection {
public:
    explicit Inspection(std::string_view format) : format_(format) {}
    // `text`: the daemon's own JSON, whose order and numbers are kept.
    Result<void> add(const std::string& text);
    Result<void> finish();  // prints

private:
    std::string format_, out_;
    bool empty_ = true;
};

}  // namespace davit::cli
