#include <math.h>

#include "CTuningKernels.h"

// Smaller gradients count as zero: they move nothing, and on their way back through the encoder they would become subnormal
// numbers, with which processors compute a hundred times more slowly. A loss that is nearly zero has them for most classes.
static const double LEAST_GRADIENT = 1e-16;

void ck_cross_entropy(size_t rows, size_t classes, const float *logits, size_t stride, const int32_t *labels,
                      const float *adjustment, const float *weights, double scale, float *gradient, double *losses,
                      int32_t *predictions) {
    for (size_t r = 0; r < rows; r++) {
        const float *z = logits + r * stride;
        size_t predicted = 0;
        double most = -INFINITY, total = 0;
        for (size_t c = 0; c < classes; c++) {
            if (z[c] > z[predicted]) predicted = c;
            const double adjusted = (double)z[c] + adjustment[c];
            most = adjusted > most ? adjusted : most;
        }
        for (size_t c = 0; c < classes; c++) total += exp((double)z[c] + adjustment[c] - most);
        const size_t label = (size_t)labels[r];
        const double weight = weights[label];
        losses[r] = weight * (log(total) + most - ((double)z[label] + adjustment[label]));
        predictions[r] = (int32_t)predicted;
        if (!gradient) continue;
        for (size_t c = 0; c < classes; c++) {
            const double share = exp((double)z[c] + adjustment[c] - most) / total;
            const double slope = (share - (c == label)) * weight * scale;
            gradient[r * stride + c] = fabs(slope) < LEAST_GRADIENT ? 0 : (float)slope;
        }
    }
}
