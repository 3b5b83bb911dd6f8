// 3x3 convolutions by Winograd's F(4x4, 3x3), float32, channels last, and what CC-FPSE does with them at once:
// predicted kernels are applied tile by tile while they are in cache, and never exist as a map.
//
// Plain C interface, called through ctypes; vectors by the compiler's extensions, so that one source serves
// every processor that GCC or Clang know. Names: B H W C as in Python; IC input channels; "tile": 4x4
// outputs and the 6x6 inputs they see; "frequency": one of the 36 elements of a transformed tile; "group":
// the tiles that pass the innermost loop together; "strip": groups that a thread works on at once;
// "block": N_OUT output channels. Kernel maps have channel c·9 + s for tap s of channel c.
//
// Source of the transforms: Lavin and Gray 2016, arXiv:1509.09308. Interpolation points 0, ±a, ±b, ∞ with a = 3/4
// and b = 3/2 have a quarter of the rounding errors of the usual ±1, ±2 (measured).

#include <omp.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "convolution.h"
#include "products.h"
#include "sinks.h"
#include "tiles.h"
#include "vectors.h"
#include "weights.h"
#include "winograd.h"

namespace {

// ---- gradients of predicted kernels: dK[c·9 + s, p] = gy[c, p] · x[c, p + tap], made on the fly

// 6x6 of dK for LANES channels and one tap, from patches of gy (6x6) and x (8x8)
inline void product_patch(const Patch<6>& gy, const Patch<8>& x, int64_t c, int64_t n, int s, Vector* d) {
  const int dy = s / 3, dx = s % 3;
  for (int i = 0; i < 6; ++i)
    for (int j = 0; j < 6; ++j) {
      const float *g = gy.p[6 * i + j], *a = x.p[8 * (i + dy) + j + dx];
      d[6 * i + j] = g && a ? load(g + c, n) * load(a + c, n) : Vector{};
    }
}

}  // namespace

extern "C" {

// Whether `is_half` below makes a difference on this processor: products in half precision, where they are at most 128
// to a sum.
int64_t ccfpse_has_half() {
#ifdef __AVX512FP16__
  return 1;
#else
  return 0;
#endif
}

// y (B, H, W, C) = conv(h) + bias, finished; where codes (B, H, W) are given, also the rows of the table
// (9, n_codes, C) that the codes around a position name, with their sums (n_codes, C). `transposed`: w is
// (IC, C, 3, 3) and its convolution is run backwards, from its outputs to its inputs. `how`: see Finish, with
// `other` (B, H, W, C), which may be y.
void ccfpse_conv(const float* h, int64_t B, int64_t H, int64_t W, int64_t IC, const float* w, int64_t transposed,
                 const float* bias, const int32_t* codes, const float* rows, const float* sums, int64_t n_codes,
                 int64_t C, int64_t how, const float* other, float* y, int64_t is_half, int64_t threads) {
  Weights weights = transposed ? Weights{w, 9, C * 9, true} : Weights{w, IC * 9, 9, false};
  convolve({h, B, H, W, IC, weights, C, 1, (int)threads}, is_half,
           StoreSink{y, bias, {codes, rows, sums, n_codes, C}, C, (Finish)how, other});
}

// Gradient of `ccfpse_conv` for the rows (9, n_codes, C) of its table, from gy (B, H, W, C)
void ccfpse_gradient_table(const int32_t* codes, int64_t B, int64_t H, int64_t W, const float* gy, int64_t C,
                           int64_t n_codes, float* rows, int64_t threads) {
  Tiles tiles(B, H, W);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t c = 0; c < C; c += LANES) {  // a thread owns its channels: the order of adding never changes
    const int64_t n = std::min<int64_t>(LANES, C - c);
    Floats sums(n_codes * LANES);
    std::memset(sums, 0, n_codes * LANES * 4);
    for (int64_t j = 0; j < 9 * n_codes; ++j) std::memset(rows + j * C + c, 0, n * 4);
    for (int64_t b = 0; b < B; ++b)
      for (int64_t y = 0; y < H; ++y)
        for (int64_t x = 0; x < W; ++x) {
          Codes around;
          const Vector g = load(gy + ((b * H + y) * W + x) * C + c, n);
          around.find(tiles, codes, b, y, x);
          if (around.same) {
            at(sums + around.at[0] * LANES) += g;
            continue;
          }
          for (int k = 0; k < 9; ++k)
            if (around.at[k] >= 0) {
              float* row = rows + (k * n_codes + around.at[k]) * C + c;
              store(row, load(row, n) + g, n);
            }
        }
    for (int64_t j = 0; j < 9 * n_codes; ++j)
      store(rows + j * C + c, load(rows + j * C + c, n) + at(sums + j % n_codes * LANES), n);
  }
}

