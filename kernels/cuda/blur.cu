// Blurs that are weighted sums: Gaussian, box, along a line. The same integers as on the CPU.

namespace blur {

// The nearest whole number, ties to even, of one that is small and not negative: from 2^23 on, a
// float has no fractional bits.
__device__ __forceinline__ int nearest(float value) {
  const float whole = value + 8388608.0f;
  int bits;
  memcpy(&bits, &whole, sizeof bits);
  return bits & 0xff;
}

// Loads a part of row `y` of column sums, from `radius` pixels before pixel `left` to as many after
// the last of `pixels`.
__device__ __forceinline__ void load_sums(unsigned short *segment, const unsigned short *sums,
                                          int y, int left, int pixels, int width, int channels,
                                          int radius, int border) {
  const int samples = (pixels + 2 * radius) * channels;
  const size_t row = static_cast<size_t>(y) * width;
  for (int at = threadIdx.x; at < samples; at += blockDim.x) {
    const int pixel = at / channels;
    const int column = border_index(left - radius + pixel, width, border);
    segment[at] = column < 0 ? 0 : sums[(row + column) * channels + at - pixel * channels];
  }
}

} // namespace blur

// Gaussian, in two passes over a tile.
extern "C" __global__ void blur_separable(const unsigned char *input, unsigned char *output,
                                          int width, int height, int channels, int radius,
                                          int border, const unsigned char *data) {
  const Tile tile = {width, height, channels, radius, radius, border};
  const Gaussian gaussian = {tile, reinterpret_cast<const unsigned short *>(data)};
  input = BATCH(input, tile.bytes()), output = BATCH(output, tile.bytes());
  DYN_SHARED(unsigned char, shared);
  gaussian.load(shared, input);
  tile.each([&](int y, int at, size_t to) { output[to] = gaussian.blurred(shared, y, at); });
}

extern "C" __global__ void blur_direct(const unsigned char *input, unsigned char *output, int width,
                                       int height, int channels, int radius, int border,
                                       const unsigned char *data) {
  const Tile tile = {width, height, channels, radius, radius, border};
  input = BATCH(input, tile.bytes()), output = BATCH(output, tile.bytes());
  const unsigned short *weights = reinterpret_cast<const unsigned short *>(data);
  DYN_SHARED(unsigned char, shared);
  tile.load(shared, input);
  tile.each([&](int y, int at, size_t to) {
    unsigned sum = 1u << 15;
    for (int down = 0; down <= 2 * radius; ++down) {
      const unsigned char *from = shared + (y + down) * tile.samples() + at;
      for (int tap = 0; tap <= 2 * radius; ++tap) {
        const unsigned weight = static_cast<unsigned>(weights[down]) * weights[tap];
        sum += from[tap * channels] * weight;
      }
    }
    output[to] = sum >> 16;
  });
}

// Large Gaussian kernels, whose tiles do not fit shared memory: a thread makes four column sums,
// one below the other.
extern "C" __global__ void blur_columns(const unsigned char *input, unsigned char *output, int row,
                                        int height, int radius, int border,
                                        const unsigned char *data) {
  const size_t bytes = static_cast<size_t>(row) * height;
  input = BATCH(input, bytes), output = BATCH(output, 2 * bytes);
  const unsigned short *weights = reinterpret_cast<const unsigned short *>(data);
  unsigned short *sums = reinterpret_cast<unsigned short *>(output);
  const int column = blockIdx.x * blockDim.x + threadIdx.x, top = blockIdx.y * 4;
  if (column >= row) {
    return;
  }
  unsigned sum[4] = {0, 0, 0, 0};
  for (int at = 0; at < 2 * radius + 4; ++at) {
    const int y = border_index(top - radius + at, height, border);
    const unsigned sample = y < 0 ? 0 : input[static_cast<size_t>(y) * row + column];
    for (int below = 0; below < 4; ++below) {
      const int tap = at - below;
      if (tap >= 0 && tap <= 2 * radius) {
        sum[below] += sample * weights[tap];
      }
    }
  }
  for (int below = 0; below < 4; ++below) {
    if (top + below < height) {
      sums[static_cast<size_t>(top + below) * row + column] = sum[below];
    }
  }
}

