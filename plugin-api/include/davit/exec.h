/* SPDX-License-Identifier: Apache-2.0
 * Exec drivers: "davit.exec/1". The payload is the OCI runtime specification's config.json.
 * Containers outlive the daemon: whatever a driver needs to find one again lies in its state directory. Every call
 * names a container's key and a session: "" is its first process, others come from `exec`.
 */
#ifndef DAVIT_EXEC_H
#define DAVIT_EXEC_H

#include "davit/module.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DAVIT_EXEC "davit.exec/1"
#define DAVIT_EXEC_TTY 1u
#define DAVIT_EXEC_STDIN 2u       /* stdin is a pipe that `attach` can write to; else /dev/null */
#define DAVIT_EXEC_STDIN_ONCE 4u  /* the first attached writer's end is the process's end of file */
#define DAVIT_EXEC_HOLD 8u        /* of a session: read from the first `attach` on, since no log keeps its output */

/* Where the first process's output goes, besides attached clients. A tty is logged too. */
typedef struct davit_exec_output {
    uint32_t size;
    uint32_t flags;           /* DAVIT_EXEC_TTY, _STDIN, _STDIN_ONCE */
    davit_str log_path;       /* absolute path of a json-file (Docker's format); empty: none */
    uint64_t log_max_bytes;   /* rotate past this; 0: never */
    uint32_t log_max_files;   /* 0 or 1: truncate instead of keeping old ones */
    uint16_t rows;            /* of the tty; 0: unset */
    uint16_t columns;
} davit_exec_output;

typedef struct davit_exec_create {
    uint32_t size;
    int32_t root_fd;          /* detached mount of the root file system. Borrowed; the driver keeps it as needed */
    int32_t netns_fd;         /* -1: make one, its lo up, and return it, where config.json asks for one. Borrowed */
    int32_t state_fd;         /* directory of this container under the exec root, 0700, the driver's alone. Borrowed */
    davit_str key;
    davit_str config;         /* OCI config.json; numeric users only */
    const int32_t *mounts;    /* one per entry of config's `mounts`: detached, or -1: the driver makes it. Borrowed */
    uint64_t mount_count;
    const davit_exec_output *output;
} davit_exec_create;

#define DAVIT_EXEC_CREATED 1u
#define DAVIT_EXEC_RUNNING 2u
#define DAVIT_EXEC_EXITED 3u
/* What the host watches of a container. Descriptors are owned by the host. */
typedef struct davit_exec_process {
    uint32_t size;
    int32_t pid;              /* in the host's pid namespace */
    int32_t pid_fd;           /* the process */
    int32_t keeper_fd;        /* a pidfd: readable once the root file system is let go */
    int32_t netns_fd;         /* the namespace made for netns_fd -1; else -1 */
    uint32_t state;           /* DAVIT_EXEC_CREATED, _RUNNING or _EXITED */
} davit_exec_process;

typedef struct davit_exec_key {
    uint32_t size;
    uint32_t padding;
    davit_str key;
    davit_str session;
} davit_exec_key;

#define DAVIT_ATTACH_STDIN 1u
#define DAVIT_ATTACH_STDOUT 2u
#define DAVIT_ATTACH_STDERR 4u
typedef struct davit_exec_attach {
    uint32_t size;
    uint32_t streams;         /* DAVIT_ATTACH_… */
    davit_str key;
    davit_str session;
} davit_exec_attach;

/* Ends of pipes or sockets, -1 where not asked; owned by the host. With a tty everything comes over `out`. */
typedef struct davit_exec_streams {
    uint32_t size;
    int32_t in;               /* write here; closing it closes nothing but this client, or, once, stdin itself */
    int32_t out;              /* end of file once the process and all holders of its stdout are gone */
    int32_t err;
    uint64_t log_offset;      /* bytes of the log file that came before what these streams carry */
    uint64_t log_file;        /* inode number of that log file */
} davit_exec_streams;

typedef struct davit_exec_signal {
    uint32_t size;
    int32_t signal;           /* number, 1 to 64 */
    davit_str key;
    davit_str session;
    uint32_t everyone;        /* 1: every process of the container's cgroup */
    uint32_t padding;
} davit_exec_signal;

typedef struct davit_exec_waiter {
    uint32_t size;
    int32_t fd;               /* readable once `exit_record` can answer. Owned by the host */
} davit_exec_waiter;

typedef struct davit_exec_exit {
    uint32_t size;
    int32_t code;             /* 0 to 255; 128 + n after signal n */
    int32_t signal;           /* 0: it exited by itself */
    uint32_t out_of_memory;   /* 1: the kernel killed it for its memory limit */
    uint32_t monitor_lost;    /* 1: the driver's record is missing; `code` is the best guess */
    uint32_t padding;
    int64_t time_ns;          /* CLOCK_REALTIME */
} davit_exec_exit;

