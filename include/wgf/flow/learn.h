/* The energy of a descent, learned from its states alone by first-order conditions. Source: src/flow/README.md
 * "Learning from saved flows".
 *
 * A step of gd moves a neuron by the gradient of the energy's first variation where it was; a step of jko leaves the
 * first variation at every point of the grid, up to a constant a sheet, in one scaling of an entropic transport. Both
 * are linear in what is not known: labels, or coefficients of a potential. */
#ifndef WGF_FLOW_LEARN_H
#define WGF_FLOW_LEARN_H

#include "wgf/flow/flow.h"

/* What the first variation is sought as. */
#define WGF_LEARNED_FEATURES(X)                                                                                        \
    X(WGF_LEARN_DATA, "data")             /* the energy of the job's own inputs: labels are sought */                  \
    X(WGF_LEARN_POLYNOMIAL, "polynomial") /* one potential for all states */                                           \
    X(WGF_LEARN_RBF, "rbf")               /* likewise */
enum wgf_learned_features { WGF_LEARNED_FEATURES(WGF_ENUM_ID) };

/* Which neuron of a state a neuron of the state before has become. */
#define WGF_LEARNED_PAIRS(X)                                                                                           \
    X(WGF_LEARN_KEPT, "kept")           /* the one of the same number */                                               \
    X(WGF_LEARN_OPTIMAL, "optimal")     /* by optimal transport between the states */                                  \
    X(WGF_LEARN_PREDICTED, "predicted") /* from that on, by transport from predicted to true arrivals, until it stays  \
                                         */
enum wgf_learned_pairs { WGF_LEARNED_PAIRS(WGF_ENUM_ID) };

enum { WGF_LEARN_POWER = 4, WGF_LEARN_CENTRES = 10 }; /* highest power, and centres along an axis */

struct wgf_learn_settings {
    unsigned features; /* bit f: features f; data alone, or any of the others together */
    int pairs;         /* enum wgf_learned_pairs, of methods with neurons */
};

/* Can these states be learned from? Errors: WGF_EUSAGE, the end of a sentence that begins with the job. */
wgf_status wgf_learn_check(const struct wgf_settings *settings, const struct wgf_learn_settings *how,
                           struct wgf_error *error);

/* How many coefficients there are; those of `data` are n. */
int64_t wgf_learn_features(const struct wgf_settings *settings, const struct wgf_learn_settings *how);

/* States of a descent that wgf_learn_check passes, one after each step: count x rows x cols of wgf_flow_one_state.
 * Borrowed. alpha: as for wgf_flow_predict. */
struct wgf_learn_states {
    int64_t count; /* 2 or more */
    const double *states;
    const double *alpha;
};

/* What comes back. The caller provides the arrays. */
struct wgf_learned {
    double *labels;       /* n; NULL unless the features are `data` */
    double *coefficients; /* wgf_learn_features. Of data: c of F = kappa |f|^2 + <c, f> + constant; else of V */
    int64_t rank;         /* of the least squares; fewer than coefficients: what is not determined is least */
    double condition;     /* the largest of its singular values over the least that counts, columns scaled to 1 */
    double residual;      /* what the best fit leaves, over what was to be fitted, in the norm of the least squares */
    double labels_error;  /* largest difference from the job's labels; NaN without labels */
    int64_t left_out;     /* steps that tell nothing, as the coupling of their states is not determined; jko */
    double mismatched;    /* fraction of pairs that are not those of the descent; NaN of methods without neurons */
};

/* Learns. `data` are those of the descent, whose labels only labels_error knows. Cut short when *cancel (which may be
 * NULL) becomes nonzero. Errors: WGF_EMEMORY; WGF_EINTERRUPTED; WGF_EDATA, the end of a sentence that begins with the
 * job, where no step can have led from a state to the next. */
wgf_status wgf_learn(const struct wgf_settings *settings, const struct wgf_learn_settings *how,
                     const struct wgf_data *data, const struct wgf_learn_states *states,
                     const volatile sig_atomic_t *cancel, struct wgf_learned *learned, struct wgf_error *error);

#endif
