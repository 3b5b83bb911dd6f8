// 3x3 convolutions by Winograd's F(4x4, 3x3), float32, channels last, and what CC-FPSE does with them at once:
// predicted kernels are applied tile by tile while they are in cache, and never exist as a map.
//
// Plain C interface, called through ctypes; vectors by the compiler's extensions, so that one source serves
// every processor that GCC or Clang know. Names: B H W C as in Python; IC input channels; "tile": 4x4
// outputs and the 6x6 inputs they see; "frequency": one of the 36 elements of a transformed tile; "group":
// N_TILES tiles that pass the innermost loop together; "strip": groups that a thread works on at once;
// "block": N_OUT output channels. Kernel maps have channel c·9 + s for tap s of channel c.
//
// Source of the transforms: Lavin and Gray 2016, arXiv:1509.09308. Interpolation points 0, ±a, ±b, ∞ with a = 3/4
// and b = 3/2 have a quarter of the rounding errors of the usual ±1, ±2 (measured).

#include <omp.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

namespace {

#ifdef __AVX512F__
constexpr int N_TILES = 12, N_VECTORS = 2;  // 24 of 32 registers accumulate
#else
constexpr int N_TILES = 6, N_VECTORS = 1;
#endif
constexpr int LANES = 16, N_OUT = N_VECTORS * LANES, N_ROWS = 8;
constexpr int64_t CACHE_FLOATS = 280'000;  // of transformed inputs that a strip keeps close: 1.1 MB

typedef float Vector __attribute__((vector_size(4 * LANES)));
typedef float Unaligned __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

inline Vector load(const float* p) { return *(const Unaligned*)p; }
inline Vector load(const float* p, int64_t n) {  // the first n lanes, zeros behind them
  if (n >= LANES) return load(p);
  alignas(64) float lanes[LANES] = {};
  for (int64_t i = 0; i < n; ++i) lanes[i] = p[i];
  return *(Vector*)lanes;
}
inline void store(float* p, Vector v) { *(Unaligned*)p = v; }
inline void store(float* p, Vector v, int64_t n) {
  if (n >= LANES) return store(p, v);
  for (int64_t i = 0; i < n; ++i) p[i] = v[i];
}
inline Vector& at(float* p) { return *(Vector*)p; }
inline const Vector& at(const float* p) { return *(const Vector*)p; }
inline int64_t parts(int64_t n, int64_t size) { return (n + size - 1) / size; }
// Floats of a frequency of n rows: one cache line more than they fill, or frequencies would evict one another.
inline int64_t frequency(int64_t n, int64_t row) { return n * row + LANES; }

struct Floats {  // aligned memory; large pieces in huge pages, since touching small ones costs more than using them
  static constexpr int64_t HUGE_PAGE = 2 << 20;
  float* data;
  explicit Floats(int64_t n) {
    const int64_t bytes = std::max<int64_t>(n, 1) * 4, page = bytes < 2 * HUGE_PAGE ? 64 : HUGE_PAGE;
    data = (float*)std::aligned_alloc(page, parts(bytes, page) * page);
#ifdef MADV_HUGEPAGE
    if (page == HUGE_PAGE) madvise(data, parts(bytes, page) * page, MADV_HUGEPAGE);
#endif
  }
  ~Floats() { std::free(data); }
  Floats(const Floats&) = delete;
  operator float*() const { return data; }
};

// ---- tiles of a map (B, H, W)

struct Tiles {
  int64_t B, H, W, n_down, n_across, count;
  Tiles(int64_t B, int64_t H, int64_t W)
      : B(B), H(H), W(W), n_down(parts(H, 4)), n_across(parts(W, 4)), count(B * n_down * n_across) {}
};

struct Place {  // a tile's first output
  int64_t b, y, x;
  Place(const Tiles& tiles, int64_t tile)
      : b(tile / (tiles.n_down * tiles.n_across)),
        y(tile / tiles.n_across % tiles.n_down * 4),
        x(tile % tiles.n_across * 4) {}
};

// Pointers to the SIDE x SIDE positions that a tile sees, null outside of the map; the tile lies in the middle.
template <int SIDE>
struct Patch {
  const float* p[SIDE * SIDE];
  // `halvings` 1: the map has half the tiles' size, and every position of it counts for 2x2.
  void find(const float* map, int64_t C, const Tiles& tiles, int64_t tile, int halvings = 0) {
    constexpr int MARGIN = (SIDE - 4) / 2;
    std::fill(p, p + SIDE * SIDE, nullptr);
    if (tile >= tiles.count) return;
    Place place(tiles, tile);
    for (int i = 0; i < SIDE; ++i)
      for (int j = 0; j < SIDE; ++j) {
        int64_t y = place.y + i - MARGIN, x = place.x + j - MARGIN;
        if (y >= 0 && y < tiles.H && x >= 0 && x < tiles.W)
          p[i * SIDE + j] =
              map + ((place.b * (tiles.H >> halvings) + (y >> halvings)) * (tiles.W >> halvings) + (x >> halvings)) * C;
      }
  }
};

// Calls f(i, j, offset of the position in a map of C channels) for the outputs of a tile that exist.
template <class F>
inline void each_output(const Tiles& tiles, int64_t tile, int64_t C, F f) {
  if (tile >= tiles.count) return;
  Place place(tiles, tile);
  for (int i = 0; i < 4 && place.y + i < tiles.H; ++i)
    for (int j = 0; j < 4 && place.x + j < tiles.W; ++j)
      f(i, j, ((place.b * tiles.H + place.y + i) * tiles.W + place.x + j) * C);
}

// ---- transforms, each of rows and then of columns

constexpr float A1 = 0.75f, B1 = 1.5f, A2 = A1 * A1, B2 = B1 * B1, A3 = A1 * A2, B3 = B1 * B2;

inline void input_6(const Vector* d, int step, Vector* t, int to) {
  Vector d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step];
  Vector even_a = d4 - B2 * d2, odd_a = A1 * d3 - (A1 * B2) * d1;
  Vector even_b = d4 - A2 * d2, odd_b = B1 * d3 - (B1 * A2) * d1;
  t[0] = (A2 * B2) * d[0] - (A2 + B2) * d2 + d4;
  t[to] = even_a + odd_a;
  t[2 * to] = even_a - odd_a;
  t[3 * to] = even_b + odd_b;
  t[4 * to] = even_b - odd_b;
  t[5 * to] = (A2 * B2) * d1 - (A2 + B2) * d3 + d[5 * step];
}

