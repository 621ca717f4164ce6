/* SPDX-License-Identifier: Apache-2.0
 * Registry drivers: "davit.registry/1". Where images come from and go to (OCI distribution specification 1.1).
 * The host verifies every digest itself; credentials come from "davit.host.secrets/1" or with the request.
 */
#ifndef DAVIT_REGISTRY_H
#define DAVIT_REGISTRY_H

#include "davit/module.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DAVIT_REGISTRY "davit.registry/1"

/* Which repository, and how to reach it. Frozen. */
typedef struct davit_repository {
    davit_str host;           /* "docker.io", "localhost:5000" */
    davit_str name;           /* "library/nginx" */
    davit_str auth;           /* JSON, as a client sends it in X-Registry-Auth, decoded; empty: ask the host */
} davit_repository;

typedef struct davit_registry_resolve {
    uint32_t size;
    uint32_t padding;
    davit_repository repository;
    davit_str reference;      /* a tag or a digest */
    const davit_str *accept;  /* media types, preferred first */
    uint64_t accept_count;
} davit_registry_resolve;

/* Emitted by `resolve` (one) and `referrers`. */
typedef struct davit_descriptor {
    uint32_t size;
    uint32_t padding;
    davit_str media_type;
    davit_str digest;         /* "sha256:…"; of a resolve by tag: of the bytes in `content` */
    uint64_t bytes;
    davit_str content;        /* the document itself if the registry sent it along; may be empty */
    davit_str artifact_type;
} davit_descriptor;

typedef struct davit_registry_fetch {
    uint32_t size;
    int32_t sink_fd;          /* the bytes are written here, in order. Borrowed, never closed */
    davit_repository repository;
    davit_str digest;
    davit_str media_type;     /* manifests and blobs live at different addresses */
    uint64_t offset;          /* first byte wanted */
    uint64_t length;          /* 0: to the end */
} davit_registry_fetch;

typedef struct davit_registry_fetched {
    uint32_t size;
    uint32_t padding;
    uint64_t bytes;           /* written to the sink, also on failure: the place to go on from */
} davit_registry_fetched;

typedef struct davit_registry_push_blob {
    uint32_t size;
    int32_t source_fd;        /* read to its end. Borrowed. -1: nothing is sent, the registry is only asked */
    davit_repository repository;
    davit_str digest;
    uint64_t bytes;
    davit_str mount_from;     /* a repository of the same host that may have it; empty: none */
} davit_registry_push_blob;

typedef struct davit_registry_pushed {
    uint32_t size;
    uint32_t existed;         /* 1: the registry had it, or mounted it: nothing was read */
} davit_registry_pushed;

typedef struct davit_registry_push_manifest {
    uint32_t size;
    uint32_t padding;
    davit_repository repository;
    davit_str reference;
    davit_str media_type;
    davit_str content;
} davit_registry_push_manifest;

typedef struct davit_registry_list {
    uint32_t size;
    uint32_t padding;
    davit_repository repository;
    davit_str digest;         /* of `referrers` and `remove` */
    davit_str artifact_type;  /* of `referrers`; empty: all */
} davit_registry_list;

/* Emitted by `tags`. */
typedef struct davit_registry_tag {
    uint32_t size;
    uint32_t padding;
    davit_str tag;
} davit_registry_tag;

typedef struct davit_registry_login {
    uint32_t size;
    uint32_t padding;
    davit_repository repository; /* `name` empty */
} davit_registry_login;

/* Emitted by `login`. */
typedef struct davit_registry_logged_in {
    uint32_t size;
    uint32_t padding;
    davit_str identity_token; /* empty: keep using the password */
} davit_registry_logged_in;

typedef struct davit_registry {
    uint32_t size;
    uint32_t padding;

    /* Emits the one davit_descriptor that a tag or digest names now.
     * Errors: NOT_FOUND repository or reference; DENIED; UNAVAILABLE (retry later).                        [any] */
    davit_status (*resolve)(davit_instance *self, const davit_call *call, const davit_registry_resolve *req);

    /* Writes the bytes of a blob or manifest to the sink and returns when all are written.
     * out: how many, also on failure. Errors: NOT_FOUND; DENIED; UNAVAILABLE when the connection broke (go on with
     * a larger offset); CANCELLED; INVALID when the sink refused.                                          [any] */
    davit_status (*fetch)(davit_instance *self, const davit_call *call, const davit_registry_fetch *req,
                          davit_registry_fetched *out);

    /* Errors: DENIED; NO_SPACE; UNAVAILABLE; CORRUPT when the registry disagrees about the digest; without a source
     * NOT_FOUND when the registry neither has the blob nor mounts it.                                      [any] */
    davit_status (*push_blob)(davit_instance *self, const davit_call *call, const davit_registry_push_blob *req,
                              davit_registry_pushed *out);
    davit_status (*push_manifest)(davit_instance *self, const davit_call *call,
                                  const davit_registry_push_manifest *req);                              /* [any] */

    /* Emits every davit_registry_tag. Errors: NOT_FOUND.                                                   [any] */
    davit_status (*tags)(davit_instance *self, const davit_call *call, const davit_registry_list *req);

    /* Emits a davit_descriptor for everything that refers to a digest.                                     [any] */
    davit_status (*referrers)(davit_instance *self, const davit_call *call, const davit_registry_list *req);

    /* Removes a manifest. Errors: NOT_FOUND; DENIED; UNSUPPORTED.                                          [any] */
    davit_status (*remove)(davit_instance *self, const davit_call *call, const davit_registry_list *req);

    /* Checks credentials and emits one davit_registry_logged_in. Errors: DENIED; UNAVAILABLE.              [any] */
    davit_status (*login)(davit_instance *self, const davit_call *call, const davit_registry_login *req);
} davit_registry;

#ifdef __cplusplus
}
#endif
#endif
