// SPDX-License-Identifier: Apache-2.0
#include "sdk/base/result.hpp"

#include <cerrno>
#include <cstring>

namespace davit {

std::string_view code_name(Code code) {
    switch (code) {
        case Code::ok: return "ok";
        case Code::invalid: return "invalid";
        case Code::not_found: return "not found";
        case Code::exists: return "exists";
        case Code::busy: return "busy";
        case Code::conflict: return "conflict";
        case Code::denied: return "denied";
        case Code::no_space: return "no space";
        case Code::unsupported: return "unsupported";
        case Code::unavailable: return "unavailable";
        case Code::cancelled: return "cancelled";
        case Code::deadline: return "deadline";
        case Code::corrupt: return "corrupt";
        case Code::internal: break;
    }
    return "internal";
}

Code code_of_errno(int number) {
    switch (number) {
        case 0: return Code::ok;
        case EINVAL:
        case ENAMETOOLONG:
        case ENOTDIR:
        case EISDIR:
        case ELOOP: return Code::invalid;
        case ENOENT:
        case ESRCH:
        case ENXIO:
        case ENODEV: return Code::not_found;
        case EEXIST:
        case EADDRINUSE: return Code::exists;
        case EBUSY:
        case ETXTBSY: return Code::busy;
        case ENOTEMPTY: return Code::conflict;
        case EPERM:
        case EACCES:
        case EROFS: return Code::denied;
        case ENOSPC:
        case EDQUOT:
        case EFBIG: return Code::no_space;
        case EOPNOTSUPP:
        case ENOSYS:
        case EPROTONOSUPPORT:
        case EAFNOSUPPORT: return Code::unsupported;
        case EAGAIN:
        case ECONNREFUSED:
        case ECONNRESET:
        case EPIPE:
        case ENETUNREACH:
        case EHOSTUNREACH:
        case EMFILE:
        case ENFILE: return Code::unavailable;
        case ECANCELED: return Code::cancelled;
        case ETIMEDOUT: return Code::deadline;
        case EBADMSG:
        case EILSEQ: return Code::corrupt;
        default: return Code::internal;
    }
}

std::string errno_text(int number) {
    char buffer[128];
    std::string text = ::strerror_r(number, buffer, sizeof buffer);  // GNU form: returns the text
    // Only the first letter: "Input/output error" becomes "input/output error", names such as RFS
    // stay.
    if (text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && !(text[1] >= 'A' && text[1] <= 'Z'))
        text[0] = static_cast<char>(text[0] - 'A' + 'a');
    return text;
}

Error os_error(int number, std::string_view doing) {
    return Error{code_of_errno(number), number, std::string(doing) + ": " + errno_text(number)};
}

Error os_error(std::string_view doing) { return os_error(errno, doing); }

}  // namespace davit
