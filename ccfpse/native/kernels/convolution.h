// A convolution whose outputs go to a sink, tile by tile.

#pragma once

#include <algorithm>
#include <cstdint>

#include "products.h"
#include "tiles.h"
#include "vectors.h"
#include "weights.h"
#include "winograd.h"

namespace {

struct Call {
  const float* h;  // (B, H, W, IC)
  int64_t B, H, W, IC;
  Weights w;
  int64_t C;     // output channels of each tap
  int64_t taps;  // output channel o = c · taps + s
  int threads;
};

// Sink: begin(n_groups), then for each block of channels: open(), put(...) for each tap, close(...).
template <class Sink>
void convolve(const Call& call, const Sink& prototype) {
  Tiles tiles(call.B, call.H, call.W);
  const int64_t n_in = parts(call.IC, LANES) * LANES, n_blocks = parts(call.C, N_OUT);
  const int64_t V_step = frequency(n_in, N_TILES), U_step = frequency(n_in, N_OUT);
  const int64_t V_size = 36 * V_step, U_size = 36 * U_step, M_size = 36 * N_TILES * N_OUT;
  const int64_t n_groups = parts(tiles.count, N_TILES);
  const int64_t most = std::clamp<int64_t>(CACHE_FLOATS / V_size, 1, 8);
  const int64_t n_strips = std::max(parts(n_groups, most), std::min<int64_t>(n_groups, call.threads));
  // Few strips: each thread makes the weights it needs, in cache. Many: they are made once, in memory.
  const bool packed = n_strips > 6 * call.threads;
  const int64_t n_chunks = std::min(n_blocks, packed ? 1 : parts(2 * call.threads, n_strips));
  Floats all_weights(packed ? n_blocks * call.taps * U_size : 0);
  if (packed) {
#pragma omp parallel for num_threads(call.threads) schedule(static)
    for (int64_t j = 0; j < n_blocks * call.taps; ++j) {
      int64_t c = j / call.taps * N_OUT;
      transform_weights(call.w, {c * call.taps + j % call.taps, call.taps, call.C - c, 0, 1, call.IC, n_in}, U_step,
                        all_weights + j * U_size);
    }
  }
#pragma omp parallel num_threads(call.threads)
  {
    const int64_t n_most = parts(n_groups, n_strips);
    Floats V(V_size * n_most), M(M_size * n_most), own_weights(packed ? 0 : U_size);
    Sink sink = prototype;
    sink.begin(n_most);
#pragma omp for schedule(dynamic, 1)
    for (int64_t item = 0; item < n_strips * n_chunks; ++item) {
      const int64_t strip = item / n_chunks, chunk = item % n_chunks;
      const int64_t first = strip * n_groups / n_strips, n = (strip + 1) * n_groups / n_strips - first;
      for (int64_t k = 0; k < n; ++k)
        for (int t = 0; t < N_TILES; ++t) {
          const int64_t tile = (first + k) * N_TILES + t;
          Patch<6> patch;
          patch.find(call.h, call.IC, tiles, tile);
          for (int64_t i = 0; i < n_in; i += LANES) {
            Vector d[36];
            for (int q = 0; q < 36; ++q) d[q] = patch.p[q] ? load(patch.p[q] + i, call.IC - i) : Vector{};
            input_tile(d);
            for (int f = 0; f < 36; ++f) at(V + k * V_size + f * V_step + i * N_TILES + t * LANES) = d[f];
          }
          sink.see(tiles, k * N_TILES + t, tile);
        }
      for (int64_t block = chunk * n_blocks / n_chunks; block < (chunk + 1) * n_blocks / n_chunks; ++block) {
        const int64_t c = block * N_OUT, n_lanes = std::min<int64_t>(N_OUT, call.C - c);
        sink.open(n);
        for (int64_t s = 0; s < call.taps; ++s) {
          const float* U = all_weights + (block * call.taps + s) * U_size;
          if (!packed) {
            transform_weights(call.w, {c * call.taps + s, call.taps, n_lanes, 0, 1, call.IC, n_in}, U_step, own_weights);
            U = own_weights;
          }
          const int64_t lines = parts(N_OUT, n);  // so that n products fetch a frequency
          for (int f = 0; f < 36; ++f)
            for (int64_t k = 0; k < n; ++k)
              multiply<false>(U + f * U_step, V + k * V_size + f * V_step, n_in, M + k * M_size + f * N_TILES * N_OUT,
                              U + (f + 1) * U_step + k * lines * n_in, lines);
          for (int64_t k = 0; k < n; ++k)
            for (int t = 0; t < N_TILES; ++t) {
              const int64_t tile = (first + k) * N_TILES + t;
              if (tile >= tiles.count) break;
              for (int64_t v = 0; v < n_lanes; v += LANES) {
                Vector o[16];
                output_tile(M + k * M_size + t * N_OUT + v, N_TILES * N_OUT, o);
                sink.put(tiles, tile, k * N_TILES + t, c + v, v, s, o);
              }
            }
        }
        for (int64_t k = 0; k < n * N_TILES; ++k)
          sink.close(tiles, first * N_TILES + k, k, c, n_lanes);
      }
    }
  }
}

}  // namespace
