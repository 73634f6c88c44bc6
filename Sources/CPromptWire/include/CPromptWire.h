#pragma once
#include <stddef.h>
#include <stdint.h>

#include "impromptu.pb-c.h"

/* The serialized google.protobuf.FileDescriptorSet of Proto/impromptu.proto. It lives as long as the process. */
const uint8_t *impromptu_schema(size_t *size);
