// Blurs that compare samples: median, bilateral.

namespace blur_rank {

__device__ __forceinline__ void exchange(int &a, int &b) {
  const int low = min(a, b);
  b = max(a, b);
  a = low;
}

// The sample at a position, or that of the edge nearest to it.
__device__ __forceinline__ int clamped(const unsigned char *input, int x, int y, int channel,
                                       int width, int height, int channels) {
  const size_t row = min(max(y, 0), height - 1);
  return input[(row * width + min(max(x, 0), width - 1)) * channels + channel];
}

__device__ __forceinline__ int bits(float value) {
  int bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

// As on the CPU: the whole part of the exponent becomes that of a float, a polynomial does the
// fraction.
__device__ __forceinline__ float power_of_two(float exponent) {
  exponent = exponent > -126.0f ? exponent : -126.0f;
  const float shifted = exponent + 12583039.0f;
  const float fraction = exponent - (shifted - 12583039.0f);
  const float power = (0.24203533f * fraction + 0.7036012f) * fraction + 1.0f;
  return power * as_float(static_cast<int>(static_cast<unsigned>(bits(shifted)) << 23));
}

__device__ __forceinline__ unsigned char nearest(float value) {
  return bits(value + 8388608.0f) & 0xff;
}

__device__ __forceinline__ float distance(float a, float b) { return a > b ? a - b : b - a; }

// A pixel of the disc: across, down, and what it counts for by its distance.
struct Tap {
  short across, down;
  float exponent;
};

// Sums of weights and of weighted samples.
struct Floats {
  float weights = 0, samples = 0;

  __device__ __forceinline__ void add(int sample, float weight) {
    weights += weight;
    samples += weight * static_cast<float>(sample);
  }

  __device__ __forceinline__ unsigned char mean() const { return nearest(samples / weights); }
};

// The same, of weights of 15 bits: as on the CPU, which adds them in another order.
struct Integers {
  int weights = 0, samples = 0;

  __device__ __forceinline__ void add(int sample, float weight) {
    const int whole = bits(weight * 32767.0f + 8388608.0f) & 0x7fff;
    weights += whole;
    samples += whole * sample;
  }

  __device__ __forceinline__ unsigned char mean() const {
    return nearest(static_cast<float>(samples) / static_cast<float>(weights));
  }
};

// Grey. `Sum` adds up what samples count for, and the samples times that.
template <class Sum>
__device__ __forceinline__ void bilateral_grey(const unsigned char *input, unsigned char *output,
                                               int width, int height, int radius, int border,
                                               float factor, int taps, const unsigned char *data) {
  const Tile tile = {width, height, 1, radius, radius, border};
  input = BATCH(input, tile.bytes()), output = BATCH(output, tile.bytes());
  DYN_SHARED(unsigned char, shared);
  tile.load(shared, input);
  const int row = tile.samples();
  tile.each([&](int y, int x, size_t to) {
    const unsigned char *here = shared + tile.within(y, x);
    const Tap *tap = reinterpret_cast<const Tap *>(data);
    Sum sum;
    for (int index = 0; index < taps; ++index) {
      const int near = here[tap[index].down * row + tap[index].across];
      const float difference = near - *here;
      sum.add(near, power_of_two(difference * difference * factor + tap[index].exponent));
    }
    output[to] = sum.mean();
  });
}

} // namespace blur_rank

extern "C" __global__ void blur_rank_median_3(const unsigned char *input, unsigned char *output,
                                              int width, int height, int channels) {
  using namespace blur_rank;
  const Tile tile = {width, height, channels, 1, 1, 0};
  input = BATCH(input, tile.bytes()), output = BATCH(output, tile.bytes());
  DYN_SHARED(unsigned char, shared);
  tile.load(shared, input);
  const int row = tile.samples();
  tile.each([&](int y, int at, size_t to) {
    int v[9];
    const unsigned char *from = shared + y * row + at;
    for (int tap = 0; tap < 9; ++tap) {
      v[tap] = from[tap / 3 * row + tap % 3 * channels];
    }
    for (int column = 0; column < 3; ++column) {
      exchange(v[column + 3], v[column + 6]);
      exchange(v[column], v[column + 3]);
      exchange(v[column + 3], v[column + 6]);
    }
    int low = max(max(v[0], v[1]), v[2]);
    int high = min(min(v[6], v[7]), v[8]);
    int middle = max(min(v[3], v[4]), min(max(v[3], v[4]), v[5]));
    exchange(low, middle);
    exchange(middle, high);
    output[to] = max(low, middle);
  });
}

// The CPU's network.
extern "C" __global__ void blur_rank_median_5(const unsigned char *input, unsigned char *output,
                                              int width, int height, int channels) {
  using namespace blur_rank;
  const Tile tile = {width, height, channels, 2, 2, 0};
  input = BATCH(input, tile.bytes()), output = BATCH(output, tile.bytes());
  DYN_SHARED(unsigned char, shared);
  tile.load(shared, input);
  const int row = tile.samples();
  tile.each([&](int y, int at, size_t to) {
    int v[25];
    const unsigned char *from = shared + y * row + at;
    for (int tap = 0; tap < 25; ++tap) {
      v[tap] = from[tap / 5 * row + tap % 5 * channels];
    }
    for (int column = 0; column < 5; ++column) {
      int &a = v[column], &b = v[column + 5], &c = v[column + 10], &d = v[column + 15];
      int &e = v[column + 20];
      exchange(a, d), exchange(b, e), exchange(a, c), exchange(b, d), exchange(a, b);
      exchange(c, e), exchange(b, c), exchange(d, e), exchange(c, d);
    }
    exchange(v[1], v[4]); exchange(v[0], v[2]); exchange(v[0], v[1]); exchange(v[2], v[4]);
    exchange(v[1], v[2]); exchange(v[3], v[4]); exchange(v[2], v[3]); exchange(v[5], v[8]);
    exchange(v[6], v[9]); exchange(v[6], v[8]); exchange(v[5], v[6]); exchange(v[7], v[9]);
    exchange(v[6], v[7]); exchange(v[8], v[9]); exchange(v[7], v[8]); exchange(v[10], v[13]);
    exchange(v[11], v[14]); exchange(v[10], v[12]); exchange(v[11], v[13]); exchange(v[10], v[11]);
    exchange(v[12], v[14]); exchange(v[11], v[12]); exchange(v[13], v[14]); exchange(v[15], v[18]);
    exchange(v[16], v[19]); exchange(v[15], v[17]); exchange(v[16], v[18]); exchange(v[15], v[16]);
    exchange(v[17], v[19]); exchange(v[17], v[18]); exchange(v[20], v[23]); exchange(v[21], v[24]);
    exchange(v[20], v[22]); exchange(v[21], v[23]); exchange(v[20], v[21]); exchange(v[22], v[24]);
    exchange(v[21], v[22]); exchange(v[12], v[13]); exchange(v[9], v[11]); exchange(v[15], v[8]);
    exchange(v[20], v[12]); exchange(v[21], v[13]); exchange(v[11], v[17]); exchange(v[21], v[12]);
    exchange(v[7], v[20]); exchange(v[3], v[20]); exchange(v[8], v[21]); exchange(v[16], v[4]);
    exchange(v[8], v[20]); exchange(v[11], v[16]); exchange(v[20], v[4]); exchange(v[20], v[9]);
    exchange(v[21], v[11]); exchange(v[12], v[16]); exchange(v[8], v[21]); exchange(v[12], v[9]);
    exchange(v[21], v[12]);
    output[to] = v[12];
  });
}

// A thread slides down `rows` rows of a column of samples, with a histogram of its own in shared
// memory (T. S. Huang et al., "A Fast Two-Dimensional Median Filtering Algorithm", 1979).
extern "C" __global__ void blur_rank_median(const unsigned char *input, unsigned char *output,
                                            int width, int height, int channels, int radius,
                                            int rows) {
  using namespace blur_rank;
  const int row = width * channels;
  const size_t bytes = static_cast<size_t>(row) * height;
  input = BATCH(input, bytes), output = BATCH(output, bytes);
  DYN_SHARED(unsigned short, shared);
  unsigned short *counts = shared + threadIdx.x;
  const int threads = blockDim.x;
  const int at = blockIdx.x * blockDim.x + threadIdx.x;
  const int top = blockIdx.y * rows;
  if (at >= row) {
    return;
  }
  const int x = at / channels, channel = at % channels;
  for (int bin = 0; bin < 256; ++bin) {
    counts[bin * threads] = 0;
  }
  for (int y = top - radius; y < top + radius; ++y) {
    for (int column = x - radius; column <= x + radius; ++column) {
      ++counts[clamped(input, column, y, channel, width, height, channels) * threads];
    }
  }
  // The median so far, how many samples are below it, and how many have to be.
  int median = 0, below = 0;
  const int half = (2 * radius + 1) * (2 * radius + 1) / 2;
  for (int y = top; y < min(top + rows, height); ++y) {
    for (int column = x - radius; column <= x + radius; ++column) {
      const int in = clamped(input, column, y + radius, channel, width, height, channels);
      ++counts[in * threads];
      below += in < median;
      if (y > top) {
        const int out = clamped(input, column, y - radius - 1, channel, width, height, channels);
        --counts[out * threads];
        below -= out < median;
      }
    }
    while (below > half) {
      below -= counts[--median * threads];
    }
    while (below + counts[median * threads] <= half) {
      below += counts[median++ * threads];
    }
    output[static_cast<size_t>(y) * row + at] = median;
  }
}

extern "C" __global__ void blur_rank_bilateral_grey(const unsigned char *input,
                                                    unsigned char *output, int width, int height,
                                                    int radius, int border, float factor, int taps,
                                                    const unsigned char *data) {
  blur_rank::bilateral_grey<blur_rank::Floats>(input, output, width, height, radius, border, factor,
                                               taps, data);
}

// Of a small disc.
extern "C" __global__ void blur_rank_bilateral_small_grey(const unsigned char *input,
                                                          unsigned char *output, int width,
                                                          int height, int radius, int border,
                                                          float factor, int taps,
                                                          const unsigned char *data) {
  blur_rank::bilateral_grey<blur_rank::Integers>(input, output, width, height, radius, border,
                                                 factor, taps, data);
}

// Red, green and blue; alpha stays.
extern "C" __global__ void blur_rank_bilateral(const unsigned char *input, unsigned char *output,
                                               int width, int height, int channels, int radius,
                                               int border, float factor, int taps,
                                               const unsigned char *data) {
  using namespace blur_rank;
  const Tile tile = {width, height, channels, radius, radius, border};
  input = BATCH(input, tile.bytes()), output = BATCH(output, tile.bytes());
  DYN_SHARED(unsigned char, shared);
  tile.load(shared, input);
  const int row = tile.samples();
  tile.each_pixel([&](int y, int x, size_t pixel) {
    const unsigned char *here = shared + tile.within(y, x * channels);
    const float r = here[0], g = here[1], b = here[2];
    const Tap *tap = reinterpret_cast<const Tap *>(data);
    float weights = 0, reds = 0, greens = 0, blues = 0;
    for (int index = 0; index < taps; ++index) {
      const unsigned char *near = here + tap[index].down * row + tap[index].across * channels;
      const float red = near[0], green = near[1], blue = near[2];
      const float difference = distance(red, r) + distance(green, g) + distance(blue, b);
      const float weight = power_of_two(difference * difference * factor + tap[index].exponent);
      weights += weight;
      reds += weight * red;
      greens += weight * green;
      blues += weight * blue;
    }
    unsigned char *to = output + pixel * channels;
    to[0] = nearest(reds / weights);
    to[1] = nearest(greens / weights);
    to[2] = nearest(blues / weights);
    if (channels == 4) {
      to[3] = here[3];
    }
  });
}
