/*
 * mix.h
 *		Spreading the bits of a hash.
 */
#ifndef RETENTION_MIX_H
#define RETENTION_MIX_H

/* A hash of an earlier hash and one more word. The lower half of the result depends on all bits of both. */
static inline uint64
mix64(uint64 hash, uint64 word)
{
	/* The multiplier is 2^64 divided by the golden ratio. */
	hash = (hash ^ word) * UINT64CONST(0x9E3779B97F4A7C15);
	return hash ^ (hash >> 32);
}

#endif /* RETENTION_MIX_H */
