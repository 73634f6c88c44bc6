#pragma once
#include "CAggregationKernels.h"
