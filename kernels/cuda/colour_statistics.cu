// Filters that look at the whole image before they change a pixel of it: every block counts, or
// sums up, a part; one block adds the parts up and makes a table of it; then each sample is looked
// up. Integers as on the CPU; Otsu's threshold with the same floats in the same order.

namespace colour_statistics {

using wide::THREADS;

constexpr int LEVELS = 256;

// What the threshold filter makes of a sample; the numbers of the modes are the CPU code's.
__device__ __forceinline__ int threshold(int mode, int sample, int limit, int max_value) {
  const bool above = sample > limit;
  switch (mode) {
  case 0: // binary
    return above ? max_value : 0;
  case 1: // binary_inverse
    return above ? 0 : max_value;
  case 2: // truncate
    return above ? limit : sample;
  case 3: // to_zero
    return above ? sample : 0;
  default: // to_zero_inverse
    return above ? 0 : sample;
  }
}

// The level at which the variance between what is above and what is not is greatest.
__device__ __forceinline__ int otsu(const unsigned *counts, int samples) {
  const double scale = 1.0 / samples, epsilon = 1.1920928955078125e-7;
  double mean = 0.0;
  for (int level = 0; level < LEVELS; ++level) {
    mean += static_cast<double>(level) * counts[level];
  }
  mean *= scale;
  double lower_mean = 0.0, lower = 0.0, greatest = 0.0;
  int best = 0;
  for (int level = 0; level < LEVELS; ++level) {
    const double part = counts[level] * scale;
    lower_mean *= lower;
    lower += part;
    const double upper = 1.0 - lower;
    if ((lower < upper ? lower : upper) < epsilon ||
        (lower < upper ? upper : lower) > 1.0 - epsilon) {
      continue;
    }
    lower_mean = (lower_mean + level * part) / lower;
    const double upper_mean = (mean - lower * lower_mean) / upper;
    const double variance = lower * upper * (lower_mean - upper_mean) * (lower_mean - upper_mean);
    if (variance > greatest) {
      greatest = variance;
      best = level;
    }
  }
  return best;
}

} // namespace colour_statistics

// How often each level occurs: 256 counts for each block.
extern "C" __global__ void colour_statistics_histogram(const unsigned char *input,
                                                       unsigned char *parts, int samples) {
  using namespace colour_statistics;
  input = BATCH(input, samples), parts = BATCH(parts, gridDim.x * LEVELS * 4);
  DYN_SHARED(unsigned, counts);
  counts[threadIdx.x] = 0;
  __syncthreads();
  wide::each_pixel<1>(input, samples, [&](Pixel p) { atomicAdd(&counts[p.r], 1u); });
  __syncthreads();
  reinterpret_cast<unsigned *>(parts)[blockIdx.x * LEVELS + threadIdx.x] = counts[threadIdx.x];
}

// The table of a threshold: one block.
extern "C" __global__ void colour_statistics_otsu(const unsigned char *parts, unsigned char *table,
                                                  int samples, int blocks, int mode,
                                                  int max_value) {
  using namespace colour_statistics;
  parts = BATCH(parts, blocks * LEVELS * 4), table = BATCH(table, 3 * LEVELS);
  DYN_SHARED(unsigned, counts);
  unsigned count = 0;
  for (int block = 0; block < blocks; ++block) {
    count += reinterpret_cast<const unsigned *>(parts)[block * LEVELS + threadIdx.x];
  }
  counts[threadIdx.x] = count;
  __syncthreads();
  // Every thread on its own: shorter than telling the others.
  const int value = threshold(mode, threadIdx.x, otsu(counts, samples), max_value);
  for (int colour = 0; colour < 3; ++colour) {
    table[colour * LEVELS + threadIdx.x] = value;
  }
}

// The sums of red, green and blue: three for each block.
extern "C" __global__ void colour_statistics_sums(const unsigned char *input, unsigned char *parts,
                                                  int pixels, int channels) {
  using namespace colour_statistics;
  input = BATCH(input, static_cast<size_t>(pixels) * channels);
  parts = BATCH(parts, gridDim.x * 3 * 4);
  DYN_SHARED(unsigned, sums);
  unsigned own[3] = {0, 0, 0};
  wide::each_pixel(input, pixels, channels,
                   [&](Pixel p) { own[0] += p.r, own[1] += p.g, own[2] += p.b; });
  for (int colour = 0; colour < 3; ++colour) {
    sums[colour * THREADS + threadIdx.x] = own[colour];
  }
  for (unsigned half = THREADS / 2; half > 0; half /= 2) {
    __syncthreads();
    for (int colour = 0; colour < 3 && static_cast<unsigned>(threadIdx.x) < half; ++colour) {
      sums[colour * THREADS + threadIdx.x] += sums[colour * THREADS + threadIdx.x + half];
    }
  }
  __syncthreads();
  if (threadIdx.x < 3) {
    reinterpret_cast<unsigned *>(parts)[blockIdx.x * 3 + threadIdx.x] = sums[threadIdx.x * THREADS];
  }
}

// The table that makes the average grey: one block. `strength` is of 256.
extern "C" __global__ void colour_statistics_balance(const unsigned char *parts,
                                                     unsigned char *table, int blocks,
                                                     int strength) {
  using namespace colour_statistics;
  parts = BATCH(parts, blocks * 3 * 4), table = BATCH(table, 3 * LEVELS);
  unsigned long long sums[3] = {0, 0, 0};
  for (int block = 0; block < blocks; ++block) {
    for (int colour = 0; colour < 3; ++colour) {
      sums[colour] += reinterpret_cast<const unsigned *>(parts)[block * 3 + colour];
    }
  }
  const unsigned long long total = sums[0] + sums[1] + sums[2];
  const unsigned sample = threadIdx.x;
  for (int colour = 0; colour < 3; ++colour) {
    const unsigned long long sum = sums[colour];
    unsigned long long value = sample;
    if (sum > 0) {
      const unsigned long long scaled = sample * (3 * (256 - strength) * sum + strength * total);
      value = (scaled + 384 * sum) / (768 * sum);
    }
    table[colour * LEVELS + sample] = value < 255 ? value : 255;
  }
}

// Each sample by the table; alpha stays.
extern "C" __global__ void colour_statistics_apply(const unsigned char *input,
                                                   unsigned char *output,
                                                   const unsigned char *table, int samples,
                                                   int channels) {
  using namespace colour_statistics;
  input = BATCH(input, samples), output = BATCH(output, samples);
  table = BATCH(table, 3 * LEVELS);
  DYN_SHARED(unsigned char, lists);
  for (int at = threadIdx.x; at < 3 * LEVELS; at += THREADS) {
    lists[at] = table[at];
  }
  __syncthreads();
  const long long first = wide::first_byte();
  const Group<16> before = wide::read(input, first, samples);
  Group<16> after = {};
  int channel = first % channels;
#pragma unroll
  for (int at = 0; at < 16; ++at) {
    const int sample = before.get(at);
    after.put(at, channel == 3 ? sample : lists[channel * LEVELS + sample]);
    channel = channel + 1 < channels ? channel + 1 : 0;
  }
  wide::write(after, output, first, samples);
}