// y (B, H, W, C): x (B, H, W, C) filtered with the kernels that the last layer w (9C, IC, 3, 3) predicts from h.
// Before, x is scaled and shifted by channel (null: not), and enlarged to twice its size where halvings is 1.
void ccfpse_apply(const float* h, int64_t B, int64_t H, int64_t W, int64_t IC, const float* w, const float* bias,
                  const float* x, const float* scale, const float* shift, int64_t halvings, int64_t C, float* y,
                  int64_t is_half, int64_t threads) {
  convolve({h, B, H, W, IC, Weights{w, IC * 9, 9, false}, C, 9, (int)threads}, is_half,
           ApplySink{{x, scale, shift, C, (int)halvings}, bias, y});
}

// y (B, H, W, C) = x · (1 + r0) + r1, with r0 and r1 the convolutions of h by w (2C, IC, 3, 3), r0 of channel c the
// output 2c and r1 the next; x as in `ccfpse_apply`.
void ccfpse_modulate(const float* h, int64_t B, int64_t H, int64_t W, int64_t IC, const float* w, const float* bias,
                     const float* x, const float* scale, const float* shift, int64_t halvings, int64_t C, float* y,
                     int64_t is_half, int64_t threads) {
  convolve({h, B, H, W, IC, Weights{w, IC * 9, 9, false}, C, 2, (int)threads}, is_half,
           ModulateSink{{x, scale, shift, C, (int)halvings}, bias, y});
}

// Asks for huge pages behind freshly allocated memory: touching small ones costs more than using them.
void ccfpse_huge_pages(void* data, int64_t bytes, int64_t) {
  const int64_t from = parts((int64_t)data, HUGE_PAGE) * HUGE_PAGE;
  const int64_t to = ((int64_t)data + bytes) / HUGE_PAGE * HUGE_PAGE;
#ifdef MADV_HUGEPAGE
  if (to > from) madvise((void*)from, to - from, MADV_HUGEPAGE);
#endif
}

// Gradient of `ccfpse_apply` for x, from gy (B, H, W, C)
void ccfpse_apply_gradient_x(const float* h, int64_t B, int64_t H, int64_t W, int64_t IC, const float* w,
                             const float* bias, const float* gy, int64_t C, float* gx, int64_t is_half,
                             int64_t threads) {
  Tiles tiles(B, H, W);
  Floats sent(tiles.count * 36 * C);
  convolve({h, B, H, W, IC, Weights{w, IC * 9, 9, false}, C, 9, (int)threads}, is_half, ScatterSink{gy, bias, C, sent});
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t tile = 0; tile < tiles.count; ++tile) {
    Place place(tiles, tile);
    each_output(tiles, tile, C, [&](int i, int j, int64_t offset) {
      for (int64_t c = 0; c < C; c += LANES) {
        Vector sum{};
        for (int dy = -1; dy <= 1; ++dy)
          for (int dx = -1; dx <= 1; ++dx) {  // a neighbour tile reaches one position into this one
            const int row = i + 1 - 4 * dy, column = j + 1 - 4 * dx;
            const int64_t ty = place.y / 4 + dy, tx = place.x / 4 + dx;
            if (row < 0 || row > 5 || column < 0 || column > 5) continue;
            if (ty < 0 || ty >= tiles.n_down || tx < 0 || tx >= tiles.n_across) continue;
            const int64_t from = tile + dy * tiles.n_across + dx;
            sum += load(sent + (from * 36 + row * 6 + column) * C + c, C - c);
          }
        store(gx + offset + c, sum, C - c);
      }
    });
  }
}

