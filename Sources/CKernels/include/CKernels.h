#pragma once
#include "CAggregationKernels.h"
#include "CElementary.h"
#include "CKernelVariants.h"
#include "CReferenceKernels.h"
#include "CTuningKernels.h"
