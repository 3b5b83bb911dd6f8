// A convolution whose outputs go to a sink, tile by tile.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

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

typedef int32_t Bits __attribute__((vector_size(4 * LANES)));
inline Bits larger(Bits most, Vector x) {
  const Bits magnitude = (Bits)x & 0x7fffffff;  // ordered as the numbers are
  return magnitude > most ? magnitude : most;
}
inline int32_t largest(Bits most) {
  int32_t all = 0;
  for (int l = 0; l < LANES; ++l) all = std::max(all, most[l]);
  return all;
}

// Powers of two that bring numbers of up to a magnitude below 1, and back.
struct Scale {
  float to = 1, back = 1;
  Scale() = default;
  explicit Scale(int32_t magnitude) {
    const int32_t exponent = std::clamp<int32_t>(magnitude >> 23, 1, 252) - 126;
    to = std::ldexp(1.f, -exponent), back = std::ldexp(1.f, exponent);
  }
};

inline Scale scale_of_weights(const float* w, int64_t n, int threads) {
  int32_t most = 0;
#pragma omp parallel num_threads(threads) reduction(max : most)
  {
    Bits mine{};
#pragma omp for schedule(static)
    for (int64_t j = 0; j < n; j += LANES) mine = larger(mine, load(w + j, n - j));
    most = largest(mine);
  }
  return Scale(most);
}

// A tile's inputs, transformed: V[36][...], frequencies V_step apart, LANES inputs of it after every `step` numbers.
template <class Kind, class Number = typename Kind::Number>
Scale transform_inputs(const Patch<6>& patch, int64_t IC, int64_t V_step, int64_t step, Number* V) {
  Scale scale;
  if constexpr (Kind::IS_SCALED) {
    Bits most{};
    for (int q = 0; q < 36; ++q)
      for (int64_t i = 0; patch.p[q] && i < IC; i += LANES) most = larger(most, load(patch.p[q] + i, IC - i));
    scale = Scale(largest(most));
  }
  for (int64_t i = 0; i < IC; i += LANES, V += step) {
    Vector d[36];
    for (int q = 0; q < 36; ++q) d[q] = patch.p[q] ? load(patch.p[q] + i, IC - i) : Vector{};
    if constexpr (Kind::IS_SCALED)
      for (int q = 0; q < 36; ++q) d[q] *= scale.to;
    input_tile(d);
    for (int f = 0; f < 36; ++f) write(V + f * V_step, d[f]);
  }
  return scale;
}

