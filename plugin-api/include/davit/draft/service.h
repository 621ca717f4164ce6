/* SPDX-License-Identifier: Apache-2.0
 * Draft. Service drivers ("davit.service/1": docker-api, …) use the engine through the host table "davit.engine/1":
 * submit, query, cancel, subscribe. Bodies are those of the Docker Engine API 1.51, in JSON; a service only routes
 * and frames.
 *
 * A job changes state or streams; it has an id and a record. A query reads a snapshot. Both name an operation
 * ("container.create") and carry two JSON documents: `args` (an object: what the API has in path and query, by the API
 * description's names, typed as strings, what may be repeated as lists of strings; and "version", the client's API
 * version) and `body` (as the client sent it).
 */
#ifndef DAVIT_SERVICE_H
#define DAVIT_SERVICE_H

#include "davit/module.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DAVIT_SERVICE "davit.service/1"
#define DAVIT_ENGINE "davit.engine/1"

typedef struct davit_operation {
    uint32_t size;
    int32_t input_fd;         /* what the client streams in (an archive); -1: nothing. Borrowed. Its end is the
                                 archive's only while the call is not cancelled: a client that breaks off cancels */
    davit_str name;           /* "container.start" */
    davit_str args;           /* JSON object; empty: {} */
    davit_str body;           /* JSON; empty: none */
    davit_str auth;           /* X-Registry-Auth, decoded JSON; never logged */
    uint32_t peer_uid;        /* of the client's process; UINT32_MAX: unknown */
    uint32_t padding;
} davit_operation;

/* What a job or query hands over through `call->emit`, in the operation's order. */
#define DAVIT_ANSWER_RESULT 1u    /* the JSON result: the body of the answer. At most one of a job */
#define DAVIT_ANSWER_PROGRESS 2u  /* a JSON object of the operation's progress stream (a pull's lines) or of an event stream */
#define DAVIT_ANSWER_OUTPUT 3u    /* bytes that the container wrote: `stream` and `text` */
#define DAVIT_ANSWER_STREAMS 4u   /* the container's streams; descriptors pass to the receiver, which makes them non-blocking
                                     and serves them once the operation has returned: emit it, and return. `text`: the
                                     detach keys asked for when an exec session was made */
#define DAVIT_ANSWER_BYTES 5u     /* raw bytes of a stream that is not JSON (an archive). A _RESULT before
                                         the first one is the JSON that describes the path (PathStat) */
#define DAVIT_ANSWER_JOB 6u       /* the job's id, first of all its answers */
#define DAVIT_ANSWER_STARTED 7u   /* the operation will succeed or stream: the status line is sent now (wait,
                                         logs, events). What fails later is told inside the stream (exec.start) */
#define DAVIT_ANSWER_SAME 8u      /* already so: nothing was changed (HTTP 304) */

typedef struct davit_answer {
    uint32_t size;
    uint32_t kind;            /* DAVIT_ANSWER_… */
    davit_str text;
    uint32_t stream;          /* of _OUTPUT: 1 stdout, 2 stderr */
    uint32_t tty;             /* of _OUTPUT, _STREAMS and _STARTED: 1 when the container has a terminal: no framing */
    int32_t in;               /* of _STREAMS: write here, or -1. On success of emit owned by the receiver */
    int32_t out;              /* of _STREAMS: read here, or -1 */
    int32_t err;              /* of _STREAMS: read here, or -1 */
    uint32_t padding;
} davit_answer;

typedef struct davit_job_key {
    uint32_t size;
    uint32_t padding;
    davit_str id;
} davit_job_key;

typedef struct davit_engine {
    uint32_t size;
    uint32_t padding;

    /* Runs a job to its end on this thread; answers come through call->emit as davit_answer. call->cancelled ends it.
     * Errors: the job's; UNSUPPORTED for an operation that this engine does not know.                       [any] */
    davit_status (*submit)(const davit_host *host, const davit_call *call, const davit_operation *req);

    /* Answers from a snapshot, without container locks.                                                    [any] */
    davit_status (*query)(const davit_host *host, const davit_call *call, const davit_operation *req);

    /* Asks a running job to stop. Errors: NOT_FOUND; CONFLICT when it has ended.                           [any] */
    davit_status (*cancel)(const davit_host *host, const davit_call *call, const davit_job_key *req);

    /* Emits events as _PROGRESS answers (API 1.51 EventMessage) until the call is cancelled or `until` is reached.
     * args: since, until, filters.                                                                          [any] */
    davit_status (*subscribe)(const davit_host *host, const davit_call *call, const davit_operation *req);
} davit_engine;

/* How a service is started. It owns its threads until `stop`. */
typedef struct davit_service_start {
    uint32_t size;
    uint32_t listener_count;
    const int32_t *listeners; /* bound and listening stream sockets. Owned by the host; valid until `stop` returns */
    const davit_str *addresses; /* of the listeners, as configured: "unix:///run/davit/davit.sock" */
} davit_service_start;

typedef struct davit_service {
    uint32_t size;
    uint32_t padding;
    /* Serves from here on, on threads of its own. Errors: INVALID.                                   [exclusive] */
    davit_status (*start)(davit_instance *self, const davit_call *call, const davit_service_start *req);
    /* Accepts nothing new, ends every connection, returns when its threads have ended.               [exclusive] */
    davit_status (*stop)(davit_instance *self, const davit_call *call);
} davit_service;

#ifdef __cplusplus
}
#endif
#endif
