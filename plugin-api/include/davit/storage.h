/* SPDX-License-Identifier: Apache-2.0
 * Storage drivers: "davit.storage/1". Layers, each of them a tree of files under a key.
 *
 * Life of a layer:   (absent) --prepare--> prepared --commit--> committed --remove--> (absent)
 * A prepared layer is writable and may be removed as well; a committed one never changes. Keys match
 * [A-Za-z0-9][A-Za-z0-9._:-]{0,127} and mean nothing to a driver. After kill -9 or power loss between any two steps,
 * opening again shows every committed layer whole and every other key absent or removable.
 * Example, a pull of two layers and a container:
 *     prepare(new-1, "")      mount(new-1)   write      commit(new-1 as sha256:a)
 *     prepare(new-2, sha256:a) mount(new-2)  write      commit(new-2 as sha256:b)
 *     prepare(web, sha256:b)  mount(web)     run        release(web)   remove(web)
 */
#ifndef DAVIT_STORAGE_H
#define DAVIT_STORAGE_H

#include "davit/module.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DAVIT_STORAGE "davit.storage/1"
#define DAVIT_STORAGE_KEY_MAX 128u /* bytes of a key: a file name's 255 less room for a driver's own prefix */

typedef struct davit_storage_key {
    uint32_t size;
    uint32_t padding;
    davit_str key;
} davit_storage_key;

typedef struct davit_storage_prepare {
    uint32_t size;
    uint32_t padding;
    davit_str key;
    davit_str parent;         /* a committed layer, or empty */
    uint64_t limit_bytes;     /* 0: not asked. Only with "davit.storage.quota/1" */
    uint64_t limit_files;     /* 0: not asked. Only with "davit.storage.quota/1" */
    const davit_kv *labels;   /* hints; may be ignored */
    uint64_t label_count;
} davit_storage_prepare;