inline void input_tile(Vector* d) {  // 6x6 in place
  Vector t[36];
#pragma GCC unroll 6
  for (int j = 0; j < 6; ++j) input_6(d + j, 6, t + j, 6);
#pragma GCC unroll 6
  for (int i = 0; i < 6; ++i) input_6(t + 6 * i, 1, d + 6 * i, 1);
}

inline void output_4(Vector m0, Vector m1, Vector m2, Vector m3, Vector m4, Vector m5, Vector* o, int to) {
  Vector even_a = m1 + m2, odd_a = m1 - m2, even_b = m3 + m4, odd_b = m3 - m4;
  o[0] = m0 + even_a + even_b;
  o[to] = A1 * odd_a + B1 * odd_b;
  o[2 * to] = A2 * even_a + B2 * even_b;
  o[3 * to] = A3 * odd_a + B3 * odd_b + m5;
}

inline void output_tile(const float* m, int64_t step, Vector* o) {  // 36 frequencies, `step` floats apart, to 4x4
  Vector t[24];
#pragma GCC unroll 6
  for (int j = 0; j < 6; ++j)
    output_4(at(m + j * step), at(m + (6 + j) * step), at(m + (12 + j) * step), at(m + (18 + j) * step),
             at(m + (24 + j) * step), at(m + (30 + j) * step), t + j, 6);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i)
    output_4(t[6 * i], t[6 * i + 1], t[6 * i + 2], t[6 * i + 3], t[6 * i + 4], t[6 * i + 5], o + 4 * i, 1);
}

inline void gradient_6(Vector g0, Vector g1, Vector g2, Vector g3, Vector* m, int to) {  // transpose of output_4
  Vector even_a = g0 + A2 * g2, odd_a = A1 * g1 + A3 * g3, even_b = g0 + B2 * g2, odd_b = B1 * g1 + B3 * g3;
  m[0] = g0;
  m[to] = even_a + odd_a;
  m[2 * to] = even_a - odd_a;
  m[3 * to] = even_b + odd_b;
  m[4 * to] = even_b - odd_b;
  m[5 * to] = g3;
}

