/* Who is near what: after a full look at all neurons, each goes into the herd of its arc, a crowd at one ray, or among
 * those that are looked at one by one. */
#include "glide_internal.h"

#include <math.h>
#include <string.h>

/* The largest share of the way to what pulls it that a neuron goes within the window, or overshoots. */
static double most_pulled(const struct wgf_glide_law *law)
{
    double pull = law->pull, window = (double)law->window;
    return pull <= 1 ? 1 - pow(1 - pull, window) : 1 + fmax(1, pow(pull - 1, window));
}

/* slack[i] <- the way from v to the nearer ray of its arc, less what it may go by the skin and by being pulled. */
WGF_CLONES static void measure_slack(const double *restrict x, const double *restrict y, const double *restrict wx,
                                     const double *restrict wy, const int32_t *restrict arc,
                                     const double *restrict normals, const double *restrict skin, double pulled,
                                     int64_t count, double *restrict slack)
{
    const double rounding = 1e-10;
    for (int64_t i = 0; i < count; i++) {
        const double *normal = normals + 4 * arc[i];
        double before = normal[0] * x[i] + normal[1] * y[i], behind = normal[2] * x[i] + normal[3] * y[i];
        double lag = fabs(wx[i] - x[i]) + fabs(wy[i] - y[i]), size = fabs(x[i]) + fabs(y[i]);
        double way = before < behind ? before : behind;
        slack[i] = way - skin[arc[i]] - pulled * lag - rounding * size;
    }
}

/* Do the arcs on both sides of ray r drive a neuron like i back to it? Then it stays there, crossing again and again. */
static bool is_trapped(const struct wgf_glide *glide, int64_t i, int64_t r)
{
    const double *g = glide->gradients + 2 * r, *normal = glide->cones->normals + 4 * (r + 1); /* towards beyond */
    double rate = wgf_glide_rate(glide) * glide->all.alpha[i];
    double drag =
        glide->law.pull * (normal[0] * (glide->wx[i] - glide->all.x[i]) + normal[1] * (glide->wy[i] - glide->all.y[i]));
    return drag - rate * (normal[0] * g[0] + normal[1] * g[1]) > 0 &&
           drag - rate * (normal[0] * g[2] + normal[1] * g[3]) < 0;
}

/* The one ray that neuron i is expected to cross, if any, or -1. Whoever is in its crowd is looked at in any case: a wrong
 * guess costs but time. The next rays are those before arc r and behind arc r + 1. */
static int32_t ray_of(const struct wgf_glide *glide, int64_t i, double pulled)
{
    const struct wgf_cones *cones = glide->cones;
    int64_t k = glide->all.arc[i], count = cones->count;
    if (k == wgf_cones_nowhere(cones) || count == 0)
        return -1;
    const double x = glide->all.x[i], y = glide->all.y[i], *own = cones->normals + 4 * k;
    double before = own[0] * x + own[1] * y, behind = own[2] * x + own[3] * y;
    int64_t r = before < behind ? (k > 0 ? k - 1 : count - 1) : (k < count ? k : 0);
    const double *left = cones->normals + 4 * r, *right = left + 4;
    double way = fmin(left[0] * x + left[1] * y, right[2] * x + right[3] * y);
    double lag = fabs(glide->wx[i] - x) + fabs(glide->wy[i] - y), skin = glide->skin[r] + glide->skin[r + 1];
    bool alone = way > skin + pulled * lag;
    return alone || (way > 0.125 * skin && is_trapped(glide, i, r)) ? (int32_t)r : -1;
}

static struct wgf_herd *herd_at(struct wgf_glide *glide, int32_t arc)
{
    if (glide->herd_of[arc] < 0) {
        double limit = glide->skin[arc] / glide->largest;
        glide->herds[glide->herd_count] = (struct wgf_herd){.arc = arc, .limit = limit * limit};
        glide->herd_of[arc] = (int32_t)glide->herd_count++;
    }
    return &glide->herds[glide->herd_of[arc]];
}

static void join_herd(struct wgf_glide *glide, int64_t i)
{
    const struct wgf_swarm *all = &glide->all;
    double a = all->alpha[i], x = all->x[i], y = all->y[i], wx = glide->wx[i], wy = glide->wy[i];
    struct wgf_herd *herd = herd_at(glide, all->arc[i]);
    herd->count++;
    herd->squares += a * a;
    herd->v[0] += a * x;
    herd->v[1] += a * y;
    herd->w[0] += a * wx;
    herd->w[1] += a * wy;
    glide->vv += x * x + y * y;
    glide->vw += x * wx + y * wy;
    glide->ww += wx * wx + wy * wy;
}

static void stay_near(struct wgf_glide *glide, int64_t i)
{
    const struct wgf_swarm *all = &glide->all;
    struct wgf_swarm *near = &glide->near;
    int64_t k = near->count++;
    near->x[k] = all->x[i];
    near->y[k] = all->y[i];
    near->alpha[k] = all->alpha[i];
    near->arc[k] = all->arc[i];
    glide->near_wx[k] = glide->wx[i];
    glide->near_wy[k] = glide->wy[i];
    glide->near_id[k] = (int32_t)i;
    glide->gx[k] = glide->gx[i]; /* k <= i */
    glide->gy[k] = glide->gy[i];
    near->stray[near->strays] = (int32_t)k; /* as wgf_swarm_locate would */
    near->strays += near->arc[k] == wgf_cones_nowhere(glide->cones);
}