extern "C" __global__ void blur_rows(const unsigned char *input, unsigned char *output, int width,
                                     int height, int channels, int radius, int border,
                                     const unsigned char *data, int pixels) {
  const size_t bytes = static_cast<size_t>(width) * height * channels;
  input = BATCH(input, 2 * bytes), output = BATCH(output, bytes);
  const unsigned short *weights = reinterpret_cast<const unsigned short *>(data);
  DYN_SHARED(unsigned short, segment);
  const int left = blockIdx.x * pixels, y = blockIdx.y;
  blur::load_sums(segment, reinterpret_cast<const unsigned short *>(input), y, left, pixels, width,
                  channels, radius, border);
  __syncthreads();
  const int end = min(pixels, width - left) * channels;
  const size_t start = (static_cast<size_t>(y) * width + left) * channels;
  for (int at = threadIdx.x; at < end; at += blockDim.x) {
    unsigned sum = 1u << 15;
    for (int tap = 0; tap <= 2 * radius; ++tap) {
      sum += segment[at + tap * channels] * static_cast<unsigned>(weights[tap]);
    }
    output[start + at] = sum >> 16;
  }
}

// Box: a thread slides down `down` rows of a column of samples.
extern "C" __global__ void blur_box_columns(const unsigned char *input, unsigned char *output,
                                            int row, int height, int radius, int border,
                                            int down) {
  const size_t bytes = static_cast<size_t>(row) * height;
  input = BATCH(input, bytes), output = BATCH(output, 2 * bytes);
  unsigned short *sums = reinterpret_cast<unsigned short *>(output);
  const int column = blockIdx.x * blockDim.x + threadIdx.x, top = blockIdx.y * down;
  if (column >= row) {
    return;
  }
  unsigned sum = 0;
  for (int at = top - radius; at < top + radius; ++at) {
    const int y = border_index(at, height, border);
    sum += y < 0 ? 0 : input[static_cast<size_t>(y) * row + column];
  }
  for (int at = top; at < min(top + down, height); ++at) {
    const int in = border_index(at + radius, height, border);
    const int out = border_index(at - radius, height, border);
    sum += in < 0 ? 0 : input[static_cast<size_t>(in) * row + column];
    sums[static_cast<size_t>(at) * row + column] = sum;
    sum -= out < 0 ? 0 : input[static_cast<size_t>(out) * row + column];
  }
}

// A thread slides along a few pixels of one channel; a block does `pixels` of a row.
extern "C" __global__ void blur_box_rows(const unsigned char *input, unsigned char *output,
                                         int width, int height, int channels, int radius,
                                         int border, float inverse, int pixels) {
  const size_t bytes = static_cast<size_t>(width) * height * channels;
  input = BATCH(input, 2 * bytes), output = BATCH(output, bytes);
  DYN_SHARED(unsigned short, segment);
  const int left = blockIdx.x * pixels, y = blockIdx.y;
  blur::load_sums(segment, reinterpret_cast<const unsigned short *>(input), y, left, pixels, width,
                  channels, radius, border);
  __syncthreads();
  const int along = pixels * channels / blockDim.x;
  const int first = threadIdx.x / channels * along, channel = threadIdx.x % channels;
  unsigned sum = 0;
  for (int tap = 0; tap < 2 * radius; ++tap) {
    sum += segment[(first + tap) * channels + channel];
  }
  const int end = min(first + along, width - left);
  for (int x = first; x < end; ++x) {
    sum += segment[(x + 2 * radius) * channels + channel];
    const size_t pixel = static_cast<size_t>(y) * width + left + x;
    output[pixel * channels + channel] = blur::nearest(static_cast<float>(sum) * inverse);
    sum -= segment[x * channels + channel];
  }
}

// A few weighted samples of the neighbourhood: across, down, weight of 15 fractional bits, nothing.
extern "C" __global__ void blur_sparse(const unsigned char *input, unsigned char *output, int width,
                                       int height, int channels, int taps, int border,
                                       const unsigned char *data) {
  const int row = width * channels;
  const size_t bytes = static_cast<size_t>(row) * height;
  input = BATCH(input, bytes), output = BATCH(output, bytes);
  const short *tap = reinterpret_cast<const short *>(data);
  const int at = blockIdx.x * blockDim.x + threadIdx.x;
  const int y = blockIdx.y * blockDim.y + threadIdx.y;
  if (at >= row || y >= height) {
    return;
  }
  const int x = at / channels, channel = at % channels;
  int sum = 1 << 14;
  for (int index = 0; index < taps; ++index, tap += 4) {
    const int column = border_index(x + tap[0], width, border);
    const int line = border_index(y + tap[1], height, border);
    if (column >= 0 && line >= 0) {
      sum += tap[2] * input[static_cast<size_t>(line) * row + column * channels + channel];
    }
  }
  output[static_cast<size_t>(y) * row + at] = sum >> 15;
}
