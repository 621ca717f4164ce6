// SPDX-License-Identifier: Apache-2.0
// Published ports: how `ps` shows them and how -p and --expose are read. Pure.
#pragma once

#include "cli/flags.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>

namespace davit::cli {

// The Ports of a container in a list → "0.0.0.0:80->80/tcp, [::]:80->80/tcp", neighbours joined to
// ranges.
std::string ports_text(const boost::json::array& ports);

// -p and --expose as the API takes them.
struct PortOptions {
    boost::json::object exposed;   // {"80/tcp": {}}
    boost::json::object bindings;  // {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}
};
// `published`: [ip:][host[-host]:]port[-port][/proto], IPv6 in brackets, or the long form
// "target=80,published=8080,…". Errors: invalid, naming the specification.
Result<PortOptions> parse_ports(const Strings& published, const Strings& exposed);

}  // namespace davit::cli
