// A Gaussian blur. The same integers as on the CPU: weights that sum up to 256, exact sums, one
// rounding to nearest at the end.
//
// A block of threads makes one tile: it loads the tile and what surrounds it into shared memory,
// with the border made up there, so that the sums below need not care.

struct Weights {
  unsigned short at[32];
};

#ifndef DYN_SHARED
#define DYN_SHARED(type, name) extern __shared__ type name[]
#endif

enum { TILE_WIDTH = 32, TILE_HEIGHT = 16 };

// The position within [0, length) that stands for any position.
__device__ __forceinline__ int inside(int at, int length, int border) {
  if (at >= 0 && at < length) {
    return at;
  }
  if (border == 0) { // clamp
    return at < 0 ? 0 : length - 1;
  }
  const int period = border == 1 ? 2 * length : length; // reflect, wrap
  const int rest = at % period;
  const int folded = rest < 0 ? rest + period : rest;
  return folded < length ? folded : period - 1 - folded;
}

// Loads the block's tile with `radius` pixels more on each side.
__device__ __forceinline__ void load(unsigned char *tile, const unsigned char *input, int width,
                                     int height, int channels, int radius, int border) {
  const int across = TILE_WIDTH + 2 * radius, down = TILE_HEIGHT + 2 * radius;
  const int left = blockIdx.x * TILE_WIDTH - radius, top = blockIdx.y * TILE_HEIGHT - radius;
  for (int y = threadIdx.y; y < down; y += blockDim.y) {
    const size_t row = static_cast<size_t>(inside(top + y, height, border)) * width;
    for (int at = threadIdx.x; at < across * channels; at += blockDim.x) {
      const int x = at / channels, channel = at % channels;
      const size_t pixel = row + inside(left + x, width, border);
      tile[y * across * channels + at] = input[pixel * channels + channel];
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

extern "C" __global__ void blur_separable(const unsigned char *input, unsigned char *output,
                                          int width, int height, int channels, int radius,
                                          int border, Weights weights) {
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
        sum += tile[y * across + at + tap * channels] * static_cast<unsigned>(weights.at[tap]);
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
        sum += sums[(y + tap) * samples + at] * static_cast<unsigned>(weights.at[tap]);
      }
      output[to] = sum >> 16;
    }
  }
}

extern "C" __global__ void blur_direct(const unsigned char *input, unsigned char *output, int width,
                                       int height, int channels, int radius, int border,
                                       Weights weights) {
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
          const unsigned weight = static_cast<unsigned>(weights.at[down]) * weights.at[tap];
          sum += tile[(y + down) * across + at + tap * channels] * weight;
        }
      }
      output[to] = sum >> 16;
    }
  }
}
