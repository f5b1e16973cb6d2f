/* Integration by parts gives 2 J_1 + 2 z J_0 = 1 and 2 J_{k+1} + 2 z J_k = k J_{k-1}. For small and negative z that is
 * a recurrence upwards from erfc. For large z it cancels, and the ratios J_k / J_{k-1} = (k/2) / (z + J_{k+1} / J_k)
 * are taken downwards instead (Gautschi, SIAM Review 9, 1967, on minimal solutions). */
#include "moments.h"

#include <math.h>

void wgf_half_line_moments(double z, double out[WGF_MOMENTS])
{
    const double enough = 2; /* above, the ratios converge to rounding from index 12 + 270 / z^2 */
    if (z < enough) {
        const double scale = z > 0 ? exp(z * z) : 1, half_root_pi = 0.886226925452758013649;
        out[0] = half_root_pi * erfc(z) * scale;
        out[1] = (z > 0 ? 0.5 : 0.5 * exp(-z * z)) - z * out[0];
        for (int k = 1; k + 1 < WGF_MOMENTS; k++)
            out[k + 1] = 0.5 * k * out[k - 1] - z * out[k];
        return;
    }
    double ratio = 0, ratios[WGF_MOMENTS];
    for (int k = 12 + (int)(270 / (z * z)); k > 0; k--) {
        ratio = 0.5 * k / (z + ratio);
        if (k < WGF_MOMENTS)
            ratios[k] = ratio;
    }
    out[0] = 0.5 / (z + ratio);
    for (int k = 1; k < WGF_MOMENTS; k++)
        out[k] = out[k - 1] * ratios[k];
}
