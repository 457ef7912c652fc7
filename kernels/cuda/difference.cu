// How much frames differ: each image of a batch from the one before it, as integers, as on the CPU.

namespace difference {

using wide::THREADS;

// What is counted: the sum of the differences, how many are over the threshold, the greatest.
constexpr int SUM = 0, OVER = 1, MOST = 2, NUMBERS = 3;

} // namespace difference

// Three numbers for each block; of the first image they are 0. Of the first `luma` bytes only those
// count that lie in the first `width` of `stride`: NV12 with an odd width has a byte beyond.
extern "C" __global__ void difference_parts(const unsigned char *input, unsigned char *parts,
                                            int bytes, int luma, int width, int stride,
                                            int threshold) {
  using namespace difference;
  const unsigned char *here = BATCH(input, bytes);
  parts = BATCH(parts, gridDim.x * NUMBERS * 4);
  DYN_SHARED(unsigned, numbers);
  unsigned own[NUMBERS] = {0, 0, 0};
  const long long step = static_cast<long long>(gridDim.x) * THREADS * 16;
  const long long end = blockIdx.z > 0 ? bytes : 0;
  for (long long first = wide::first_byte(); first < end; first += step) {
    const Group<16> now = wide::read(here, first, bytes);
    const Group<16> before = wide::read(here - SPACING(bytes), first, bytes);
    int column = width < stride && first < luma ? static_cast<int>(first % stride) : 0;
#pragma unroll
    for (int at = 0; at < 16; ++at) {
      const bool counts = column < width || first + at >= luma;
      const unsigned by = counts ? abs(now.get(at) - before.get(at)) : 0;
      own[SUM] += by;
      own[OVER] += by > static_cast<unsigned>(threshold);
      own[MOST] = max(own[MOST], by);
      column = width == stride ? 0 : column + 1 < stride ? column + 1 : 0;
    }
  }
  for (int number = 0; number < NUMBERS; ++number) {
    numbers[number * THREADS + threadIdx.x] = own[number];
  }
  for (unsigned half = THREADS / 2; half > 0; half /= 2) {
    __syncthreads();
    if (static_cast<unsigned>(threadIdx.x) < half) {
      unsigned *const to = numbers + threadIdx.x;
      to[SUM * THREADS] += to[SUM * THREADS + half];
      to[OVER * THREADS] += to[OVER * THREADS + half];
      to[MOST * THREADS] = max(to[MOST * THREADS], to[MOST * THREADS + half]);
    }
  }
  __syncthreads();
  if (threadIdx.x < NUMBERS) {
    reinterpret_cast<unsigned *>(parts)[blockIdx.x * NUMBERS + threadIdx.x] =
        numbers[threadIdx.x * THREADS];
  }
}
