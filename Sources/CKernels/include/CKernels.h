#pragma once
#include "CAggregationKernels.h"
#include "CReferenceKernels.h"
#include "CTuningKernels.h"
