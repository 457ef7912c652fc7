// Vignette, pixelate, emboss. The same arithmetic as on the CPU.

namespace effect {

enum { TILE_WIDTH = 32, TILE_HEIGHT = 16 };

// The square of the distance from the middle.
__device__ __forceinline__ float square(int at, int length, float unit) {
  const float from_middle = static_cast<float>(2 * at + 1) - static_cast<float>(length);
  return from_middle * from_middle * unit;
}

// How bright a pixel stays: 32767 is as it was.
__device__ __forceinline__ int weight(int x, int y, int width, int height, float start, float slope,
                                      float strength, float unit) {
  const float across = square(x, width, unit) * slope;
  const float down = (square(y, height, unit) - start) * slope;
  const float sum = across + down;
  const float s = sum < 0.0f ? 0.0f : sum > 1.0f ? 1.0f : sum;
  const float lost = strength * 32767.0f * (s * s * (3.0f - 2.0f * s));
  // 2^23 leaves the nearest whole number.
  return static_cast<int>((8421375.0f - lost) - 8388608.0f);
}

} // namespace effect

// Each thread makes four samples, which need not be of one row.
extern "C" __global__ void effect_vignette(const unsigned char *input, unsigned char *output,
                                           int width, int height, int channels, float start,
                                           float slope, float strength, float unit) {
  using namespace effect;
  const long long bytes = static_cast<long long>(width) * height * channels;
  input = BATCH(input, bytes), output = BATCH(output, bytes);
  const long long first = (static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x) * 4;
  if (first >= bytes) {
    return;
  }
  const long long pixel = first / channels;
  int y = static_cast<int>(pixel / width), x = static_cast<int>(pixel % width);
  int channel = static_cast<int>(first % channels);
  const bool whole = first + 4 <= bytes;
  unsigned samples = 0, result = 0;
  if (whole) {
    samples = *reinterpret_cast<const unsigned *>(input + first);
  } else {
    for (int at = 0; first + at < bytes; ++at) {
      samples |= static_cast<unsigned>(input[first + at]) << (8 * at);
    }
  }
  int now = weight(x, y, width, height, start, slope, strength, unit);
  for (int at = 0; at < 4; ++at) {
    const int sample = samples >> (8 * at) & 255;
    const int value = channel == 3 ? sample : ((sample * now >> 14) + 1) >> 1;
    result |= static_cast<unsigned>(value) << (8 * at);
    if (++channel == channels) {
      channel = 0;
      if (++x == width) {
        x = 0, ++y;
      }
      now = weight(x, y, width, height, start, slope, strength, unit);
    }
  }
  if (whole) {
    *reinterpret_cast<unsigned *>(output + first) = result;
  } else {
    for (int at = 0; first + at < bytes; ++at) {
      output[first + at] = result >> (8 * at);
    }
  }
}

// A block of threads makes some neighbouring blocks of pixels: each thread sums up parts of
// columns, and adds what it has to the sum of the block.
extern "C" __global__ void effect_pixelate(const unsigned char *input, unsigned char *output,
                                           int width, int height, int channels, int side,
                                           int together) {
  const size_t bytes = static_cast<size_t>(width) * height * channels;
  input = BATCH(input, bytes), output = BATCH(output, bytes);
  DYN_SHARED(unsigned, sums);
  const int threads = blockDim.x * blockDim.y;
  const int count = together * channels;
  for (int at = threadIdx.y * blockDim.x + threadIdx.x; at < count; at += threads) {
    sums[at] = 0;
  }
  __syncthreads();
  const int left = blockIdx.x * together * side, top = blockIdx.y * side;
  const int right = min(left + together * side, width), bottom = min(top + side, height);
  const int samples = (right - left) * channels;
  const size_t row = static_cast<size_t>(width) * channels;
  const size_t corner = top * row + static_cast<size_t>(left) * channels;
  for (int at = threadIdx.x; at < samples; at += blockDim.x) {
    unsigned sum = 0;
    for (int y = threadIdx.y; y < bottom - top; y += blockDim.y) {
      sum += input[corner + y * row + at];
    }
    atomicAdd(&sums[at / channels / side * channels + at % channels], sum);
  }
  __syncthreads();
  for (int at = threadIdx.x; at < samples; at += blockDim.x) {
    const int block = at / channels / side;
    const int across = min(side, right - left - block * side);
    const unsigned area = static_cast<unsigned>(across) * (bottom - top);
    const unsigned mean = (sums[block * channels + at % channels] + area / 2) / area;
    for (int y = threadIdx.y; y < bottom - top; y += blockDim.y) {
      output[corner + y * row + at] = mean;
    }
  }
}

// A tile with one pixel around it lies in shared memory. `plus` are the neighbours that count
// positive, the second twice; the opposite ones count negative.
extern "C" __global__ void effect_emboss(const unsigned char *input, unsigned char *output,
                                         int width, int height, int channels, int border,
                                         int strength, int x0, int y0, int x1, int y1, int x2,
                                         int y2) {
  using namespace effect;
  const size_t bytes = static_cast<size_t>(width) * height * channels;
  input = BATCH(input, bytes), output = BATCH(output, bytes);
  DYN_SHARED(unsigned char, tile);
  const int across = (TILE_WIDTH + 2) * channels;
  const int left = blockIdx.x * TILE_WIDTH, top = blockIdx.y * TILE_HEIGHT;
  for (int y = threadIdx.y; y < TILE_HEIGHT + 2; y += blockDim.y) {
    const int row = border_index(top + y - 1, height, border);
    for (int at = threadIdx.x; at < across; at += blockDim.x) {
      const int column = border_index(left + at / channels - 1, width, border);
      const size_t pixel = static_cast<size_t>(row) * width + column;
      const bool inside = row >= 0 && column >= 0;
      tile[y * across + at] = inside ? input[pixel * channels + at % channels] : 0;
    }
  }
  __syncthreads();
  const int step0 = y0 * across + x0 * channels, step1 = y1 * across + x1 * channels;
  const int step2 = y2 * across + x2 * channels;
  for (int y = threadIdx.y; y < TILE_HEIGHT && top + y < height; y += blockDim.y) {
    for (int at = threadIdx.x; at < TILE_WIDTH * channels; at += blockDim.x) {
      if (left + at / channels >= width) {
        break;
      }
      const unsigned char *here = tile + (y + 1) * across + channels + at;
      const int difference = here[step0] - here[-step0] + 2 * (here[step1] - here[-step1]) +
                             here[step2] - here[-step2];
      const bool alpha = channels == 4 && at % 4 == 3;
      const size_t pixel = static_cast<size_t>(top + y) * width + left;
      output[pixel * channels + at] = alpha ? *here : to_sample(128 + strength * difference);
    }
  }
}
