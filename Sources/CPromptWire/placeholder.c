#include "CPromptWire.h"
