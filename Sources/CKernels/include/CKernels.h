#pragma once
#include "CAggregationKernels.h"
#include "CTuningKernels.h"
