/* Between the jko method (jko.c) and its two solvers. One step, from masses q to masses p
 * (src/flow/README.md "JKO on a grid"):
 *
 *     p = argmin W_eps(p, q) + 2 gamma (F(p) + <U, p>),    F(p) = kappa |Phi p - y|^2,    U = confine |theta|^2
 *
 * Both solvers find the dual u (n) of the loss; at the optimum u = 2 kappa (Phi p - y), and
 * p = a xi (q / xi a) with a = rho exp(-s (Phi^T u + U)), s = 2 gamma / epsilon, rho being the volumes of the cells
 * of a graded grid, or 1. */
#ifndef WGF_FLOW_JKO_INTERNAL_H
#define WGF_FLOW_JKO_INTERNAL_H

#include "grids/measure.h"
#include "jko_anderson.h"
#include "jko_newton.h"
#include "jko_secant.h"
#include "jko_tangent.h"

/* Work of `solver: dykstra`. */
struct wgf_dykstra {
    double *x, *log_z, *image; /* N each: image is the next x of the plain iteration */
    struct wgf_anderson anderson;
};

enum { WGF_JKO_ERRORS = 5 };

struct wgf_jko {
    struct wgf_arena arena; /* of all arrays but the kernel's */
    const struct wgf_settings *settings;
    const struct wgf_problem *problem;
    struct wgf_measure measure;
    struct wgf_features features, test_features;
    struct wgf_gibbs *gibbs;
    struct wgf_newton newton;
    bool predicts; /* the secant solver is worth its matrix of n x n; else the next two are empty */
    struct wgf_tangent tangent;
    struct wgf_secant secant;
    struct wgf_secant_past past;
    struct wgf_dykstra dykstra; /* empty with newton */
    double epsilon, kappa, s;
    double scale; /* of residuals: |y|, or 1 where y = 0 */

    /* Carried from step to step: the masses; the dual, from which the next step's solver starts; the errors of its last
     * predictions, the newest first, which are smooth in time; how many are known, and how many the next prediction
     * uses (jko_predict.c); and `past`. */
    double *p;      /* N */
    double *u;      /* n */
    double *errors; /* WGF_JKO_ERRORS x n */
    int64_t errors_known, errors_used;

    double *q;               /* N: the masses before the step */
    double *start;           /* n: u before the step */
    double *predicted;       /* n: u as predicted from q */
    double *log_a, *log_b;   /* N; log(xi a) stands in log_sum */
    double *log_sum;         /* N */
    double *spread, *mean;   /* N each: within products with the Hessian */
    double *net, *potential; /* points each */
    double *lengths;         /* N: |theta| */
    double *confinement;     /* N: U = confine |theta|^2; NULL: none */
    double *volumes;         /* N: log rho; NULL: 1 */
    double *features_of_q;   /* of the table of duals, with start: file */
    double *output;          /* n: Phi p, or of whatever was asked for last; Phi q as a step begins */

    struct wgf_evaluation evaluation;
    bool broken;
    double distance, steps_used, newton_steps_used, residual; /* of the last step */
    int64_t unconverged;                                      /* steps */
    double worst;                                             /* the largest residual among them */
    uint32_t pinned[WGF_GRIDS];                               /* along which coordinates, a bit each (jko_pinned.c) */
    wgf_status failed;                                        /* to make the kernel of an epsilon that changes */
    struct wgf_error failure;

    double objective_limit; /* NAN: not known (jko_limit.c) */

    /* The divergence of the ends of the last step, NaN where it cannot be recorded; the self term of p, which is q of
     * the next one, and its step, -1: none. Carried (jko_distances.c). */
    double debiased, self;
    int64_t self_step;
    double *room; /* 3 N */
    /* The exact distance between them: NULL where it is not wanted or would take too long. `before` and `taken` are
     * carried; q is lost in a step that is abandoned. */
    struct wgf_weighted *weighted;
    double *places, *signs, *before; /* N x d, N, N: masses before the last step */
    int64_t taken;                   /* steps */

    /* Of the step under way, where its iterations are recorded (jko_inner.c). */
    const struct wgf_inner_trace *inner; /* borrowed; NULL: they are not */
    int64_t inner_iteration;             /* the last */
    double *inner_residual;              /* n: gradient of the semi-dual at an iterate */
};

