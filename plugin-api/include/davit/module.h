/* SPDX-License-Identifier: Apache-2.0
 * What a driver file exports: one symbol, davit_module_v0, and one ELF note, .note.davit, that holds the manifest.
 * Calling the symbol has no side effect. The file is never unloaded.
 */
#ifndef DAVIT_MODULE_H
#define DAVIT_MODULE_H

#include "davit/base.h"
#include "davit/host.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DAVIT_MODULE_SYMBOL "davit_module_v0"
/* The note: name "davit", this type, descriptor = the manifest as JSON without a NUL. */
#define DAVIT_NOTE_NAME "davit"
#define DAVIT_NOTE_TYPE 0x64617601u
#define DAVIT_NOTE_SECTION ".note.davit"

/* One opened instance of a driver. The driver allocates it and embeds it as its first member. */
typedef struct davit_instance davit_instance;
struct davit_instance {
    uint32_t size;
    uint32_t padding;

    /* The table of an interface or ability ("davit.storage/1", "davit.storage.rebase/1"), or NULL when this instance
     * does not offer it here and now. The answer never changes while the instance is open.                  [any] */
    const void *(*get)(davit_instance *self, davit_str id);

    /* Ends the instance and frees it. Comes last, with no other call under way. What the instance holds in the
     * kernel for containers stays.                                                                    [exclusive] */
    void (*close)(davit_instance *self, const davit_call *call);
};

/* How an instance is opened. */
typedef struct davit_open {
    uint32_t size;
    int32_t state_fd;        /* directory of this instance under the data root, 0700, the driver's alone. Borrowed */
    const davit_host *host;  /* valid until `close` returns */
    davit_str instance;      /* the instance's name */
    davit_str config;        /* JSON object, already checked against the manifest's schema, defaults filled in */
    davit_str scope;         /* 8 hex digits that tell this engine from others on the host: put them into every
                                name that is global (tables, links, cgroups) */
} davit_open;

typedef struct davit_opened {
    uint32_t size;
    uint32_t padding;
    davit_instance *instance; /* owned by the caller, who ends it by its `close` */
} davit_opened;

/* A driver of a module: one kind, one name. */
typedef struct davit_driver {
    uint32_t size;
    uint32_t state_version;       /* of the state on disk that `open` writes */
    uint32_t state_version_oldest; /* that `open` still reads */
    uint32_t padding;
    davit_str kind;               /* "storage", "network", "exec", "registry", "log", "service" */
    davit_str name;               /* "overlay" */

    /* Opens an instance; recovers what an earlier process left in `state_fd`, after any crash.
     * out: the instance. Errors: INVALID configuration; UNSUPPORTED on this host, with the reason; CORRUPT state.
     * On failure nothing is left open.                                                                [exclusive] */
    davit_status (*open)(const davit_call *call, const davit_open *req, davit_opened *out);

    /* Whether `open` would work on this host, without changing anything: emits one davit_probed per ability.
     * Errors: UNSUPPORTED when the driver cannot work here, with the reason.                                [any] */
    davit_status (*probe)(const davit_call *call, const davit_open *req);
} davit_driver;

/* What `probe` found of one ability. */
typedef struct davit_probed {
    uint32_t size;
    uint32_t available;      /* 0 or 1 */
    davit_str ability;       /* "davit.storage.quota/1" */
    davit_str reason;        /* "no: ext4 without project quota"; empty when available */
} davit_probed;

typedef struct davit_module {
    uint32_t size;
    uint32_t built_minor;    /* DAVIT_ABI_MINOR of the headers it was built with */
    uint32_t required_minor; /* the oldest host it works with: the only load test */
    uint32_t driver_count;
    const davit_driver *const *drivers;
    davit_str version;       /* of the module, for people */
} davit_module;

/* The one exported symbol of major version 0. */
typedef const davit_module *(*davit_module_fn)(void);

#ifdef __cplusplus
}
#endif
#endif
