/* Products of powers up to WGF_LEARN_POWER in each coordinate, less the constant, and Gaussians of deviation radius / 8
 * around WGF_LEARN_CENTRES points along each axis. The last coordinate varies fastest. */
#include "potentials.h"

#include <math.h>

enum { MOST_POLYNOMIAL = 4, MOST_RBF = 3 }; /* dimensions: 624 and 1000 features */

static bool has(unsigned features, enum wgf_learned_features which)
{
    return features >> which & 1;
}

static int64_t whole_power(int64_t base, int64_t exponent)
{
    int64_t power = 1;
    while (exponent-- > 0)
        power *= base;
    return power;
}

double wgf_potentials_count(unsigned features, int64_t dimensions)
{
    double count = 0;
    if (has(features, WGF_LEARN_POLYNOMIAL))
        count += dimensions <= MOST_POLYNOMIAL ? (double)whole_power(WGF_LEARN_POWER + 1, dimensions) - 1 : NAN;
    if (has(features, WGF_LEARN_RBF))
        count += dimensions <= MOST_RBF ? (double)whole_power(WGF_LEARN_CENTRES, dimensions) : NAN;
    return count;
}

/* The product of powers whose exponents are the digits of `number`, or its derivative along one coordinate; -1: none.
 */
static double power_product(int64_t dimensions, const double *theta, int64_t number, int64_t along)
{
    double product = 1;
    for (int64_t c = dimensions - 1; c >= 0; c--) {
        int64_t exponent = number % (WGF_LEARN_POWER + 1);
        number /= WGF_LEARN_POWER + 1;
        if (c == along)
            product *= (double)exponent--;
        for (int64_t k = 0; k < exponent; k++)
            product *= theta[c];
    }
    return product;
}

/* The Gaussian around the centre whose places along the axes are the digits of `number`, or its derivative. */
static double gaussian(const struct wgf_potentials *potentials, const double *theta, int64_t number, int64_t along)
{
    const double deviation = potentials->radius / 8;
    double squared = 0, factor = 1;
    for (int64_t c = potentials->dimensions - 1; c >= 0; c--) {
        const double place = 2 * (double)(number % WGF_LEARN_CENTRES) / (WGF_LEARN_CENTRES - 1) - 1;
        const double beside = (theta[c] - potentials->radius * place) / deviation;
        number /= WGF_LEARN_CENTRES;
        squared += beside * beside;
        if (c == along)
            factor = -beside / deviation;
    }
    return factor * exp(-squared / 2);
}

static void fill(const struct wgf_potentials *potentials, const double *theta, int64_t along, double *out)
{
    const int64_t d = potentials->dimensions;
    if (has(potentials->features, WGF_LEARN_POLYNOMIAL))
        for (int64_t number = 1; number < whole_power(WGF_LEARN_POWER + 1, d); number++)
            *out++ = power_product(d, theta, number, along);
    if (has(potentials->features, WGF_LEARN_RBF))
        for (int64_t number = 0; number < whole_power(WGF_LEARN_CENTRES, d); number++)
            *out++ = gaussian(potentials, theta, number, along);
}

void wgf_potentials_values(const struct wgf_potentials *potentials, const double *theta, double *values)
{
    fill(potentials, theta, -1, values);
}

void wgf_potentials_slopes(const struct wgf_potentials *potentials, const double *theta, double *slopes)
{
    const int64_t count = (int64_t)wgf_potentials_count(potentials->features, potentials->dimensions);
    for (int64_t c = 0; c < potentials->dimensions; c++)
        fill(potentials, theta, c, slopes + c * count);
}