/* Writes neuron i as member k of the crowd. */
static void place(struct wgf_glide *glide, const struct wgf_crowd *crowd, int64_t k, int64_t i)
{
    const struct wgf_swarm *all = &glide->all;
    struct wgf_crowds *crowds = &glide->crowds;
    const double *ray = glide->cones->ray_x + 2 * crowd->ray;
    crowds->x[k] = all->x[i];
    crowds->y[k] = all->y[i];
    crowds->alpha[k] = all->alpha[i];
    crowds->wx[k] = glide->wx[i];
    crowds->wy[k] = glide->wy[i];
    crowds->beyond[k] = -(int64_t)(all->x[i] * ray[0] + all->y[i] * ray[1] > 0);
    crowds->id[k] = (int32_t)i;
}

static void join_crowd(struct wgf_glide *glide, int64_t i)
{
    struct wgf_crowd *crowd = &glide->crowds.list[glide->crowd_at[glide->nearest[i]]];
    double square = glide->all.alpha[i] * glide->all.alpha[i];
    place(glide, crowd, crowd->first + crowd->count, i);
    crowd->squares += square;
    crowd->beyond_squares += glide->crowds.beyond[crowd->first + crowd->count++] ? square : 0;
}

/* Fills whole vectors with copies that weigh nothing. */
static void pad(struct wgf_glide *glide, const struct wgf_crowd *crowd)
{
    struct wgf_crowds *crowds = &glide->crowds;
    for (int64_t k = crowd->first + crowd->count; k < crowd->first + crowd->padded; k++) {
        place(glide, crowd, k, crowds->id[crowd->first]);
        crowds->alpha[k] = 0;
    }
}

/* Finds the neurons that are not far, the one ray of each, and makes a crowd at each ray that has enough. */
static void call_crowds(struct wgf_glide *glide, double pulled)
{
    const int64_t rays = glide->cones->count;
    struct wgf_crowds *crowds = &glide->crowds;
    crowds->count = crowds->members = 0;
    memset(glide->crowd_at, 0, (size_t)rays * sizeof *glide->crowd_at);
    for (int64_t i = 0; i < glide->m; i++)
        if (!(glide->slack[i] > 0)) {
            glide->nearest[i] = ray_of(glide, i, pulled);
            if (glide->nearest[i] >= 0)
                glide->crowd_at[glide->nearest[i]]++;
        }
    for (int32_t r = 0; r < rays; r++) {
        int64_t members = glide->crowd_at[r];
        glide->crowd_at[r] = -1;
        if (members < WGF_LEAST_CROWD)
            continue;
        glide->crowd_at[r] = (int32_t)crowds->count;
        struct wgf_crowd *crowd = &crowds->list[crowds->count++];
        *crowd = (struct wgf_crowd){.ray = r,
                                    .first = crowds->members,
                                    .padded = (members + WGF_CROWD_LANES - 1) / WGF_CROWD_LANES * WGF_CROWD_LANES};
        crowds->members += crowd->padded;
    }
}

/* Makes the next window longer where full looks cost more than looks at those near, shorter where they cost much less. */
static void set_window(struct wgf_glide *glide)
{
    enum { FULL_LOOK = 5 }; /* looks at a near neuron that one neuron's part in a full look costs */
    double full = FULL_LOOK * (double)glide->m / (double)glide->law.window, near = (double)glide->near.count;
    if (near < full && glide->law.window < WGF_GLIDE_WINDOW_MOST)
        glide->law.window *= 2;
    else if (near > 4 * full && glide->law.window > WGF_GLIDE_WINDOW_LEAST)
        glide->law.window /= 2;
}

void wgf_glide_part(struct wgf_glide *glide)
{
    const double reserve = 1.25; /* arcs may speed up */
    const int64_t places = glide->cones->count + 2;
    const double *g = glide->gradients;
    double speed = reserve * (double)glide->law.window * wgf_glide_rate(glide) * glide->largest;
    double pulled = most_pulled(&glide->law);
    glide->near.count = glide->near.strays = glide->herd_count = 0;
    glide->vv = glide->vw = glide->ww = 0;
    glide->A = 1, glide->C = 0, glide->age = 0;
    for (int64_t k = 0; k < places; k++) {
        glide->skin[k] = speed * hypot(g[2 * k], g[2 * k + 1]);
        glide->herd_of[k] = -1;
    }
    measure_slack(glide->all.x, glide->all.y, glide->wx, glide->wy, glide->all.arc, glide->cones->normals, glide->skin,
                  pulled, glide->m, glide->slack);
    call_crowds(glide, pulled);
    for (int64_t i = 0; i < glide->m; i++)
        if (glide->slack[i] > 0)
            join_herd(glide, i);
        else if (glide->nearest[i] >= 0 && glide->crowd_at[glide->nearest[i]] >= 0)
            join_crowd(glide, i);
        else
            stay_near(glide, i);
    for (int64_t k = 0; k < glide->crowds.count; k++)
        pad(glide, &glide->crowds.list[k]);
    glide->last = glide->law.window;
    set_window(glide);
}