// Gradient of `ccfpse_apply` for h (B, H, W, IC)
void ccfpse_apply_gradient_h(const float* x, const float* gy, int64_t B, int64_t H, int64_t W, int64_t C,
                             const float* w, int64_t IC, float* gh, int64_t threads) {
  constexpr int TILES = Single::TILES;
  Tiles tiles(B, H, W);
  const Weights weights{w, 9, IC * 9, true};
  const int64_t n_chunks = parts(C, LANES), K = 9 * LANES, n_blocks = parts(IC, N_OUT);
  const int64_t V_step = frequency(K, TILES), U_step = frequency(K, N_OUT);
  const int64_t V_size = 36 * V_step, U_size = 36 * U_step, M_size = 36 * TILES * N_OUT;
  const int64_t n_groups = parts(tiles.count, TILES);
  const int64_t most = std::clamp<int64_t>(CACHE_BYTES / (V_size * 4), 1, 8);
  const int64_t n_strips = std::max(parts(n_groups, most), std::min<int64_t>(n_groups, threads));
  const bool packed = n_strips > 6 * threads;
  Floats all_weights(packed ? n_chunks * n_blocks * U_size : 0);
  // Inputs run over (tap, channel): LANES channels of a tap together.
  auto transform = [&](int64_t chunk, int64_t block, float* U) {
    const int64_t c = chunk * LANES, o = block * N_OUT;
    for (int64_t s = 0; s < 9; ++s)
      transform_weights(weights, {o, 1, IC - o, c * 9 + s, 9, C - c, LANES}, U_step, U + s * LANES * N_OUT);
  };
  if (packed) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t j = 0; j < n_chunks * n_blocks; ++j) transform(j / n_blocks, j % n_blocks, all_weights + j * U_size);
  }
#pragma omp parallel num_threads(threads)
  {
    const int64_t n_most = parts(n_groups, n_strips);
    Floats V(V_size * n_most), M(M_size * n_most * n_blocks), own_weights(packed ? 0 : U_size);
#pragma omp for schedule(dynamic, 1)
    for (int64_t strip = 0; strip < n_strips; ++strip) {
      const int64_t first = strip * n_groups / n_strips, n = (strip + 1) * n_groups / n_strips - first;
      const int64_t lines = parts(N_OUT, n);
      std::memset(M, 0, M_size * n * n_blocks * 4);
      for (int64_t chunk = 0; chunk < n_chunks; ++chunk) {
        const int64_t c = chunk * LANES;
        for (int64_t k = 0; k < n; ++k)
          for (int t = 0; t < TILES; ++t) {
            Patch<6> near;
            Patch<8> far;
            near.find(gy, C, tiles, (first + k) * TILES + t);
            far.find(x, C, tiles, (first + k) * TILES + t);
            for (int s = 0; s < 9; ++s) {
              Vector d[36];
              product_patch(near, far, c, C - c, s, d);
              input_tile(d);
              for (int f = 0; f < 36; ++f)
                at(V + k * V_size + f * V_step + s * LANES * TILES + t * LANES) = d[f];
            }
          }
        for (int64_t block = 0; block < n_blocks; ++block) {
          const float* U = all_weights + (chunk * n_blocks + block) * U_size;
          if (!packed) {
            transform(chunk, block, own_weights);
            U = own_weights;
          }
          for (int f = 0; f < 36; ++f)
            for (int64_t k = 0; k < n; ++k)
              multiply<Single, true>(U + f * U_step, V + k * V_size + f * V_step, K,
                             M + (k * n_blocks + block) * M_size + f * TILES * N_OUT,
                             U + (f + 1) * U_step + k * lines * K, lines);
        }
      }
      for (int64_t k = 0; k < n; ++k)
        for (int t = 0; t < TILES; ++t)
          for (int64_t i = 0; i < IC; i += LANES) {
            Vector o[16];
            output_tile(M + (k * n_blocks + i / N_OUT) * M_size + t * N_OUT + i % N_OUT, TILES * N_OUT, o);
            each_output(tiles, (first + k) * TILES + t, IC, [&](int a, int b, int64_t offset) {
              store(gh + offset + i, o[4 * a + b], IC - i);
            });
          }
    }
  }
}