// Sink: begin(n_tiles), then for each block of channels: open(n_tiles), put(...) for each tap, close(...).
template <class Kind, class Sink>
void convolve_as(const Call& call, const Sink& prototype) {
  typedef typename Kind::Number Number;
  constexpr int TILES = Kind::TILES;
  Tiles tiles(call.B, call.H, call.W);
  const int64_t n_in = parts(call.IC, LANES) * LANES, n_blocks = parts(call.C, N_OUT);
  const int64_t V_step = frequency<Number>(n_in, TILES), U_step = frequency<Number>(n_in, N_OUT);
  const int64_t V_size = 36 * V_step, U_size = 36 * U_step, M_size = 36 * TILES * N_OUT;
  const int64_t n_groups = parts(tiles.count, TILES);
  const int64_t most = std::clamp<int64_t>(CACHE_BYTES / (V_size * sizeof(Number)), 1, 8);
  const int64_t n_strips = std::max(parts(n_groups, most), std::min<int64_t>(n_groups, call.threads));
  // Few strips: each thread makes the weights it needs, in cache. Many: they are made once, in memory.
  const bool packed = n_strips > 6 * call.threads;
  const int64_t n_chunks = std::min(n_blocks, packed ? 1 : parts(2 * call.threads, n_strips));
  Scale of_weights;
  if constexpr (Kind::IS_SCALED)
    of_weights = scale_of_weights(call.w.w, call.C * call.taps * call.IC * 9, call.threads);
  Memory<Number> all_weights(packed ? n_blocks * call.taps * U_size : 0);
  auto transform = [&](int64_t block, int64_t s, Number* U) {
    const int64_t c = block * N_OUT;
    transform_weights(call.w, {c * call.taps + s, call.taps, call.C - c, 0, 1, call.IC, n_in}, U_step, U, of_weights.to);
  };
  if (packed) {
#pragma omp parallel for num_threads(call.threads) schedule(static)
    for (int64_t j = 0; j < n_blocks * call.taps; ++j) transform(j / call.taps, j % call.taps, all_weights + j * U_size);
  }
#pragma omp parallel num_threads(call.threads)
  {
    const int64_t n_most = parts(n_groups, n_strips);
    Memory<Number> V(V_size * n_most), M(M_size * n_most), own_weights(packed ? 0 : U_size);
    std::vector<float> back(n_most * TILES);
    Sink sink = prototype;
    sink.begin(n_most * TILES);
#pragma omp for schedule(dynamic, 1)
    for (int64_t item = 0; item < n_strips * n_chunks; ++item) {
      const int64_t strip = item / n_chunks, chunk = item % n_chunks;
      const int64_t first = strip * n_groups / n_strips, n = (strip + 1) * n_groups / n_strips - first;
      for (int64_t slot = 0; slot < n * TILES; ++slot) {
        const int64_t k = slot / TILES, t = slot % TILES, tile = first * TILES + slot;
        Patch<6> patch;
        patch.find(call.h, call.IC, tiles, tile);
        back[slot] = transform_inputs<Kind>(patch, call.IC, V_step, TILES * LANES, V + k * V_size + t * LANES).back;
        sink.see(tiles, slot, tile);
      }
      for (int64_t block = chunk * n_blocks / n_chunks; block < (chunk + 1) * n_blocks / n_chunks; ++block) {
        const int64_t c = block * N_OUT, n_lanes = std::min<int64_t>(N_OUT, call.C - c);
        sink.open(n * TILES);
        for (int64_t s = 0; s < call.taps; ++s) {
          const Number* U = all_weights + (block * call.taps + s) * U_size;
          if (!packed) {
            transform(block, s, own_weights);
            U = own_weights;
          }
          const int64_t in_line = 64 / sizeof(Number), lines = parts(N_OUT * LANES / in_line, n);  // n products fetch all
          for (int f = 0; f < 36; ++f)
            for (int64_t k = 0; k < n; ++k)
              multiply<Kind, false>(U + f * U_step, V + k * V_size + f * V_step, n_in,
                                    M + k * M_size + f * TILES * N_OUT,
                                    U + (f + 1) * U_step + k * lines * in_line * n_in / LANES, lines);
          for (int64_t slot = 0; slot < n * TILES && first * TILES + slot < tiles.count; ++slot)
            for (int64_t v = 0; v < n_lanes; v += LANES) {
              Vector o[16];
              output_tile(M + slot / TILES * M_size + slot % TILES * N_OUT + v, TILES * N_OUT, o);
              if constexpr (Kind::IS_SCALED)
                for (int q = 0; q < 16; ++q) o[q] *= back[slot] * of_weights.back;
              sink.put(tiles, first * TILES + slot, slot, c + v, v, s, o);
            }
        }
        for (int64_t slot = 0; slot < n * TILES; ++slot) sink.close(tiles, first * TILES + slot, slot, c, n_lanes);
      }
    }
  }
}

// `is_half`: half precision is enough, where the processor has it.
template <class Sink>
void convolve(const Call& call, bool is_half, const Sink& sink) {
#ifdef __AVX512FP16__
  if (is_half && call.IC <= Half::MOST_INPUTS) return convolve_as<Half>(call, sink);
#endif
  convolve_as<Single>(call, sink);
}

}  // namespace
