/* ERKStep of SUNDIALS' ARKODE with the pair of Dormand and Prince, of orders 5 and 4. Every advance begins anew, so
 * that its first step is estimated from y alone. Source: src/flow/README.md "The gradient flow by
 * an integrator". */
#include "integrator.h"

#include "wgf/flow/flow.h"

#ifdef WGF_SUNDIALS
#include "wgf/base/system.h"

#include <arkode/arkode_erkstep.h>
#include <nvector/nvector_serial.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sundials/sundials_version.h>

#if SUNDIALS_VERSION_MAJOR < 7
#define SUN_COMM_NULL NULL
#define sunrealtype realtype
#endif
#if SUNDIALS_VERSION_MAJOR < 7 || (SUNDIALS_VERSION_MAJOR == 7 && SUNDIALS_VERSION_MINOR < 1)
#define ARKodeSStolerances ERKStepSStolerances
#define ARKodeSetUserData ERKStepSetUserData
#define ARKodeSetMaxNumSteps ERKStepSetMaxNumSteps
#define ARKodeSetMinStep ERKStepSetMinStep
#define ARKodeSetMaxErrTestFails ERKStepSetMaxErrTestFails
#define ARKodeSetStopTime ERKStepSetStopTime
#define ARKodeEvolve ERKStepEvolve
#define ARKodeGetCurrentTime ERKStepGetCurrentTime
#define ARKodeGetNumSteps ERKStepGetNumSteps
#define ARKodeGetNumErrTestFails ERKStepGetNumErrTestFails
#define ARKodeFree ERKStepFree
#endif

struct wgf_integrator {
    SUNContext context;
    N_Vector y;
    void *arkode;
    size_t bytes; /* of y */
    wgf_slope *slope;
    void *slope_context;
    bool stopped; /* by the slope */
};

const char *wgf_flow_library(void)
{
    static char text[64];
    char version[32] = "";
    SUNDIALSGetVersion(version, sizeof version);
    snprintf(text, sizeof text, "SUNDIALS %s", version);
    return text;
}

static int right_side(sunrealtype t, N_Vector y, N_Vector slope, void *data)
{
    struct wgf_integrator *integrator = data;
    (void)t;
    integrator->stopped =
        !integrator->slope(integrator->slope_context, N_VGetArrayPointer(y), N_VGetArrayPointer(slope));
    return integrator->stopped ? -1 : 0;
}

/* What went wrong is told by the code that calls return. */
#if SUNDIALS_VERSION_MAJOR < 7
static void ignore(int code, const char *module, const char *function, char *message, void *data)
{
    (void)code, (void)module, (void)function, (void)message, (void)data;
}
#endif

static bool prepare(struct wgf_integrator *integrator, int64_t size, double rtol, double atol)
{
    const int most_rejected = 100; /* in a row: at a kink steps shrink until a least length ends that */
    const sunindextype length = (sunindextype)size; /* of 32 bits in some builds */
    if (length != size || SUNContext_Create(SUN_COMM_NULL, &integrator->context))
        return false;
#if SUNDIALS_VERSION_MAJOR >= 7
    SUNContext_ClearErrHandlers(integrator->context);
#endif
    integrator->y = N_VNew_Serial(length, integrator->context);
    integrator->arkode = integrator->y ? ERKStepCreate(right_side, 0, integrator->y, integrator->context) : NULL;
    void *const arkode = integrator->arkode;
#if SUNDIALS_VERSION_MAJOR < 7
    if (arkode)
        ERKStepSetErrHandlerFn(arkode, ignore, NULL);
#endif
    return arkode && !ERKStepSetTableNum(arkode, ARKODE_DORMAND_PRINCE_7_4_5) &&
           !ARKodeSStolerances(arkode, rtol, atol) && !ARKodeSetUserData(arkode, integrator) &&
           !ARKodeSetMaxNumSteps(arkode, WGF_INTEGRATOR_STEPS) && !ARKodeSetMaxErrTestFails(arkode, most_rejected);
}

wgf_status wgf_integrator_create(struct wgf_integrator **integrator, int64_t size, double rtol, double atol,
                                 wgf_slope *slope, void *context, struct wgf_error *error)
{
    struct wgf_integrator *made = *integrator = wgf_calloc(1, sizeof *made);
    if (made)
        *made =
            (struct wgf_integrator){.bytes = (size_t)size * sizeof(double), .slope = slope, .slope_context = context};
    if (made && prepare(made, size, rtol, atol))
        return WGF_OK;
    wgf_integrator_free(made);
    *integrator = NULL;
    return wgf_fail(error, WGF_EMEMORY, "no memory for the integrator of the gradient flow");
}

void wgf_integrator_free(struct wgf_integrator *integrator)
{
    if (!integrator)
        return;
    ARKodeFree(&integrator->arkode);
    N_VDestroy(integrator->y);
    SUNContext_Free(&integrator->context);
    free(integrator);
}

enum wgf_advanced wgf_integrator_advance(struct wgf_integrator *integrator, double *y, double length,
                                         struct wgf_integrator_report *report)
{
    void *const arkode = integrator->arkode;
    double *const now = N_VGetArrayPointer(integrator->y);
    long steps = 0, rejected = 0;
    *report = (struct wgf_integrator_report){0};
    integrator->stopped = false;
    memcpy(now, y, integrator->bytes);
    int code = ERKStepReInit(arkode, right_side, 0, integrator->y);
    code = code ? code : ARKodeSetMinStep(arkode, 1e-15 * length);
    code = code ? code : ARKodeSetStopTime(arkode, length);
    code = code ? code : ARKodeEvolve(arkode, length, integrator->y, &report->time, ARK_NORMAL);
    ARKodeGetCurrentTime(arkode, &report->time);
    ARKodeGetNumSteps(arkode, &steps);
    ARKodeGetNumErrTestFails(arkode, &rejected);
    report->steps = steps;
    report->rejected = rejected;
    if (integrator->stopped)
        return WGF_ADVANCED_STOPPED;
    if (code < 0)
        return code == ARK_TOO_MUCH_WORK ? WGF_ADVANCED_LONG : WGF_ADVANCED_SHORT;
    memcpy(y, now, integrator->bytes);
    return WGF_ADVANCED_WHOLE;
}

double wgf_integrator_bytes(int64_t size)
{
    const double vectors = 20; /* of ours and of ERKStep: stages, interpolation, work */
    return wgf_bytes(vectors * (double)size, sizeof(double));
}

#else
const char *wgf_flow_library(void)
{
    return NULL;
}

wgf_status wgf_integrator_create(struct wgf_integrator **integrator, int64_t size, double rtol, double atol,
                                 wgf_slope *slope, void *context, struct wgf_error *error)
{
    (void)size, (void)rtol, (void)atol, (void)slope, (void)context;
    *integrator = NULL;
    return wgf_fail(error, WGF_EUSAGE, "flow_solver: adaptive needs SUNDIALS, which this wgf was built without");
}

void wgf_integrator_free(struct wgf_integrator *integrator)
{
    (void)integrator;
}

double wgf_integrator_bytes(int64_t size)
{
    (void)size;
    return 0;
}

enum wgf_advanced wgf_integrator_advance(struct wgf_integrator *integrator, double *y, double length,
                                         struct wgf_integrator_report *report)
{
    (void)integrator, (void)y, (void)length, (void)report;
    return WGF_ADVANCED_STOPPED;
}
#endif