// Gradient for a weight (C·taps, IC, 3, 3) and its bias (C·taps): of a convolution of h with output gradient gy
// (taps 1, x null), or of the layer that predicts kernels for x (taps 9).
void ccfpse_gradient_w(const float* h, int64_t B, int64_t H, int64_t W, int64_t IC, const float* x, const float* gy,
                       int64_t C, int64_t taps, float* gw, float* gbias, int64_t threads) {
  constexpr int64_t FEW = 96, MANY = 6 * FEW;  // tiles whose dM, and whose V, are in memory at a time
  Tiles tiles(B, H, W);
  const int64_t n_in = parts(IC, LANES) * LANES, n_items = parts(C, N_OUT) * taps;
  const int64_t U_step = frequency(n_in, N_OUT), U_size = 36 * U_step;
  const int64_t V_step = frequency(std::min(MANY, tiles.count), n_in), M_step = frequency(FEW, N_OUT);
  Floats kept(tiles.count > MANY ? n_items * U_size : 0), bias_sums(n_items * N_OUT);
  std::memset(bias_sums, 0, n_items * N_OUT * 4);
#pragma omp parallel num_threads(threads)
  {
    Floats V(36 * V_step), dM(36 * M_step), own(U_size);
    std::vector<Patch<6>> near(MANY);
    std::vector<Patch<4>> mine(MANY);
    const int64_t me = omp_get_thread_num(), all = omp_get_num_threads();
    const int64_t begin = me * n_items / all, end = (me + 1) * n_items / all;  // this thread's alone
    for (int64_t first = 0; first < tiles.count && begin < end; first += MANY) {
      const int64_t n = std::min(MANY, tiles.count - first);
      for (int64_t t = 0; t < n; ++t) {
        near[t].find(h, IC, tiles, first + t);
        for (int64_t i = 0; i < n_in; i += LANES) {
          Vector d[36];
          for (int q = 0; q < 36; ++q) d[q] = near[t].p[q] ? load(near[t].p[q] + i, IC - i) : Vector{};
          input_tile(d);
          for (int f = 0; f < 36; ++f) at(V + f * V_step + t * n_in + i) = d[f];
        }
        mine[t].find(gy, C, tiles, first + t);
        if (x) near[t].find(x, C, tiles, first + t);
      }
      for (int64_t item = begin; item < end; ++item) {
        const int64_t c = item / taps * N_OUT, s = item % taps;
        float* dU = tiles.count > MANY ? kept + item * U_size : own;
        if (first == 0) std::memset(dU, 0, U_size * 4);
        for (int64_t from = 0; from < n; from += FEW) {
          const int64_t few = std::min(FEW, n - from);
          for (int64_t t = 0; t < few; ++t)
            for (int64_t v = 0; v < N_OUT; v += LANES) {
              const int64_t lanes = C - c - v;
              Vector g[16], m[36], sum{};
              for (int i = 0; i < 4; ++i)
                for (int j = 0; j < 4; ++j) {
                  const float* there = mine[from + t].p[4 * i + j];
                  const float* beside = x ? near[from + t].p[6 * (i + s / 3) + j + s % 3] : there;
                  Vector& one = g[4 * i + j];
                  one = there && beside && lanes > 0 ? load(there + c + v, lanes) : Vector{};
                  if (x && there && beside && lanes > 0) one *= load(beside + c + v, lanes);
                  sum += one;
                }
              at(bias_sums + item * N_OUT + v) += sum;
              gradient_tile(g, m);
              for (int f = 0; f < 36; ++f) at(dM + f * M_step + t * N_OUT + v) = m[f];
            }
          for (int f = 0; f < 36; ++f)
            for (int64_t i = 0; i < n_in; i += N_ROWS)
              multiply_gradient(V + f * V_step + from * n_in + i, n_in, dM + f * M_step, few,
                                dU + f * U_step + i * N_OUT);
        }
        if (first + MANY < tiles.count) continue;
        const int64_t n_lanes = std::min<int64_t>(N_OUT, C - c);
        for (int64_t l = 0; l < n_lanes; ++l) gbias[(c + l) * taps + s] = bias_sums[item * N_OUT + l];
        for (int64_t i = 0; i < IC; ++i)
          for (int64_t v = 0; v < n_lanes; v += LANES) {
            Vector u[36], t[18], g[9];
            for (int f = 0; f < 36; ++f) u[f] = at(dU + f * U_step + i * N_OUT + v);
            for (int a = 0; a < 6; ++a) weight_gradient_3(u + 6 * a, 1, t + 3 * a, 1);
            for (int k = 0; k < 3; ++k) weight_gradient_3(t + k, 3, g + k, 3);
            for (int64_t l = 0; l < std::min<int64_t>(LANES, n_lanes - v); ++l)
              for (int k = 0; k < 9; ++k) gw[(((c + v + l) * taps + s) * IC + i) * 9 + k] = g[k][l];
          }
      }
    }
  }
}
}
