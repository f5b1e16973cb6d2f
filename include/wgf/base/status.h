/* Status codes and error sentences: the one list that every layer returns from. */
#ifndef WGF_BASE_STATUS_H
#define WGF_BASE_STATUS_H

/* One list gives the code and its short text (see wgf_status_text). */
#define WGF_STATUS_LIST(X)                                                                                             \
    X(WGF_OK, "success")                                                                                               \
    X(WGF_EUSAGE, "bad usage or spec")                                                                                 \
    X(WGF_EDATA, "bad input data")                                                                                     \
    X(WGF_EMEMORY, "out of memory")                                                                                    \
    X(WGF_EIO, "input or output failed")                                                                               \
    X(WGF_EINTERRUPTED, "interrupted")                                                                                 \
    X(WGF_EINTERNAL, "internal error")

#define WGF_ENUM_ID(id, text) id,
#define WGF_ENUM_NAME(id, text) text,

typedef enum wgf_status { WGF_STATUS_LIST(WGF_ENUM_ID) } wgf_status;

enum { WGF_ERROR_LENGTH = 512 };

/* One sentence: what failed, where, and what to do. Zero-initialised, its status is WGF_OK. */
struct wgf_error {
    wgf_status status;
    char message[WGF_ERROR_LENGTH];
};

/* Short text of a status; never NULL. */
const char *wgf_status_text(wgf_status status);

/* Fills *error (which may be NULL) and returns `status`: `return wgf_fail(...)` is the idiom. The message is cut at
 * WGF_ERROR_LENGTH - 1 bytes, between characters, and is valid UTF-8 even if its parts are not. */
wgf_status wgf_fail(struct wgf_error *error, wgf_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