/* How a step ended; p and u are those of its end unless the watch expired. */
struct wgf_jko_report {
    bool expired, broken, converged;
    int64_t steps, newton_steps;
    double residual;
};

/* log_a <- log rho - s (Phi^T u + U) */
void wgf_jko_log_scaling(struct wgf_jko *jko, const double *u);
/* output <- Phi p; gradient <- y + u / (2 kappa) - Phi p */
void wgf_jko_gradient(struct wgf_jko *jko, const double *p, const double *u, double *gradient);
/* kappa |Phi p - y|^2 on a data set; output (its n) <- Phi p. */
double wgf_jko_loss(struct wgf_jko *jko, const struct wgf_features *features, const double *p, double *output);
/* product <- s Phi spread + v / (2 kappa) */
void wgf_jko_curvature(struct wgf_jko *jko, const double *v, double *product);

/* Counts an iteration of the step's solver. Is it to be recorded? */
bool wgf_jko_inner_is_due(struct wgf_jko *jko);
/* Records it: p = a xi (q / xi a) are its masses, log_a and log_sum being those of the kernel's conditionals; and both
 * errors. */
void wgf_jko_inner_record(struct wgf_jko *jko, const double *p, double even, double odd);
/* The `inner_records` of jko. */
int64_t wgf_jko_inner_records(const struct wgf_settings *settings);

/* Distances of the ends of a step (jko_distances.c): arrays; what they take besides, which `begin` makes; after step
 * `number`, whose conditionals stand; their columns of a record, and what is carried; what is missing, in words. */
void wgf_jko_distances_lay_out(struct wgf_jko *jko, const struct wgf_settings *settings, struct wgf_arena *arena);
double wgf_jko_distances_bytes(const struct wgf_settings *settings);
double wgf_jko_distances_operations(const struct wgf_settings *settings);
bool wgf_jko_distances_lack(const struct wgf_settings *settings, enum wgf_trace_column column);
wgf_status wgf_jko_distances_begin(struct wgf_jko *jko, struct wgf_error *error);
void wgf_jko_distances_step(struct wgf_jko *jko, int64_t number);
void wgf_jko_distances_record(struct wgf_jko *jko, double *values);
int wgf_jko_distances_iov(struct wgf_jko *jko, struct iovec *iov);
int wgf_jko_distances_explain(const struct wgf_jko *jko, char *words, size_t size);

/* Does epsilon change from step to step? */
bool wgf_jko_is_annealed(const struct wgf_settings *settings);

/* From q and u to p and u; where the past counts, from what it predicts. */
struct wgf_jko_report wgf_jko_newton(struct wgf_jko *jko, bool past_counts, const struct wgf_deadline *deadline);

/* Of the step of this number, from 1. */
double wgf_jko_epsilon(const struct wgf_settings *settings, int64_t number);

/* The u from which the step's solver starts, the tangent of q being factorised: jko->predicted + what the errors of
 * earlier predictions make likely. */
void wgf_jko_predict(struct wgf_jko *jko);
/* After the step: what is to be learnt from its u. */
void wgf_jko_learn(struct wgf_jko *jko, bool stalled);

/* Takes the arrays. */
void wgf_dykstra_lay_out(struct wgf_dykstra *dykstra, const struct wgf_settings *settings, struct wgf_arena *arena);
struct wgf_jko_report wgf_jko_dykstra(struct wgf_jko *jko, const struct wgf_deadline *deadline);

/* At a start, p being the masses: objective_limit, unless the watch expires. q, u and the rest of the work are used. */
void wgf_jko_foresee(struct wgf_jko *jko, const struct wgf_deadline *deadline);

/* p = argmin KL(p | rho z) + s F(p) = a z, log z (N) given: Newton on its dual, from u. Leaves log_a and p. */
struct wgf_newton_report wgf_jko_kl_prox(struct wgf_jko *jko, const double *log_z, const struct wgf_deadline *deadline,
                                         double tolerance);

/* At the start of a run, u being the gradient of the loss: which masses epsilon pins; and in words, for the user. */
void wgf_jko_find_pinned(struct wgf_jko *jko);
int wgf_jko_say_pinned(const struct wgf_jko *jko, char *message, size_t size);

#endif
