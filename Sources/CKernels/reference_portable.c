#define KERNELS reference_kernels_portable

#include "reference.h"