inline void gradient_tile(const Vector* g, Vector* m) {  // gradient of 4x4 outputs to that of 36 frequencies
  Vector t[24];
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) gradient_6(g[j], g[4 + j], g[8 + j], g[12 + j], t + j, 4);
#pragma GCC unroll 6
  for (int i = 0; i < 6; ++i) gradient_6(t[4 * i], t[4 * i + 1], t[4 * i + 2], t[4 * i + 3], m + 6 * i, 1);
}

constexpr float NA = 2 * A2 * (A2 - B2), NB = 2 * B2 * (B2 - A2);

inline void weight_6(Vector g0, Vector g1, Vector g2, Vector* u, int to) {
  Vector even_a = g0 * (1 / NA) + g2 * (A2 / NA), odd_a = g1 * (A1 / NA);
  Vector even_b = g0 * (1 / NB) + g2 * (B2 / NB), odd_b = g1 * (B1 / NB);
  u[0] = g0 * (1 / (A2 * B2));
  u[to] = even_a + odd_a;
  u[2 * to] = even_a - odd_a;
  u[3 * to] = even_b + odd_b;
  u[4 * to] = even_b - odd_b;
  u[5 * to] = g2;
}

inline void weight_gradient_3(const Vector* u, int step, Vector* g, int to) {  // transpose of weight_6
  Vector sum_a = u[step] + u[2 * step], sum_b = u[3 * step] + u[4 * step];
  g[0] = u[0] * (1 / (A2 * B2)) + sum_a * (1 / NA) + sum_b * (1 / NB);
  g[to] = (u[step] - u[2 * step]) * (A1 / NA) + (u[3 * step] - u[4 * step]) * (B1 / NB);
  g[2 * to] = sum_a * (A2 / NA) + sum_b * (B2 / NB) + u[5 * step];
}

// ---- weights

// Where an element of the weight w (OC, IC, 3, 3) stands: output o, input i, position k of the 3x3.
struct Weights {
  const float* w;
  int64_t out_step, in_step;
  bool flipped;
  float operator()(int64_t o, int64_t i, int k) const {
    return w[o * out_step + i * in_step + (flipped ? 8 - k : k)];
  }
};

// Exchanges lanes so that, over D = 8, 4, 2, 1, sixteen vectors become their transpose.
template <int D>
inline void transpose_step(Vector* r) {
  typedef int32_t Lanes __attribute__((vector_size(4 * LANES)));
  Lanes first, second;
  for (int l = 0; l < LANES; ++l) {
    first[l] = l & D ? LANES + (l ^ D) : l;
    second[l] = l & D ? LANES + l : l ^ D;
  }
#pragma GCC unroll 16
  for (int i = 0; i < LANES; ++i)
    if (!(i & D)) {
      Vector a = r[i], b = r[i | D];
#ifdef __clang__
      for (int l = 0; l < LANES; ++l) {
        r[i][l] = first[l] < LANES ? a[first[l]] : b[first[l] - LANES];
        r[i | D][l] = second[l] < LANES ? a[second[l]] : b[second[l] - LANES];
      }
#else
      r[i] = __builtin_shuffle(a, b, first);
      r[i | D] = __builtin_shuffle(a, b, second);
#endif
    }
}
inline void transpose(Vector* r) {
  transpose_step<8>(r), transpose_step<4>(r), transpose_step<2>(r), transpose_step<1>(r);
}

