// SPDX-License-Identifier: Apache-2.0
#include "cli/json_lines.hpp"

#include <boost/json/object.hpp>
#include <boost/json/stream_parser.hpp>

namespace davit::cli {

Result<void> for_each_object(sdk::Stream& stream,
                             const std::function<Result<void>(const boost::json::object&)>& each) {
    boost::json::stream_parser parser;
    bool within = false;  // bytes of an object that is not complete
    for (;;) {
        auto bytes = TRY(stream.read());
        if (bytes.empty()) break;
        while (!bytes.empty()) {
            // White space between objects is not part of one, or the next object would look begun
            // already.
            if (!within)
                bytes.remove_prefix(std::min(bytes.find_first_not_of(" \t\r\n"), bytes.size()));
            if (bytes.empty()) break;
            boost::json::error_code error;
            bytes.remove_prefix(parser.write_some(bytes.data(), bytes.size(), error));
            if (error) return fail(Code::corrupt, "read the daemon's answer: ", error.message());
            within = !parser.done();
            if (within) continue;
            const auto value = parser.release();
            parser.reset();
            if (const auto* object = value.if_object()) TRY(each(*object));
        }
    }
    if (within) return fail(Code::unavailable, "read the daemon's answer: it ends in the middle");
    return {};
}

}  // namespace davit::cli
