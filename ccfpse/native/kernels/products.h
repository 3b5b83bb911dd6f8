// The innermost loops: matrix products, a frequency at a time.

#pragma once

#include "vectors.h"

namespace {

// M[N_TILES][N_OUT] (+)= sum over inputs of V[n_in / LANES][N_TILES][LANES] · U[n_in][N_OUT]. Meanwhile `lines`
// cache lines for every LANES inputs are fetched from `ahead`: weights that the next products need.
template <bool ADD>
__attribute__((noinline)) void multiply(const float* U, const float* V, int64_t n_in, float* M, const float* ahead,
                                        int64_t lines) {
  Vector sum[N_TILES][N_VECTORS];
#pragma GCC unroll 16
  for (int t = 0; t < N_TILES; ++t)
#pragma GCC unroll 4
    for (int v = 0; v < N_VECTORS; ++v) sum[t][v] = ADD ? at(M + t * N_OUT + v * LANES) : Vector{};
  for (; n_in > 0; n_in -= LANES, U += LANES * N_OUT, V += N_TILES * LANES) {
    for (int64_t j = 0; j < lines; ++j, ahead += LANES) __builtin_prefetch(ahead, 0, 2);
#pragma GCC unroll 2
    for (int i = 0; i < LANES; ++i) {
      Vector u[N_VECTORS];
#pragma GCC unroll 4
      for (int v = 0; v < N_VECTORS; ++v) u[v] = at(U + i * N_OUT + v * LANES);
#pragma GCC unroll 16
      for (int t = 0; t < N_TILES; ++t)
#pragma GCC unroll 4
        for (int v = 0; v < N_VECTORS; ++v) sum[t][v] += V[t * LANES + i] * u[v];
    }
  }
#pragma GCC unroll 16
  for (int t = 0; t < N_TILES; ++t)
#pragma GCC unroll 4
    for (int v = 0; v < N_VECTORS; ++v) at(M + t * N_OUT + v * LANES) = sum[t][v];
}

// dU[N_ROWS inputs][N_OUT] += sum over tiles of V[tile][IC]ᵀ · dM[tile][N_OUT]
__attribute__((noinline)) void multiply_gradient(const float* V, int64_t IC, const float* dM, int64_t n_tiles,
                                                 float* dU) {
  Vector sum[N_ROWS][N_VECTORS];
#pragma GCC unroll 16
  for (int i = 0; i < N_ROWS; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < N_VECTORS; ++v) sum[i][v] = at(dU + i * N_OUT + v * LANES);
  for (int64_t t = 0; t < n_tiles; ++t, V += IC, dM += N_OUT) {
    Vector m[N_VECTORS];
#pragma GCC unroll 4
    for (int v = 0; v < N_VECTORS; ++v) m[v] = at(dM + v * LANES);
#pragma GCC unroll 16
    for (int i = 0; i < N_ROWS; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < N_VECTORS; ++v) sum[i][v] += V[i] * m[v];
  }
#pragma GCC unroll 16
  for (int i = 0; i < N_ROWS; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < N_VECTORS; ++v) at(dU + i * N_OUT + v * LANES) = sum[i][v];
}

}  // namespace
