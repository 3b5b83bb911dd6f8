// Vectors of floats, memory for them, and the two kinds of numbers that products are made of.

#pragma once

#ifdef __AVX512FP16__
#include <immintrin.h>
#endif
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

#ifdef __AVX512F__
constexpr int N_VECTORS = 2, FEW_TILES = 12;  // 24 of 32 registers accumulate
#else
constexpr int N_VECTORS = 1, FEW_TILES = 6;
#endif
constexpr int LANES = 16, N_OUT = N_VECTORS * LANES, N_ROWS = 8;
constexpr int64_t CACHE_BYTES = 1'120'000;  // of transformed inputs that a strip keeps close

typedef float Vector __attribute__((vector_size(4 * LANES)));
typedef float Unaligned __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

// The numbers of a frequency's products, and how many tiles pass the innermost loop together.
struct Single {
  typedef float Number;
  typedef Vector Register;
  static constexpr int TILES = FEW_TILES;
  static constexpr bool IS_SCALED = false;
};
#ifdef __AVX512FP16__
// Half precision, twice as many at once; sums of more than MOST_INPUTS products would lose too many digits.
struct Half {
  typedef _Float16 Number;
  typedef _Float16 Register __attribute__((vector_size(64)));
  static constexpr int TILES = 24;
  static constexpr bool IS_SCALED = true;  // its range is small: a tile's inputs are brought below 1
  static constexpr int64_t MOST_INPUTS = 128;
};
#endif

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
inline void write(float* p, Vector v) { at(p) = v; }  // numbers of a frequency, which lie aligned
inline Vector read(const float* p) { return at(p); }
#ifdef __AVX512FP16__
// By name: GCC converts vectors of these types number by number.
inline void write(_Float16* p, Vector v) { _mm256_store_ph(p, _mm512_cvtxps_ph((__m512)v)); }
inline Vector read(const _Float16* p) { return (Vector)_mm512_cvtxph_ps(_mm256_load_ph(p)); }
#endif

inline int64_t parts(int64_t n, int64_t size) { return (n + size - 1) / size; }
// Numbers of a frequency of n rows: one cache line more than they fill, or frequencies would evict one another.
template <class Number = float>
inline int64_t frequency(int64_t n, int64_t row) {
  return n * row + 64 / (int64_t)sizeof(Number);
}

constexpr int64_t HUGE_PAGE = 2 << 20;

template <class Number>
struct Memory {  // aligned; large pieces in huge pages, since touching small ones costs more than using them
  Number* data;
  explicit Memory(int64_t n) {
    const int64_t bytes = std::max<int64_t>(n, 1) * sizeof(Number), page = bytes < 2 * HUGE_PAGE ? 64 : HUGE_PAGE;
    data = (Number*)std::aligned_alloc(page, parts(bytes, page) * page);
    if (!data) {  // within a parallel region nobody could catch an exception
      std::fprintf(stderr, "ccfpse: no memory left (%lld bytes were asked for)\n", (long long)bytes);
      std::abort();
    }
#ifdef MADV_HUGEPAGE
    if (page == HUGE_PAGE) madvise(data, parts(bytes, page) * page, MADV_HUGEPAGE);
#endif
  }
  ~Memory() { std::free(data); }
  Memory(const Memory&) = delete;
  operator Number*() const { return data; }
};
typedef Memory<float> Floats;

}  // namespace
