// The least, or the greatest, of a neighbourhood. Rectangles are columns, then rows, by doubling:
// the extremes of 2, 4, 8, … neighbours in shared memory, then of two of those that overlap.
// Crosses and ellipses look at each pixel of theirs in a tile in shared memory.

namespace morphology {

enum { TILE_WIDTH = 32, TILE_HEIGHT = 16, ALONG = 128, LANES = 16 };

__device__ __forceinline__ unsigned char pick(int greatest, unsigned char a, unsigned char b) {
  return (a < b) == (greatest != 0) ? b : a;
}

} // namespace morphology

// Lines are columns of samples, or rows of pixels: as many of those as have at most LANES samples
// beside each other. `outside` stands where the border has no position.
extern "C" __global__ void morphology_line(const unsigned char *input, unsigned char *output,
                                           int width, int height, int channels, int radius,
                                           int border, int outside, int greatest, int columns) {
  using namespace morphology;
  const size_t bytes = static_cast<size_t>(width) * height * channels;
  input = BATCH(input, bytes), output = BATCH(output, bytes);
  DYN_SHARED(unsigned char, shared);
  const int length = columns ? height : width, row = width * channels;
  const int lanes = columns ? LANES : LANES / channels * channels;
  const int across = blockIdx.y * (columns ? LANES : LANES / channels);
  const int start = blockIdx.x * ALONG, extent = ALONG + 2 * radius;
  const int lane = threadIdx.x;
  // Where the lane's line begins, and from one of its samples to the next.
  const int line = columns ? across + lane : across + lane / channels;
  const bool inside = lane < lanes && line < (columns ? row : height);
  const size_t begin =
      columns ? line : static_cast<size_t>(line) * row + lane % channels;
  const size_t step = columns ? row : channels;
  unsigned char *now = shared, *next = shared + extent * LANES;
  for (int at = threadIdx.y; at < extent; at += blockDim.y) {
    const int position = border_index(start - radius + at, length, border);
    now[at * LANES + lane] = inside && position >= 0 ? input[begin + position * step] : outside;
  }
  __syncthreads();
  const int taps = 2 * radius + 1;
  int wide = 1, valid = extent;
  while (2 * wide <= taps) {
    valid -= wide;
    for (int at = threadIdx.y; at < valid; at += blockDim.y) {
      next[at * LANES + lane] =
          pick(greatest, now[at * LANES + lane], now[(at + wide) * LANES + lane]);
    }
    __syncthreads();
    unsigned char *const done = next;
    next = now, now = done;
    wide *= 2;
  }
  for (int at = threadIdx.y; at < ALONG; at += blockDim.y) {
    if (inside && start + at < length) {
      output[begin + (start + at) * step] =
          pick(greatest, now[at * LANES + lane], now[(at + taps - wide) * LANES + lane]);
    }
  }
}

// `widths` says how far each row of the element reaches, from the middle one on.
extern "C" __global__ void morphology_element(const unsigned char *input, unsigned char *output,
                                              const unsigned char *widths, int width, int height,
                                              int channels, int radius, int border, int outside,
                                              int greatest) {
  using namespace morphology;
  const size_t bytes = static_cast<size_t>(width) * height * channels;
  input = BATCH(input, bytes), output = BATCH(output, bytes);
  DYN_SHARED(unsigned char, tile);
  const int across = (TILE_WIDTH + 2 * radius) * channels, down = TILE_HEIGHT + 2 * radius;
  const int left = blockIdx.x * TILE_WIDTH, top = blockIdx.y * TILE_HEIGHT;
  for (int y = threadIdx.y; y < down; y += blockDim.y) {
    const int row = border_index(top + y - radius, height, border);
    for (int at = threadIdx.x; at < across; at += blockDim.x) {
      const int column = border_index(left + at / channels - radius, width, border);
      const size_t pixel = static_cast<size_t>(row) * width + column;
      const bool inside = row >= 0 && column >= 0;
      tile[y * across + at] = inside ? input[pixel * channels + at % channels] : outside;
    }
  }
  __syncthreads();
  for (int y = threadIdx.y; y < TILE_HEIGHT && top + y < height; y += blockDim.y) {
    const int samples = min(static_cast<int>(TILE_WIDTH), width - left) * channels;
    for (int at = threadIdx.x; at < samples; at += blockDim.x) {
      unsigned char extreme = greatest ? 0 : 255;
      for (int away = -radius; away <= radius; ++away) {
        const int reach = widths[away < 0 ? -away : away];
        const unsigned char *row = tile + (y + radius + away) * across + at + radius * channels;
        for (int beside = -reach; beside <= reach; ++beside) {
          extreme = pick(greatest, extreme, row[beside * channels]);
        }
      }
      output[(static_cast<size_t>(top + y) * width + left) * channels + at] = extreme;
    }
  }
}

// Differences, 0 where they would be less; four of them by a thread.
extern "C" __global__ void morphology_subtract(const unsigned char *from,
                                               const unsigned char *what, unsigned char *output,
                                               int bytes) {
  from = BATCH(from, bytes), what = BATCH(what, bytes), output = BATCH(output, bytes);
  const long long first = (static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x) * 4;
  for (long long at = first; at < first + 4 && at < bytes; ++at) {
    output[at] = max(from[at] - what[at], 0);
  }
}