// The frequencies that lead from some inputs to N_OUT outputs: U[36][n_in][N_OUT], frequencies U_step floats apart.
// Lane l is output first_out + l·out_step, row i input first_in + i·in_step; what is beyond n_out, n_real is zero.
struct Slice {
  int64_t first_out, out_step, n_out, first_in, in_step, n_real, n_in;
};
void transform_weights(const Weights& w, const Slice& slice, int64_t U_step, float* U) {
  const bool in_rows = w.in_step == 9 && slice.in_step == 1 && !w.flipped;  // a lane's inputs lie in a row
  for (int v = 0; v < N_OUT; v += LANES)
    for (int64_t i = 0; i < slice.n_in; i += LANES) {
      Vector g[9 * LANES];  // [input][position]
      const int64_t lanes = std::clamp<int64_t>(slice.n_out - v, 0, LANES);
      const int64_t rows = std::clamp<int64_t>(slice.n_real - i, 0, LANES);
      if (in_rows && lanes == LANES && rows == LANES) {
        for (int part = 0; part < 9; ++part) {
          for (int l = 0; l < LANES; ++l)
            g[part * LANES + l] = load(w.w + (slice.first_out + (v + l) * slice.out_step) * w.out_step +
                                       (slice.first_in + i) * 9 + part * LANES);
          transpose(g + part * LANES);
        }
      } else {
        std::fill(g, g + 9 * LANES, Vector{});
        for (int64_t r = 0; r < rows; ++r)
          for (int64_t l = 0; l < lanes; ++l)
            for (int k = 0; k < 9; ++k)
              g[9 * r + k][l] = w(slice.first_out + (v + l) * slice.out_step,
                                  slice.first_in + (i + r) * slice.in_step, k);
      }
      for (int r = 0; r < LANES; ++r) {
        Vector t[18], u[36];
#pragma GCC unroll 3
        for (int b = 0; b < 3; ++b) weight_6(g[9 * r + b], g[9 * r + 3 + b], g[9 * r + 6 + b], t + b, 3);
#pragma GCC unroll 6
        for (int a = 0; a < 6; ++a) weight_6(t[3 * a], t[3 * a + 1], t[3 * a + 2], u + 6 * a, 1);
        for (int f = 0; f < 36; ++f) at(U + f * U_step + (i + r) * N_OUT + v) = u[f];
      }
    }
}

// ---- products, a frequency at a time

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

// ---- a convolution whose outputs go to a sink

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

// A map (B, H, W) of codes whose one-hot channels are convolved by adding up rows of a table (9, n_codes, C), one
// for each position of the 3x3; `sums` (n_codes, C) are its nine rows together.
struct Table {
  const int32_t* codes;
  const float *rows, *sums;
  int64_t n_codes, C;
};

// Codes of the 3x3 around a position, -1 outside of the map.
struct Codes {
  int32_t at[9];
  bool same;  // all nine are, and inside
  void find(const Tiles& tiles, const int32_t* codes, int64_t b, int64_t y, int64_t x) {
    same = true;
    for (int k = 0; k < 9; ++k) {
      const int64_t v = y + k / 3 - 1, u = x + k % 3 - 1;
      at[k] = v >= 0 && v < tiles.H && u >= 0 && u < tiles.W ? codes[(b * tiles.H + v) * tiles.W + u] : -1;
      same = same && at[k] == at[0];
    }
    same = same && at[0] >= 0;
  }
};

inline Vector exp_of(Vector x) {  // to about 2 units in the last place
  typedef int32_t Integers __attribute__((vector_size(4 * LANES)));
  x = x > 88.f ? Vector{} + 88.f : x;
  x = x < -87.f ? Vector{} - 87.f : x;
  const Vector half = x < 0.f ? Vector{} - 0.5f : Vector{} + 0.5f;
  const Integers n = __builtin_convertvector(x * 1.44269504f + half, Integers);
  const Vector turns = __builtin_convertvector(n, Vector);
  const Vector r = x - turns * 0.693359375f + turns * 2.12194440e-4f;
  Vector e = ((((1.9875691500e-4f * r + 1.3981999507e-3f) * r + 8.3334519073e-3f) * r + 4.1665795894e-2f) * r +
              1.6666665459e-1f) * r + 5.0000001201e-1f;
  e = e * r * r + r + 1.f;
  return (Vector)((Integers)e + (n << 23));
}

// What becomes of r = convolution + bias + table, beside another map of its shape.
enum Finish { PLAIN, RELU, LEAKY_RELU, GATE };
inline Vector leaky(Vector r) { return r > 0.f ? r : 0.2f * r; }
inline Vector finish(Finish how, Vector r, Vector other) {
  switch (how) {
    case PLAIN: return r;
    case RELU: return r > 0.f ? r : Vector{};
    case LEAKY_RELU: return leaky(r);
    case GATE: return leaky(other / (1.f + exp_of(-r)));
  }
  return r;
}

