#pragma once
#include <stddef.h>
#include <stdint.h>

// The CRC32 of ISO 3309 (gzip, MCAP) of bytes that follow those whose CRC32 is `crc`; 0 to begin with.
uint32_t checksum_crc32(uint32_t crc, const uint8_t *bytes, size_t count);
