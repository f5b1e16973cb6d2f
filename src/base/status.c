/* Texts of status codes, and error sentences that are valid UTF-8. */
#include "wgf/base/status.h"

#include "wgf/base/text.h"

#include <stdarg.h>
#include <stdio.h>

const char *wgf_status_text(wgf_status status)
{
    static const char *const texts[] = {WGF_STATUS_LIST(WGF_ENUM_NAME)};
    return texts[status];
}

wgf_status wgf_fail(struct wgf_error *error, wgf_status status, const char *format, ...)
{
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        error->status = status;
        vsnprintf(error->message, sizeof error->message, format, arguments);
        va_end(arguments);
        wgf_repair_utf8(error->message);
    }
    return status;
}