/* What a mount of the prepared layer shows. */
#define DAVIT_STORAGE_MERGED 0u /* the parent's files are visible; to delete one, remove it */
#define DAVIT_STORAGE_BARE 1u   /* this layer alone; a deletion is a character device 0:0, an opaque directory carries
                                   trusted.overlay.opaque=y (the overlay file system's own marks) */

typedef struct davit_storage_prepared {
    uint32_t size;
    uint32_t existed;         /* 1: the key was prepared already with this parent, and nothing changed */
    uint32_t view;            /* DAVIT_STORAGE_MERGED or _BARE; with a parent always MERGED */
    uint32_t padding;
} davit_storage_prepared;

#define DAVIT_STORAGE_READ_ONLY 1u /* flags of a mount; always set by the driver for a committed layer */
#define DAVIT_STORAGE_VOLATILE 2u  /* the files need not survive a crash of the host */

typedef struct davit_storage_mount {
    uint32_t size;
    uint32_t flags;
    davit_str key;
    const davit_idmap *idmaps; /* files appear through the map; on disk they stay unshifted */
    uint64_t idmap_count;
} davit_storage_mount;

typedef struct davit_storage_mounted {
    uint32_t size;
    int32_t mount_fd;         /* a detached mount (open_tree(2), fsmount(2)), owned by the caller; it can be attached
                                 once. The last close may block for the sync of the backing file system */
} davit_storage_mounted;

typedef struct davit_storage_commit {
    uint32_t size;
    uint32_t padding;
    davit_str key;            /* the prepared layer; gone afterwards */
    davit_str name;           /* the committed layer's key */
    davit_str parent;         /* empty: the one given to `prepare`. Else, only with "davit.storage.rebase/1" and a layer
                                 prepared without a parent: the committed layer that it comes to lie on */
} davit_storage_commit;

typedef struct davit_storage_committed {
    uint32_t size;
    uint32_t existed;         /* 1: `name` was committed already; `key` is gone all the same */
} davit_storage_committed;

#define DAVIT_STORAGE_PREPARED 1u
#define DAVIT_STORAGE_COMMITTED 2u

/* Filled by `stat`, emitted by `list`. Strings live until the call returns. */
typedef struct davit_storage_layer {
    uint32_t size;
    uint32_t state;           /* DAVIT_STORAGE_PREPARED or _COMMITTED */
    davit_str key;
    davit_str parent;
} davit_storage_layer;

typedef struct davit_storage_space {
    uint32_t size;
    uint32_t padding;
    uint64_t bytes;           /* allocated for this layer alone, without its parents (what du(1) counts) */
    uint64_t files;           /* inodes, the root included */
} davit_storage_space;

/* Everything that lives. `keys` is borrowed until the call returns. */
typedef struct davit_storage_retain {
    uint32_t size;
    uint32_t padding;
    const davit_str *keys;
    uint64_t key_count;
} davit_storage_retain;

typedef struct davit_storage_check {
    uint32_t size;
    uint32_t repair;          /* 1: mend what can be mended */
    davit_str key;            /* empty: everything */
} davit_storage_check;

/* Emitted by `check` and by `retain`, one for each thing found. */
typedef struct davit_storage_finding {
    uint32_t size;
    uint32_t repaired;        /* 1: it was mended or removed */
    davit_str key;
    davit_str text;
} davit_storage_finding;

typedef struct davit_storage {
    uint32_t size;
    uint32_t padding;

    /* Makes req->key a writable layer over the committed layer req->parent ("" = empty).
     * out: `existed` tells created or already there; `view` what a mount shows.
     * Errors: NOT_FOUND parent; EXISTS key with another parent, or committed; NO_SPACE; UNSUPPORTED when a limit cannot
     * be enforced. A crash at any point leaves the key absent or complete.                                [keyed] */
    davit_status (*prepare)(davit_instance *self, const davit_call *call, const davit_storage_prepare *req,
                            davit_storage_prepared *out);

    /* Shows a prepared layer (read-write unless asked otherwise) or a committed one (read-only).
     * out: a detached mount. The host keeps at most one read-write mount of a key.
     * Errors: NOT_FOUND; UNSUPPORTED idmap.                                                                [keyed] */
    davit_status (*mount)(davit_instance *self, const davit_call *call, const davit_storage_mount *req,
                          davit_storage_mounted *out);

    /* The host's word that no mount of the key is left. Idempotent. May never come after a crash: `open` starts with
     * everything released. Errors: none for an unknown key.                                                [keyed] */
    davit_status (*release)(davit_instance *self, const davit_call *call, const davit_storage_key *req);

    /* Turns a prepared, unmounted layer into the immutable layer req->name, atomically.
     * out: `existed`. Errors: NOT_FOUND key or parent; INVALID parent where none may be named.             [keyed] */
    davit_status (*commit)(davit_instance *self, const davit_call *call, const davit_storage_commit *req,
                           davit_storage_committed *out);

    /* Removes a layer; an unknown key is OK. Errors: BUSY while another layer has it as its parent.        [keyed] */
    davit_status (*remove)(davit_instance *self, const davit_call *call, const davit_storage_key *req);

    /* Emits one davit_storage_layer. Errors: NOT_FOUND.                                                      [any] */
    davit_status (*stat)(davit_instance *self, const davit_call *call, const davit_storage_key *req);

    /* Emits every layer as davit_storage_layer, in no order.                                                 [any] */
    davit_status (*list)(davit_instance *self, const davit_call *call);

    /* out: the space of one layer. Errors: NOT_FOUND; CANCELLED.                                             [any] */
    davit_status (*usage)(davit_instance *self, const davit_call *call, const davit_storage_key *req,
                          davit_storage_space *out);

    /* Returns once every layer committed before the call would survive a power loss.                         [any] */
    davit_status (*sync)(davit_instance *self, const davit_call *call);

    /* The host's complete list of what lives: removes every other key and all leftovers of crashes; emits one
     * davit_storage_finding for each.                                                                  [exclusive] */
    davit_status (*retain)(davit_instance *self, const davit_call *call, const davit_storage_retain *req);

    /* Looks for damage, and mends it if asked; emits one davit_storage_finding for each.
     * Errors: NOT_FOUND key; CORRUPT when something could not be mended.                                   [keyed] */
    davit_status (*check)(davit_instance *self, const davit_call *call, const davit_storage_check *req);
} davit_storage;

/* Abilities without operations of their own are tables that hold only their size. */
#define DAVIT_STORAGE_REBASE "davit.storage.rebase/1" /* commit may name the parent: layers unpack in parallel */
#define DAVIT_STORAGE_QUOTA "davit.storage.quota/1"   /* limits are enforced */

typedef struct davit_ability {
    uint32_t size;
    uint32_t padding;
} davit_ability;

#ifdef __cplusplus
}
#endif
#endif
