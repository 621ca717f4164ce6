/* SPDX-License-Identifier: Apache-2.0
 * What the host lends to an instance for its whole life, by string id.
 */
#ifndef DAVIT_HOST_H
#define DAVIT_HOST_H

#include "davit/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct davit_host davit_host;
struct davit_host {
    uint32_t size;
    uint32_t minor;          /* DAVIT_ABI_MINOR of the host */
    void *engine;            /* the host's own */
    davit_str name;          /* "davitd 0.1.0" */

    /* The table of a host service, or NULL.                                                                 [any] */
    const void *(*get)(const davit_host *host, davit_str id);

    /* One line in the engine's log, outside any call. Copied before return.                                 [any] */
    void (*log)(const davit_host *host, int32_t level, davit_str text, const davit_kv *fields, uint64_t count);
};

/* "davit.host.secrets/1": credentials that the engine keeps and never logs. */
#define DAVIT_HOST_SECRETS "davit.host.secrets/1"

typedef struct davit_secret_request {
    uint32_t size;
    uint32_t padding;
    davit_str kind;          /* "registry" */
    davit_str name;          /* registry: host or host:port, or the credential key of the default registry */
} davit_secret_request;

/* Emitted, at most one. */
typedef struct davit_secret {
    uint32_t size;
    uint32_t padding;
    davit_str username;
    davit_str password;
    davit_str identity_token; /* an OAuth2 refresh token; then username and password are empty */
    davit_str registry_token; /* a bearer token to be sent as it is */
} davit_secret;

typedef struct davit_host_secrets {
    uint32_t size;
    uint32_t padding;
    /* Emits the secret that belongs to `name`, through `call`, if there is one.
     * Errors: NOT_FOUND.                                                                                    [any] */
    davit_status (*find)(const davit_host *host, const davit_call *call, const davit_secret_request *req);
} davit_host_secrets;

/* "davit.host.launch/1": the sealed copy of an executable that came with the engine (docs/adr/0004). */
#define DAVIT_HOST_LAUNCH "davit.host.launch/1"

typedef struct davit_executable_request {
    uint32_t size;
    uint32_t padding;
    davit_str name;          /* "davit-launch" */
} davit_executable_request;

typedef struct davit_executable {
    uint32_t size;
    int32_t fd;              /* to be run through /proc/self/fd/N; nobody can write it. Owned by the host for ever */
} davit_executable;

typedef struct davit_host_launch {
    uint32_t size;
    uint32_t padding;
    /* Errors: NOT_FOUND.                                                                                    [any] */
    davit_status (*executable)(const davit_host *host, const davit_call *call, const davit_executable_request *req,
                               davit_executable *out);
} davit_host_launch;

#ifdef __cplusplus
}
#endif
#endif