// A map (B, H, W, C), or (B, H/2, W/2, C) to be enlarged, of which every value is scaled and shifted by its channel.
struct Scaled {
  const float *map, *scale, *shift;  // scale and shift may be null
  int64_t C;
  int halvings;
  Vector factor(int64_t c) const { return scale ? load(scale + c, C - c) : Vector{} + 1.f; }
  Vector offset(int64_t c) const { return shift ? load(shift + c, C - c) : Vector{}; }
};

struct StoreSink {
  float* y;
  const float* bias;
  Table table;
  int64_t C;
  Finish how;
  const float* other;
  std::vector<Codes> codes = {};  // around the 16 outputs of every tile
  void begin(int64_t n) { codes.resize(table.codes ? n * N_TILES * 16 : 0); }
  void see(const Tiles& tiles, int64_t slot, int64_t tile) {
    if (!table.codes || tile >= tiles.count) return;
    const Place place(tiles, tile);
    for (int q = 0; q < 16; ++q)
      codes[slot * 16 + q].find(tiles, table.codes, place.b, place.y + q / 4, place.x + q % 4);
  }
  void open(int64_t) {}
  void put(const Tiles& tiles, int64_t tile, int64_t slot, int64_t c, int64_t, int64_t, const Vector* o) {
    const Vector b = bias ? load(bias + c, C - c) : Vector{};
    each_output(tiles, tile, C, [&](int i, int j, int64_t offset) {
      Vector r = o[4 * i + j] + b;
      if (table.codes) {
        const Codes& around = codes[slot * 16 + 4 * i + j];
        if (around.same)
          r += load(table.sums + around.at[0] * C + c, C - c);
        else
          for (int k = 0; k < 9; ++k)
            if (around.at[k] >= 0) r += load(table.rows + (k * table.n_codes + around.at[k]) * C + c, C - c);
      }
      store(y + offset + c, finish(how, r, other ? load(other + offset + c, C - c) : Vector{}), C - c);
    });
  }
  void close(const Tiles&, int64_t, int64_t, int64_t, int64_t) {}
};

// The biases of tap s of LANES channels, zeros behind the last channel
inline Vector bias_of(const float* bias, int64_t taps, int64_t c, int64_t n, int64_t s) {
  Vector b{};
  if (bias)
    for (int64_t l = 0; l < n; ++l) b[l] = bias[(c + l) * taps + s];
  return b;
}

// y[c, p] = sum over taps of x[c, p + tap] · (convolution + bias)[c·9 + s, p]
struct ApplySink {
  Scaled x;
  const float* bias;
  float* y;
  std::vector<Patch<6>> seen = {};
  std::shared_ptr<Floats> sums = {};
  void begin(int64_t n) {
    seen.resize(n * N_TILES);
    sums = std::make_shared<Floats>(n * N_TILES * 16 * N_OUT);
  }
  void see(const Tiles& tiles, int64_t slot, int64_t tile) { seen[slot].find(x.map, x.C, tiles, tile, x.halvings); }
  void open(int64_t n) { std::memset(sums->data, 0, n * N_TILES * 16 * N_OUT * 4); }
  void put(const Tiles&, int64_t, int64_t slot, int64_t c, int64_t v, int64_t s, const Vector* o) {
    const int64_t n = std::min<int64_t>(LANES, x.C - c);
    const Vector b = bias_of(bias, 9, c, n, s), factor = x.factor(c), offset = x.offset(c);
    const float* const* p = seen[slot].p + s / 3 * 6 + s % 3;
    for (int i = 0; i < 4; ++i)
      for (int j = 0; j < 4; ++j)
        if (p[6 * i + j])
          at(sums->data + (slot * 16 + 4 * i + j) * N_OUT + v) +=
              (o[4 * i + j] + b) * (load(p[6 * i + j] + c, n) * factor + offset);
  }
  void close(const Tiles& tiles, int64_t tile, int64_t slot, int64_t c, int64_t n) {
    each_output(tiles, tile, x.C, [&](int i, int j, int64_t offset) {
      for (int64_t v = 0; v < n; v += LANES)
        store(y + offset + c + v, at(sums->data + (slot * 16 + 4 * i + j) * N_OUT + v), n - v);
    });
  }
};

