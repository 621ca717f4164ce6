// SPDX-License-Identifier: Apache-2.0
// The one list of what daemon.json may say. docs/operator-guide/configuration.md is made from it.
#include "core/engine/config_source.hpp"

#include <boost/json.hpp>

namespace davit::engine {
namespace {

// Docker's keys keep Docker's names and meanings; the rest is Davit's own.
constexpr std::string_view kSchema = R"schema({
  "type": "object",
  "properties": {
    "data-root": { "type": "string", "pattern": "^/", "default": "/var/lib/davit",
      "description": "Everything that must survive: images, containers, volumes, the database. One davitd at a time." },
    "exec-root": { "type": "string", "pattern": "^/", "default": "/run/davit",
      "description": "What dies with the boot: sockets, state of running containers. Best on a tmpfs." },
    "pidfile": { "type": "string", "pattern": "^/",
      "description": "File that holds the process id. Default: davitd.pid in exec-root." },
    "hosts": { "type": "array", "minItems": 1, "items": { "type": "string" },
      "description": "Where to listen: unix:///path, tcp://address:port, or fd:// for what systemd hands over. Default: davit.sock in exec-root. TCP that others than this host reach needs tls." },
    "tls": { "type": "boolean", "default": false,
      "description": "TCP ports speak TLS; whoever reaches them is served." },
    "tlsverify": { "type": "boolean", "default": false,
      "description": "TCP ports speak TLS and serve only clients whose certificate tlscacert signed." },
    "tlscacert": { "type": "string", "pattern": "^/", "default": "/etc/davit/tls/ca.pem",
      "description": "PEM file: who signs the certificates of clients." },
    "tlscert": { "type": "string", "pattern": "^/", "default": "/etc/davit/tls/cert.pem",
      "description": "PEM file: the certificate of this daemon, with its chain." },
    "tlskey": { "type": "string", "pattern": "^/", "default": "/etc/davit/tls/key.pem",
      "description": "PEM file: its key." },
    "group": { "type": "string", "default": "davit",
      "description": "Group that may use the sockets (0660). Where there is no such group, they are root's alone (0600)." },
    "labels": { "type": "array", "items": { "type": "string", "pattern": "^[^=]+(=.*)?$" },
      "description": "key=value pairs that davit info shows." },
    "debug": { "type": "boolean", "default": false, "description": "The same as log-level debug." },
    "log-level": { "type": "string", "enum": ["debug", "info", "warn", "error", "fatal"], "default": "info",
      "description": "The least important messages that the daemon's own log takes." },
    "live-restore": { "type": "boolean", "default": true,
      "description": "Containers run on while davitd is down. false: they are stopped before davitd ends, as Docker does by default." },
    "cgroup-parent": { "type": "string", "pattern": "^/",
      "description": "Control group above those of all containers. Default: /davit-, then the first 8 hex digits of the SHA-256 of data-root." },
    "driver-path": { "type": "array", "items": { "type": "string", "pattern": "^/" },
      "description": "Further folders with driver files, searched after Davit's own. A driver from there is only listed until an instance names it." },
    "log-driver": { "type": "string", "enum": ["json-file", "none"], "default": "json-file",
      "description": "Where containers log, unless they say otherwise." },
    "log-opts": { "type": "object", "properties": {
        "max-size": { "type": "string", "pattern": "^(-1|[0-9]+[kKmMgG]?)$", "description": "A log file is rotated at this size: bytes, or with k, m or g. -1: never." },
        "max-file": { "type": "string", "pattern": "^[1-9][0-9]*$", "description": "How many files are kept when max-size is set." } },
      "description": "Options of the log driver, unless containers say otherwise." },
    "bridge": { "type": "string", "pattern": "^[A-Za-z0-9_.-]{1,15}$",
      "description": "Name of the default network's link on the host. Default: davit0, or the first free name." },
    "bip": { "type": "string", "pattern": "^[0-9a-fA-F.:]+/[0-9]{1,3}$",
      "description": "Address of the default bridge with its subnet's prefix: 172.20.0.1/16." },
    "mtu": { "type": "integer", "minimum": 0, "maximum": 65535, "default": 0,
      "description": "Largest packet of the default network, in bytes. 0: the driver's choice." },
    "default-address-pools": { "type": "array", "minItems": 1, "items": { "type": "object", "properties": {
        "base": { "type": "string", "pattern": "^[0-9a-fA-F.:]+/[0-9]{1,3}$", "description": "The range that is cut into subnets." },
        "size": { "type": "integer", "minimum": 1, "maximum": 128, "description": "Prefix length of each subnet." } },
        "required": ["base", "size"] },
      "description": "Where subnets come from when a network names none. Ranges that the host routes are left out." },
    "registry-mirrors": { "type": "array", "items": { "type": "string", "pattern": "^https?://[^/]+/?$" },
      "description": "Addresses that are asked before Docker Hub." },
    "insecure-registries": { "type": "array", "items": { "type": "string" },
      "description": "host, host:port or CIDR that may be reached over HTTP or with any certificate. Loopback always may." },
    "proxies": { "type": "object", "additionalProperties": false, "properties": {
        "http-proxy": { "type": "string", "description": "For registries that are asked over HTTP." },
        "https-proxy": { "type": "string", "description": "For registries that are asked over HTTPS." },
        "no-proxy": { "type": "string", "description": "Hosts that are asked directly, separated by commas. Loopback always is." } },
      "description": "How registries are reached; what is absent comes from HTTP_PROXY, HTTPS_PROXY and NO_PROXY." },
    "storage-driver": { "type": "string",
      "description": "The storage instance that is used when none is named: the same as storage.default." },
    "storage-opts": { "type": "array", "items": { "type": "string", "pattern": "^[^=]+=.*$" },
      "description": "key=value settings of the instance that storage-driver names; a prefix driver. is allowed." },
    "storage": @KIND@,
    "network": @KIND@,
    "exec": @KIND@,
    "service": @KIND@,
    "registry": { "type": "object", "properties": { @KIND_MEMBERS@,
        "mirrors": { "type": "object", "additionalProperties": { "type": "array", "items": { "type": "string", "pattern": "^https?://[^/]+/?$" } },
          "description": "Per registry host, addresses that are asked before it." },
        "credentials": { "type": "string", "pattern": "^/",
          "description": "A file as docker login writes it, mode 0600: used when a client sends no credentials of its own." } },
      "description": "Registry drivers." }
  }
})schema";

