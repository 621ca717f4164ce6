/* SPDX-License-Identifier: Apache-2.0
 * Network drivers: "davit.network/1". Container Network Model: a network joins sandboxes (network namespaces) by
 * endpoints. The host owns names, addresses and host ports (each held by a bound socket of its own); the driver
 * owns links, routes and packet rules. Keys are the host's ids: [0-9a-f]{64}, or a name for built-in networks.
 */
#ifndef DAVIT_NETWORK_H
#define DAVIT_NETWORK_H

#include "davit/module.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DAVIT_NETWORK "davit.network/1"

#define DAVIT_IPV4 4u
#define DAVIT_IPV6 6u

/* An address with its prefix length; family 0: not given. IPv4 in the first four bytes. Network order. Frozen. */
typedef struct davit_address {
    uint8_t bytes[16];
    uint8_t family;           /* 0, DAVIT_IPV4, DAVIT_IPV6 */
    uint8_t prefix;           /* bits */
    uint8_t padding[6];
} davit_address;

/* A published port: what arrives for host_address:host_port goes to container_port. Frozen. */
typedef struct davit_port {
    davit_address host;       /* family 0: every address of both families; prefix unused */
    uint16_t host_port;       /* never 0: the host has chosen and holds it */
    uint16_t container_port;
    uint8_t protocol;         /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP */
    uint8_t padding[3];
} davit_port;

typedef struct davit_network_key {
    uint32_t size;
    uint32_t padding;
    davit_str network;
} davit_network_key;

#define DAVIT_NETWORK_INTERNAL 1u   /* nothing leaves, nothing enters */
#define DAVIT_NETWORK_DEFAULT 2u    /* the network that containers join when none is named */
#define DAVIT_NETWORK_ICC_OFF 4u    /* its containers do not reach each other */

typedef struct davit_network_create {
    uint32_t size;
    uint32_t flags;
    davit_str network;
    davit_str options;        /* JSON object, checked against the manifest's network schema */
    davit_address gateway4;   /* with the subnet's prefix; family 0: no IPv4 */
    davit_address gateway6;
    uint32_t mtu;             /* 0: the driver's choice */
    uint32_t padding;
    davit_str link;           /* wanted name of the link on the host; empty: the driver's choice */
} davit_network_create;

typedef struct davit_network_created {
    uint32_t size;
    uint32_t existed;         /* 1: it was there with the same settings, and nothing changed */
    char link[16];            /* name of the link on the host; empty: none */
} davit_network_created;

typedef struct davit_endpoint_key {
    uint32_t size;
    uint32_t padding;
    davit_str network;
    davit_str endpoint;
} davit_endpoint_key;

#define DAVIT_ENDPOINT_DEFAULT_ROUTE 1u

typedef struct davit_endpoint_attach {
    uint32_t size;
    int32_t netns_fd;         /* the sandbox; its lo is up. Borrowed */
    davit_str network;
    davit_str endpoint;
    davit_str interface;      /* exact name in the sandbox; empty: the first free prefix + number */
    davit_str interface_prefix; /* "eth" */
    uint8_t mac[6];           /* all zero: the driver's choice, derived from the address */
    uint8_t padding[2];
    uint32_t flags;
    uint32_t mtu;             /* 0: the network's */
    const davit_address *addresses;
    uint64_t address_count;
    davit_address gateway4;   /* of the default route; family 0: none */
    davit_address gateway6;
    const davit_port *ports;
    uint64_t port_count;
    const davit_kv *sysctls;  /* "net.ipv4.conf.IFNAME.…" */
    uint64_t sysctl_count;
    davit_str options;        /* JSON object, checked against the manifest's endpoint schema */
} davit_endpoint_attach;

typedef struct davit_endpoint_attached {
    uint32_t size;
    uint32_t index;           /* of the interface in the sandbox */
    char interface[16];
    uint8_t mac[6];
    uint8_t padding[2];
} davit_endpoint_attached;

typedef struct davit_endpoint_detach {
    uint32_t size;
    int32_t netns_fd;         /* -1: the sandbox is gone or going; its links die with it */
    davit_str network;
    davit_str endpoint;
} davit_endpoint_detach;

/* An endpoint that lives, with what must be in force for it. Same meaning as in davit_endpoint_attach. Frozen. */
typedef struct davit_endpoint_live {
    davit_str network;
    davit_str endpoint;
    const davit_address *addresses;
    uint64_t address_count;
    const davit_port *ports;
    uint64_t port_count;
} davit_endpoint_live;

typedef struct davit_network_retain {
    uint32_t size;
    uint32_t padding;
    const davit_str *networks;
    uint64_t network_count;
    const davit_endpoint_live *endpoints;
    uint64_t endpoint_count;
} davit_network_retain;

/* Emitted by `check` and by `retain`, one for each thing found. */
typedef struct davit_network_finding {
    uint32_t size;
    uint32_t repaired;
    davit_str object;         /* a network's or endpoint's key, or the name of a link or rule */
    davit_str text;           /* with the line that mends it, where the operator must */
} davit_network_finding;

typedef struct davit_endpoint_stats {
    uint32_t size;
    uint32_t padding;
    uint64_t rx_bytes, rx_packets, rx_errors, rx_dropped; /* as the container sees them */
    uint64_t tx_bytes, tx_packets, tx_errors, tx_dropped;
} davit_endpoint_stats;

typedef struct davit_network {
    uint32_t size;
    uint32_t padding;

    /* Makes the network on this host (a bridge, its address, its rules). Errors: EXISTS with other settings, or a
     * link of that name is someone else's; UNSUPPORTED option. A crash leaves nothing that `retain` does not
     * find.                                                                                              [keyed] */
    davit_status (*create_network)(davit_instance *self, const davit_call *call, const davit_network_create *req,
                                   davit_network_created *out);

    /* Takes it down; unknown is OK. Errors: BUSY while endpoints are attached.                           [keyed] */
    davit_status (*remove_network)(davit_instance *self, const davit_call *call, const davit_network_key *req);

    /* Gives the sandbox an interface with addresses and routes, and puts the published ports into force; packets
     * flow when it returns. Errors: NOT_FOUND network; EXISTS endpoint; on failure nothing is left.      [keyed] */
    davit_status (*attach)(davit_instance *self, const davit_call *call, const davit_endpoint_attach *req,
                           davit_endpoint_attached *out);

    /* Takes the endpoint and its rules away; unknown is OK, with or without the sandbox. Does not wait for the
     * kernel to dismantle links.                                                                         [keyed] */
    davit_status (*detach)(davit_instance *self, const davit_call *call, const davit_endpoint_detach *req);

    /* Compares what is in force with what should be (a firewall may have been flushed, another may drop packets),
     * emits a davit_network_finding for each difference, mends what is the driver's own.                   [any] */
    davit_status (*check)(davit_instance *self, const davit_call *call, const davit_network_key *req);

    /* The host's complete list of what lives, also after a restart: removes everything else of this engine's scope,
     * puts back what is missing, emits a davit_network_finding for each.                             [exclusive] */
    davit_status (*retain)(davit_instance *self, const davit_call *call, const davit_network_retain *req);

    /* out: counters of one endpoint. Errors: NOT_FOUND.                                                    [any] */
    davit_status (*stats)(davit_instance *self, const davit_call *call, const davit_endpoint_key *req,
                          davit_endpoint_stats *out);
} davit_network;

#ifdef __cplusplus
}
#endif
#endif