// y = x · (1 + r0) + r1, r0 and r1 the convolution's outputs 2c and 2c + 1
struct ModulateSink {
  Scaled x;
  const float* bias;
  float* y;
  std::vector<Patch<4>> seen = {};
  std::shared_ptr<Floats> sums = {};
  void begin(int64_t n) {
    seen.resize(n * N_TILES);
    sums = std::make_shared<Floats>(n * N_TILES * 16 * N_OUT);
  }
  void see(const Tiles& tiles, int64_t slot, int64_t tile) { seen[slot].find(x.map, x.C, tiles, tile, x.halvings); }
  void open(int64_t) {}
  void put(const Tiles& tiles, int64_t tile, int64_t slot, int64_t c, int64_t v, int64_t s, const Vector* o) {
    const int64_t n = std::min<int64_t>(LANES, x.C - c);
    const Vector b = bias_of(bias, 2, c, n, s), factor = x.factor(c), offset = x.offset(c);
    each_output(tiles, tile, x.C, [&](int i, int j, int64_t to) {
      Vector& scaled = at(sums->data + (slot * 16 + 4 * i + j) * N_OUT + v);
      const Vector r = o[4 * i + j] + b;
      if (s == 0)
        scaled = (load(seen[slot].p[4 * i + j] + c, n) * factor + offset) * (1.f + r);
      else
        store(y + to + c, scaled + r, n);
    });
  }
  void close(const Tiles&, int64_t, int64_t, int64_t, int64_t) {}
};

// Gradient of x: parts[tile][36][C], what a tile's kernels send to the 6x6 positions around it.
struct ScatterSink {
  const float *gy, *bias;
  int64_t C;
  float* parts;
  std::vector<Patch<4>> seen = {};
  std::shared_ptr<Floats> sums = {};
  void begin(int64_t n) {
    seen.resize(n * N_TILES);
    sums = std::make_shared<Floats>(n * N_TILES * 36 * N_OUT);
  }
  void see(const Tiles& tiles, int64_t slot, int64_t tile) { seen[slot].find(gy, C, tiles, tile); }
  void open(int64_t n) { std::memset(sums->data, 0, n * N_TILES * 36 * N_OUT * 4); }
  void put(const Tiles&, int64_t, int64_t slot, int64_t c, int64_t v, int64_t s, const Vector* o) {
    const int64_t n = std::min<int64_t>(LANES, C - c);
    const Vector b = bias_of(bias, 9, c, n, s);
    const float* const* p = seen[slot].p;
    float* to = sums->data + (slot * 36 + s / 3 * 6 + s % 3) * N_OUT + v;
    for (int i = 0; i < 4; ++i)
      for (int j = 0; j < 4; ++j)
        if (p[4 * i + j])
          at(to + (6 * i + j) * N_OUT) += (o[4 * i + j] + b) * load(p[4 * i + j] + c, n);
  }
  void close(const Tiles& tiles, int64_t tile, int64_t slot, int64_t c, int64_t n) {
    if (tile >= tiles.count) return;
    for (int q = 0; q < 36; ++q)
      for (int64_t v = 0; v < n; v += LANES)
        store(parts + (tile * 36 + q) * C + c + v, at(sums->data + (slot * 36 + q) * N_OUT + v), n - v);
  }
};

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