constexpr std::string_view kKindMembers = R"schema(
        "default": { "type": "string", "description": "The instance that is used when none is named. Default: the one there is; of several, the best that works on this host." },
        "instances": { "type": "object", "description": "Named, configured uses of drivers. Every driver that came with Davit has one of its own name; the same name here replaces it.",
          "additionalProperties": { "type": "object", "properties": {
            "driver": { "type": "string", "description": "Name of the driver. Default: the instance's name." },
            "isolation": { "type": "string", "enum": ["in-process", "process"],
              "description": "Where the driver runs. Drivers that came with Davit: in-process; others must be given it by name." },
            "sha256": { "type": "string", "pattern": "^[0-9a-f]{64}$", "description": "The driver file must have this SHA-256." },
            "config": { "type": "object", "additionalProperties": true, "description": "The driver's own settings: see davit driver inspect." } } } })schema";

std::string replaced(std::string text, std::string_view mark, std::string_view with) {
    for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + with.size()))
        text.replace(at, mark.size(), with);
    return text;
}

}  // namespace

const boost::json::object& config_schema() {
    static const boost::json::object schema = [] {
        const auto kind =
            R"({ "type": "object", "description": "Drivers of this kind.", "properties": {)" +
            std::string(kKindMembers) + "} }";
        const auto text = replaced(replaced(std::string(kSchema), "@KIND@", kind), "@KIND_MEMBERS@",
                                   kKindMembers);
        return boost::json::parse(text).as_object();
    }();
    return schema;
}

}  // namespace davit::engine
