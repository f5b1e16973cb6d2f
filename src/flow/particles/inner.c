/* The table of inner solvers, and their memory. The update rules are those of torch.optim.SGD and Adam. Source:
 * src/flow/README.md "Inner solvers". */
#include "inner.h"

#include <math.h>
#include <string.h>

struct wgf_inner_solver {
    int arrays; /* of memory */
    /* gradient <- direction; `taken` counts this step. NULL: they are the same. */
    void (*direct)(struct wgf_inner_state *memory, double *gradient);
};

static void add_momentum(struct wgf_inner_state *memory, double *gradient)
{
    const double share = memory->settings->inner_momentum;
    for (int64_t k = 0; k < memory->count; k++)
        gradient[k] = memory->now[k] = share * memory->now[k] + gradient[k];
}

static void adapt(struct wgf_inner_state *memory, double *gradient)
{
    const struct wgf_settings *const settings = memory->settings;
    const double b1 = settings->adam_beta1, b2 = settings->adam_beta2, taken = (double)memory->taken;
    const double begun1 = 1 - pow(b1, taken), root2 = sqrt(1 - pow(b2, taken));
    double *const mean = memory->now, *const square = mean + memory->count;
    for (int64_t k = 0; k < memory->count; k++) {
        mean[k] = b1 * mean[k] + (1 - b1) * gradient[k];
        square[k] = b2 * square[k] + (1 - b2) * gradient[k] * gradient[k];
        gradient[k] = mean[k] / begun1 / (sqrt(square[k]) / root2 + settings->adam_eps);
    }
}

/* The others step along the gradient, or are no descents. */
static const struct wgf_inner_solver solvers[WGF_INNER_EXACT_GLOBAL + 1] = {
    [WGF_INNER_MOMENTUM] = {.arrays = 1, .direct = add_momentum},
    [WGF_INNER_ADAM] = {.arrays = 2, .direct = adapt},
};

double wgf_inner_beta(const struct wgf_settings *settings)
{
    const bool fixed_point = settings->inner == WGF_INNER_FIXED_POINT;
    return fixed_point ? settings->gamma * (double)settings->init.width : settings->beta;
}

bool wgf_inner_extrapolates(const struct wgf_settings *settings)
{
    return settings->inner == WGF_INNER_ACCELERATED;
}

bool wgf_inner_is_constant(const struct wgf_settings *settings)
{
    return !solvers[settings->inner].direct && !wgf_inner_extrapolates(settings) && !isnan(wgf_inner_beta(settings)) &&
           settings->beta_decay == 1;
}

/* Numbers of one copy of the memory. */
static int64_t size_of(const struct wgf_inner_state *memory)
{
    return memory->solver->arrays * memory->count;
}

void wgf_inner_lay_out(struct wgf_inner_state *memory, const struct wgf_settings *settings, int64_t count,
                       struct wgf_arena *arena)
{
    *memory = (struct wgf_inner_state){.settings = settings, .solver = &solvers[settings->inner], .count = count};
    const double size = (double)size_of(memory);
    memory->now = wgf_arena_take(arena, size, sizeof(double));
    memory->kept = wgf_arena_take(arena, size, sizeof(double));
}

void wgf_inner_begin(struct wgf_inner_state *memory)
{
    memory->taken = memory->kept_taken;
    memcpy(memory->now, memory->kept, (size_t)size_of(memory) * sizeof(double));
}

void wgf_inner_direct(struct wgf_inner_state *memory, double *gradient)
{
    memory->taken++;
    if (memory->solver->direct)
        memory->solver->direct(memory, gradient);
}

static bool lives_on(const struct wgf_inner_state *memory)
{
    return memory->solver->direct && memory->settings->inner_memory == WGF_INNER_MEMORY_RUN;
}

void wgf_inner_accept(struct wgf_inner_state *memory, double *beta, double beta_now)
{
    if (!lives_on(memory))
        return;
    double *const was = memory->kept;
    memory->kept = memory->now;
    memory->now = was;
    memory->kept_taken = memory->taken;
    *beta = beta_now;
}

int wgf_inner_iov(struct wgf_inner_state *memory, double *beta, struct iovec *iov)
{
    if (!lives_on(memory))
        return 0;
    iov[0] = (struct iovec){memory->kept, (size_t)size_of(memory) * sizeof(double)};
    iov[1] = (struct iovec){&memory->kept_taken, sizeof memory->kept_taken};
    iov[2] = (struct iovec){beta, sizeof *beta};
    return 3;
}
