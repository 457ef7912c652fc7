// A Gaussian blur. The same integers as on the CPU: weights that sum up to 256, exact sums, one
// rounding to nearest at the end.
//
// A block of threads makes one tile: it loads the tile and what surrounds it into shared memory,
// with the border made up there, so that the sums below need not care.

namespace blur {

enum { TILE_WIDTH = 32, TILE_HEIGHT = 16 };

// Loads the block's tile with `radius` pixels more on each side.
__device__ __forceinline__ void load(unsigned char *tile, const unsigned char *input, int width,
                                     int height, int channels, int radius, int border) {
  const int across = TILE_WIDTH + 2 * radius, down = TILE_HEIGHT + 2 * radius;
  const int left = blockIdx.x * TILE_WIDTH - radius, top = blockIdx.y * TILE_HEIGHT - radius;
  for (int y = threadIdx.y; y < down; y += blockDim.y) {
    const int row = border_index(top + y, height, border);
    for (int at = threadIdx.x; at < across * channels; at += blockDim.x) {
      const int x = at / channels, channel = at % channels;
      const int column = border_index(left + x, width, border);
      const bool inside = row >= 0 && column >= 0;
      const size_t pixel = static_cast<size_t>(row) * width + column;
      tile[y * across * channels + at] = inside ? input[pixel * channels + channel] : 0;
    }
  }
}

// Where the sample `at` of row `y` of the tile belongs; -1 if that is outside of the image.
__device__ __forceinline__ long long place(int y, int at, int width, int height, int channels) {
  const int row = blockIdx.y * TILE_HEIGHT + y;
  const int column = blockIdx.x * TILE_WIDTH * channels + at;
  if (row >= height || column >= width * channels) {
    return -1;
  }
  return static_cast<long long>(row) * width * channels + column;
}

} // namespace blur

extern "C" __global__ void blur_separable(const unsigned char *input, unsigned char *output,
                                          int width, int height, int channels, int radius,
                                          int border, const unsigned char *data) {
  using namespace blur;
  const size_t bytes = static_cast<size_t>(width) * height * channels;
  input = BATCH(input, bytes), output = BATCH(output, bytes);
  const unsigned short *weights = reinterpret_cast<const unsigned short *>(data);
  DYN_SHARED(unsigned char, shared);
  const int across = (TILE_WIDTH + 2 * radius) * channels, down = TILE_HEIGHT + 2 * radius;
  const int samples = TILE_WIDTH * channels;
  unsigned char *tile = shared;
  unsigned short *sums = reinterpret_cast<unsigned short *>(shared + (across * down + 3) / 4 * 4);
  load(tile, input, width, height, channels, radius, border);
  __syncthreads();
  for (int y = threadIdx.y; y < down; y += blockDim.y) {
    for (int at = threadIdx.x; at < samples; at += blockDim.x) {
      unsigned sum = 0;
      for (int tap = 0; tap <= 2 * radius; ++tap) {
        sum += tile[y * across + at + tap * channels] * static_cast<unsigned>(weights[tap]);
      }
      sums[y * samples + at] = sum;
    }
  }
  __syncthreads();
  for (int y = threadIdx.y; y < TILE_HEIGHT; y += blockDim.y) {
    for (int at = threadIdx.x; at < samples; at += blockDim.x) {
      const long long to = place(y, at, width, height, channels);
      if (to < 0) {
        continue;
      }
      unsigned sum = 1u << 15;
      for (int tap = 0; tap <= 2 * radius; ++tap) {
        sum += sums[(y + tap) * samples + at] * static_cast<unsigned>(weights[tap]);
      }
      output[to] = sum >> 16;
    }
  }
}

extern "C" __global__ void blur_direct(const unsigned char *input, unsigned char *output, int width,
                                       int height, int channels, int radius, int border,
                                       const unsigned char *data) {
  using namespace blur;
  const size_t bytes = static_cast<size_t>(width) * height * channels;
  input = BATCH(input, bytes), output = BATCH(output, bytes);
  const unsigned short *weights = reinterpret_cast<const unsigned short *>(data);
  DYN_SHARED(unsigned char, tile);
  const int across = (TILE_WIDTH + 2 * radius) * channels;
  load(tile, input, width, height, channels, radius, border);
  __syncthreads();
  for (int y = threadIdx.y; y < TILE_HEIGHT; y += blockDim.y) {
    for (int at = threadIdx.x; at < TILE_WIDTH * channels; at += blockDim.x) {
      const long long to = place(y, at, width, height, channels);
      if (to < 0) {
        continue;
      }
      unsigned sum = 1u << 15;
      for (int down = 0; down <= 2 * radius; ++down) {
        for (int tap = 0; tap <= 2 * radius; ++tap) {
          const unsigned weight = static_cast<unsigned>(weights[down]) * weights[tap];
          sum += tile[(y + down) * across + at + tap * channels] * weight;
        }
      }
      output[to] = sum >> 16;
    }
  }
}