// y (B, H, W, C) = conv(h) + bias, finished; where codes (B, H, W) are given, also the rows of the table
// (9, n_codes, C) that the codes around a position name, with their sums (n_codes, C). `transposed`: w is
// (IC, C, 3, 3) and its convolution is run backwards, from its outputs to its inputs. `how`: see Finish, with
// `other` (B, H, W, C), which may be y.
void ccfpse_conv(const float* h, int64_t B, int64_t H, int64_t W, int64_t IC, const float* w, int64_t transposed,
                 const float* bias, const int32_t* codes, const float* rows, const float* sums, int64_t n_codes,
                 int64_t C, int64_t how, const float* other, float* y, int64_t threads) {
  Weights weights = transposed ? Weights{w, 9, C * 9, true} : Weights{w, IC * 9, 9, false};
  convolve({h, B, H, W, IC, weights, C, 1, (int)threads},
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
                  int64_t threads) {
  convolve({h, B, H, W, IC, Weights{w, IC * 9, 9, false}, C, 9, (int)threads},
           ApplySink{{x, scale, shift, C, (int)halvings}, bias, y});
}

// y (B, H, W, C) = x · (1 + r0) + r1, with r0 and r1 the convolutions of h by w (2C, IC, 3, 3), r0 of channel c the
// output 2c and r1 the next; x as in `ccfpse_apply`.
void ccfpse_modulate(const float* h, int64_t B, int64_t H, int64_t W, int64_t IC, const float* w, const float* bias,
                     const float* x, const float* scale, const float* shift, int64_t halvings, int64_t C, float* y,
                     int64_t threads) {
  convolve({h, B, H, W, IC, Weights{w, IC * 9, 9, false}, C, 2, (int)threads},
           ModulateSink{{x, scale, shift, C, (int)halvings}, bias, y});
}

// Asks for huge pages behind freshly allocated memory: touching small ones costs more than using them.
void ccfpse_huge_pages(void* data, int64_t bytes, int64_t) {
  const int64_t from = parts((int64_t)data, Floats::HUGE_PAGE) * Floats::HUGE_PAGE;
  const int64_t to = ((int64_t)data + bytes) / Floats::HUGE_PAGE * Floats::HUGE_PAGE;
#ifdef MADV_HUGEPAGE
  if (to > from) madvise((void*)from, to - from, MADV_HUGEPAGE);
#endif
}

// Gradient of `ccfpse_apply` for x, from gy (B, H, W, C)
void ccfpse_apply_gradient_x(const float* h, int64_t B, int64_t H, int64_t W, int64_t IC, const float* w,
                             const float* bias, const float* gy, int64_t C, float* gx, int64_t threads) {
  Tiles tiles(B, H, W);
  Floats sent(tiles.count * 36 * C);
  convolve({h, B, H, W, IC, Weights{w, IC * 9, 9, false}, C, 9, (int)threads}, ScatterSink{gy, bias, C, sent});
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
  Tiles tiles(B, H, W);
  const Weights weights{w, 9, IC * 9, true};
  const int64_t n_chunks = parts(C, LANES), K = 9 * LANES, n_blocks = parts(IC, N_OUT);
  const int64_t V_step = frequency(K, N_TILES), U_step = frequency(K, N_OUT);
  const int64_t V_size = 36 * V_step, U_size = 36 * U_step, M_size = 36 * N_TILES * N_OUT;
  const int64_t n_groups = parts(tiles.count, N_TILES);
  const int64_t most = std::clamp<int64_t>(CACHE_FLOATS / V_size, 1, 8);
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
          for (int t = 0; t < N_TILES; ++t) {
            Patch<6> near;
            Patch<8> far;
            near.find(gy, C, tiles, (first + k) * N_TILES + t);
            far.find(x, C, tiles, (first + k) * N_TILES + t);
            for (int s = 0; s < 9; ++s) {
              Vector d[36];
              product_patch(near, far, c, C - c, s, d);
              input_tile(d);
              for (int f = 0; f < 36; ++f)
                at(V + k * V_size + f * V_step + s * LANES * N_TILES + t * LANES) = d[f];
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
              multiply<true>(U + f * U_step, V + k * V_size + f * V_step, K,
                             M + (k * n_blocks + block) * M_size + f * N_TILES * N_OUT,
                             U + (f + 1) * U_step + k * lines * K, lines);
        }
      }
      for (int64_t k = 0; k < n; ++k)
        for (int t = 0; t < N_TILES; ++t)
          for (int64_t i = 0; i < IC; i += LANES) {
            Vector o[16];
            output_tile(M + (k * n_blocks + i / N_OUT) * M_size + t * N_OUT + i % N_OUT, N_TILES * N_OUT, o);
            each_output(tiles, (first + k) * N_TILES + t, IC, [&](int a, int b, int64_t offset) {
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
