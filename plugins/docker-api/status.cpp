// SPDX-License-Identifier: Apache-2.0
#include "plugins/docker-api/status.hpp"

namespace davit::docker_api {

// Where HTTP has a finer number than docker's own daemon uses (507, 499, 504), the daemon's wins:
// clients branch on 304, 400, 401, 403, 404, 409, 501 and 503, and print the message of anything
// else.
unsigned http_status(Code code) {
    switch (code) {
        case Code::ok: return 200;
        case Code::invalid: return 400;
        case Code::denied: return 403;
        case Code::not_found: return 404;
        case Code::exists:  // docker: a name in use is a conflict
        case Code::busy:    // docker: an image in use, a removal under way
        case Code::conflict: return 409;
        case Code::unsupported: return 501;
        case Code::unavailable:
        case Code::cancelled:
            return 503;  // cancelled by another client, or the service stops: trying again may help
        case Code::no_space:
        case Code::deadline:
        case Code::corrupt:
        case Code::internal: break;
    }
    return 500;
}

std::string_view reason_phrase(unsigned status) {
    switch (status) {
        case 100: return "Continue";
        case 101: return "UPGRADED";  // docker's word
        case 200: return "OK";
        case 201: return "Created";
        case 204: return "No Content";
        case 304: return "Not Modified";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 408: return "Request Timeout";
        case 409: return "Conflict";
        case 413: return "Content Too Large";
        case 414: return "URI Too Long";
        case 417: return "Expectation Failed";
        case 431: return "Request Header Fields Too Large";
        case 500: return "Internal Server Error";
        case 501: return "Not Implemented";
        case 503: return "Service Unavailable";
        case 505: return "HTTP Version Not Supported";
        default: return {};
    }
}

}  // namespace davit::docker_api