typedef struct davit_exec_session {
    uint32_t size;
    uint32_t flags;           /* DAVIT_EXEC_TTY, _STDIN, _STDIN_ONCE, _HOLD */
    davit_str key;
    davit_str session;        /* new: [A-Za-z0-9]{1,64} */
    davit_str process;        /* the `process` object of an OCI config.json; numeric user */
    uint32_t privileged;      /* 1: the engine's seccomp policy does not apply */
    uint16_t rows;
    uint16_t columns;
} davit_exec_session;

typedef struct davit_exec_resize {
    uint32_t size;
    uint16_t rows;
    uint16_t columns;
    davit_str key;
    davit_str session;
} davit_exec_resize;

typedef struct davit_exec_update {
    uint32_t size;
    uint32_t padding;
    davit_str key;
    davit_str resources;      /* the `linux.resources` object of an OCI config.json: what changes */
} davit_exec_update;

typedef struct davit_exec_recover {
    uint32_t size;
    int32_t state_fd;         /* as given to `create`. Borrowed */
    davit_str key;
} davit_exec_recover;

/* A process of the container, emitted by `list`. */
typedef struct davit_exec_listed {
    uint32_t size;
    int32_t pid;              /* in the host's pid namespace */
} davit_exec_listed;

typedef struct davit_exec {
    uint32_t size;
    uint32_t padding;

    /* Makes everything but does not run the program: namespaces, root, mounts, limits stand. On failure, or when the
     * host dies before `start`, nothing is left. Errors: EXISTS key; INVALID config.                     [keyed] */
    davit_status (*create)(davit_instance *self, const davit_call *call, const davit_exec_create *req,
                           davit_exec_process *out);

    /* Lets the program execute. After an error the container is gone, its exit recorded. Errors: NOT_FOUND ("…: no such
     * file or directory"), DENIED ("…: permission denied") program; CONFLICT when started already.       [keyed] */
    davit_status (*start)(davit_instance *self, const davit_call *call, const davit_exec_key *req);

    /* Connects to the process's streams; any number of clients. What is written from here on arrives; earlier
     * output lies in the log before log_offset. Errors: NOT_FOUND; CONFLICT when it has ended.             [any] */
    davit_status (*attach)(davit_instance *self, const davit_call *call, const davit_exec_attach *req,
                           davit_exec_streams *out);

    /* Errors: NOT_FOUND; CONFLICT when it has ended.                                                       [any] */
    davit_status (*signal)(davit_instance *self, const davit_call *call, const davit_exec_signal *req);

    /* out: a descriptor to wait on, without blocking now. Errors: NOT_FOUND.                               [any] */
    davit_status (*wait)(davit_instance *self, const davit_call *call, const davit_exec_key *req,
                         davit_exec_waiter *out);

    /* out: how it ended. Errors: CONFLICT while it runs; NOT_FOUND.                                        [any] */
    davit_status (*exit_record)(davit_instance *self, const davit_call *call, const davit_exec_key *req,
                                davit_exec_exit *out);

    /* Runs one more process in the container; executed on return. Errors as of `start`, CONFLICT: not running. [any] */
    davit_status (*exec)(davit_instance *self, const davit_call *call, const davit_exec_session *req,
                         davit_exec_process *out);

    /* Errors: NOT_FOUND; CONFLICT without a tty.                                                           [any] */
    davit_status (*resize)(davit_instance *self, const davit_call *call, const davit_exec_resize *req);

    /* Changes limits of a running container. Errors: NOT_FOUND; INVALID; UNSUPPORTED.                    [keyed] */
    davit_status (*update)(davit_instance *self, const davit_call *call, const davit_exec_update *req);

    /* Removes what is left of an ended container or session; unknown is OK. Errors: BUSY while it runs.  [keyed] */
    davit_status (*remove)(davit_instance *self, const davit_call *call, const davit_exec_key *req);

    /* Finds an earlier process's container and its sessions by the state directory; every call works again. out: as of
     * `create`; EXITED, with an exit record, when it ended. Errors: NOT_FOUND: none in there; CORRUPT.   [keyed] */
    davit_status (*recover)(davit_instance *self, const davit_call *call, const davit_exec_recover *req,
                            davit_exec_process *out);

    /* Emits a davit_exec_listed for every process of the container. Errors: NOT_FOUND.                     [any] */
    davit_status (*list)(davit_instance *self, const davit_call *call, const davit_exec_key *req);
} davit_exec;

#ifdef __cplusplus
}
#endif
#endif
