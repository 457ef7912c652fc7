// Operations on brightness that look at more than a pixel: the integers and floats of the CPU.

namespace tones {

enum { TILE_WIDTH = 32, TILE_HEIGHT = 16 };

// Luma of a pixel, as COLOR_RGB2YCrCb has it; a grey pixel is that already.
__device__ __forceinline__ int luma(const unsigned char *pixel, int channels) {
  return channels == 1 ? pixel[0]
                       : (4899 * pixel[0] + 9617 * pixel[1] + 1868 * pixel[2] + (1 << 13)) >> 14;
}

// The pixel with another luma; alpha stays.
__device__ __forceinline__ void write(const unsigned char *from, unsigned char *to, int channels,
                                      int level) {
  if (channels == 1) {
    to[0] = level;
    return;
  }
  const int y = luma(from, channels), half = 1 << 13, zero = 128 << 14;
  const int cr = to_sample(((from[0] - y) * 11682 + zero + half) >> 14) - 128;
  const int cb = to_sample(((from[2] - y) * 9241 + zero + half) >> 14) - 128;
  to[0] = to_sample(level + ((22987 * cr + half) >> 14));
  to[1] = to_sample(level + ((-5636 * cb - 11698 * cr + half) >> 14));
  to[2] = to_sample(level + ((29049 * cb + half) >> 14));
  if (channels == 4) {
    to[3] = from[3];
  }
}

// The sum up to the thread's one of 256 numbers, which all threads wrote; `parts` are 16 more.
__device__ __forceinline__ unsigned sum_up_to(const unsigned *list, unsigned *parts) {
  const int at = threadIdx.x, part = at / 16;
  __syncthreads();
  if (at < 16) {
    unsigned sum = 0;
    for (int one = 0; one < 16; ++one) {
      sum += list[16 * at + one];
    }
    parts[at] = sum;
  }
  __syncthreads();
  unsigned sum = 0;
  for (int before = 0; before < part; ++before) {
    sum += parts[before];
  }
  for (int before = 16 * part; before <= at; ++before) {
    sum += list[before];
  }
  return sum;
}

// Loads the block's tile with `radius` pixels more on each side; the outermost go on.
__device__ __forceinline__ void load(unsigned char *tile, const unsigned char *input, int width,
                                     int height, int radius) {
  const int across = TILE_WIDTH + 2 * radius, down = TILE_HEIGHT + 2 * radius;
  const int left = blockIdx.x * TILE_WIDTH - radius, top = blockIdx.y * TILE_HEIGHT - radius;
  for (int y = threadIdx.y; y < down; y += blockDim.y) {
    const size_t row = min(max(top + y, 0), height - 1);
    for (int x = threadIdx.x; x < across; x += blockDim.x) {
      tile[y * across + x] = input[row * width + min(max(left + x, 0), width - 1)];
    }
  }
}

} // namespace tones

// A histogram of zeros.
extern "C" __global__ void tones_clear(unsigned char *scratch) {
  unsigned *histogram = reinterpret_cast<unsigned *>(BATCH(scratch, 1024));
  histogram[threadIdx.x] = 0;
}

extern "C" __global__ void tones_histogram(const unsigned char *input, unsigned char *scratch,
                                           int pixels, int channels) {
  input = BATCH(input, static_cast<size_t>(pixels) * channels);
  unsigned *histogram = reinterpret_cast<unsigned *>(BATCH(scratch, 1024));
  DYN_SHARED(unsigned, counts);
  counts[threadIdx.x] = 0;
  __syncthreads();
  const int step = gridDim.x * blockDim.x;
  for (int at = blockIdx.x * blockDim.x + threadIdx.x; at < pixels; at += step) {
    const unsigned char *pixel = input + static_cast<size_t>(at) * channels;
    atomicAdd(&counts[tones::luma(pixel, channels)], 1u);
  }
  __syncthreads();
  if (counts[threadIdx.x] > 0) {
    atomicAdd(&histogram[threadIdx.x], counts[threadIdx.x]);
  }
}

// Turns the histogram into what each level becomes: its first 256 bytes.
extern "C" __global__ void tones_equalize(unsigned char *scratch, int pixels) {
  scratch = BATCH(scratch, 1024);
  const unsigned *histogram = reinterpret_cast<const unsigned *>(scratch);
  DYN_SHARED(unsigned, list);
  unsigned &darkest = list[256 + 16];
  const int at = threadIdx.x;
  const unsigned count = histogram[at];
  list[at] = count;
  const unsigned sum = tones::sum_up_to(list, list + 256);
  if (count > 0 && sum == count) {
    darkest = count;
  }
  __syncthreads();
  const float scale = 255.0f / static_cast<float>(pixels - darkest);
  const unsigned above = sum > 0 ? sum - darkest : 0;
  const bool flat = darkest == static_cast<unsigned>(pixels);
  scratch[at] = flat ? at : spaces::nearest(static_cast<float>(above) * scale);
}

extern "C" __global__ void tones_apply(const unsigned char *input, unsigned char *output,
                                       unsigned char *scratch, int pixels, int channels) {
  const size_t bytes = static_cast<size_t>(pixels) * channels;
  input = BATCH(input, bytes), output = BATCH(output, bytes);
  const unsigned char *table = BATCH(scratch, 1024);
  DYN_SHARED(unsigned char, list);
  list[threadIdx.x] = table[threadIdx.x];
  __syncthreads();
  for (int turn = 0; turn < 4; ++turn) {
    const int at = (blockIdx.x * 4 + turn) * blockDim.x + threadIdx.x;
    if (at < pixels) {
      const size_t place = static_cast<size_t>(at) * channels;
      const int level = list[tones::luma(input + place, channels)];
      tones::write(input + place, output + place, channels, level);
    }
  }
}

// A block makes the list of one tile.
extern "C" __global__ void tones_clahe_tiles(const unsigned char *input, unsigned char *lists,
                                             int width, int height, int channels, int across,
                                             int down, int tile_width, int tile_height,
                                             int limit) {
  input = BATCH(input, static_cast<size_t>(width) * height * channels);
  lists = BATCH(lists, static_cast<size_t>(256) * across * down);
  DYN_SHARED(unsigned, counts);
  unsigned &beyond = counts[256 + 16];
  const int bin = threadIdx.x;
  counts[bin] = 0;
  if (bin == 0) {
    beyond = 0;
  }
  __syncthreads();
  const int all = tile_width * tile_height;
  for (int at = bin; at < all; at += blockDim.x) {
    const int x = border_index(blockIdx.x * tile_width + at % tile_width, width, 3);
    const int y = border_index(blockIdx.y * tile_height + at / tile_width, height, 3);
    const size_t pixel = static_cast<size_t>(y) * width + x;
    atomicAdd(&counts[tones::luma(input + pixel * channels, channels)], 1u);
  }
  __syncthreads();
  if (limit > 0) {
    const unsigned most = limit, count = counts[bin];
    if (count > most) {
      atomicAdd(&beyond, count - most);
    }
    __syncthreads();
    const unsigned rest = beyond % 256, step = rest > 0 ? max(256 / rest, 1u) : 1;
    const bool one_more = bin % step == 0 && bin / step < rest;
    counts[bin] = min(count, most) + beyond / 256 + (one_more ? 1 : 0);
  }
  const unsigned sum = tones::sum_up_to(counts, counts + 256);
  const float scale = 255.0f / static_cast<float>(all);
  unsigned char *list = lists + static_cast<size_t>(256) * (blockIdx.y * across + blockIdx.x);
  list[bin] = spaces::nearest(static_cast<float>(sum) * scale);
}

namespace tones {

// Between which two tiles, and how much the second counts.
struct Between {
  int first, second;
  float part;
};

__device__ __forceinline__ Between between(int at, int tile, int tiles) {
  const float place = static_cast<float>(at) * (1.0f / static_cast<float>(tile)) - 0.5f;
  const int first = place < 0.0f ? -1 : static_cast<int>(place);
  return {max(first, 0), min(first + 1, tiles - 1), place - static_cast<float>(first)};
}

} // namespace tones

extern "C" __global__ void tones_clahe_apply(const unsigned char *input, unsigned char *output,
                                             unsigned char *scratch, int width, int height,
                                             int channels, int across, int down, int tile_width,
                                             int tile_height) {
  const size_t bytes = static_cast<size_t>(width) * height * channels;
  input = BATCH(input, bytes), output = BATCH(output, bytes);
  const unsigned char *lists = BATCH(scratch, static_cast<size_t>(256) * across * down);
  const int x = blockIdx.x * blockDim.x + threadIdx.x;
  const int y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x >= width || y >= height) {
    return;
  }
  const tones::Between h = tones::between(x, tile_width, across);
  const tones::Between v = tones::between(y, tile_height, down);
  const size_t place = (static_cast<size_t>(y) * width + x) * channels;
  const int level = tones::luma(input + place, channels);
  const auto lut = [&](int row, int column) {
    return static_cast<float>(lists[static_cast<size_t>(256) * (row * across + column) + level]);
  };
  const float left = 1.0f - h.part, upper = 1.0f - v.part;
  const float above = lut(v.first, h.first) * left + lut(v.first, h.second) * h.part;
  const float below = lut(v.second, h.first) * left + lut(v.second, h.second) * h.part;
  const int value = spaces::nearest(above * upper + below * v.part);
  tones::write(input + place, output + place, channels, value);
}

extern "C" __global__ void tones_threshold_mean(const unsigned char *input, unsigned char *output,
                                                int width, int height, int radius, int offset,
                                                int above, int below) {
  using namespace tones;
  const size_t bytes = static_cast<size_t>(width) * height;
  input = BATCH(input, bytes), output = BATCH(output, bytes);
  DYN_SHARED(unsigned char, tile);
  const int across = TILE_WIDTH + 2 * radius, down = TILE_HEIGHT + 2 * radius;
  int *sums = reinterpret_cast<int *>(tile + (across * down + 3) / 4 * 4);
  load(tile, input, width, height, radius);
  __syncthreads();
  for (int y = threadIdx.y; y < down; y += blockDim.y) {
    int sum = 0;
    for (int tap = 0; tap <= 2 * radius; ++tap) {
      sum += tile[y * across + threadIdx.x + tap];
    }
    sums[y * TILE_WIDTH + threadIdx.x] = sum;
  }
  __syncthreads();
  const int area = (2 * radius + 1) * (2 * radius + 1);
  const int column = blockIdx.x * TILE_WIDTH + threadIdx.x;
  for (int y = threadIdx.y; y < TILE_HEIGHT; y += blockDim.y) {
    const int row = blockIdx.y * TILE_HEIGHT + y;
    if (row >= height || column >= width) {
      continue;
    }
    int sum = 0;
    for (int tap = 0; tap <= 2 * radius; ++tap) {
      sum += sums[(y + tap) * TILE_WIDTH + threadIdx.x];
    }
    const int sample = tile[(y + radius) * across + threadIdx.x + radius];
    const bool is_above = 2 * sum < (2 * (sample + offset) - 1) * area;
    output[static_cast<size_t>(row) * width + column] = is_above ? above : below;
  }
}

extern "C" __global__ void tones_threshold_gaussian(const unsigned char *input,
                                                    unsigned char *output, int width, int height,
                                                    int radius, int offset, int above, int below,
                                                    const unsigned char *data) {
  using namespace tones;
  const size_t bytes = static_cast<size_t>(width) * height;
  input = BATCH(input, bytes), output = BATCH(output, bytes);
  const float *weights = reinterpret_cast<const float *>(data);
  DYN_SHARED(unsigned char, tile);
  const int across = TILE_WIDTH + 2 * radius, down = TILE_HEIGHT + 2 * radius;
  float *sums = reinterpret_cast<float *>(tile + (across * down + 3) / 4 * 4);
  load(tile, input, width, height, radius);
  __syncthreads();
  for (int y = threadIdx.y; y < down; y += blockDim.y) {
    const unsigned char *middle = tile + y * across + threadIdx.x + radius;
    float sum = static_cast<float>(middle[0]) * weights[0];
    for (int by = 1; by <= radius; ++by) {
      sum += (static_cast<float>(middle[-by]) + static_cast<float>(middle[by])) * weights[by];
    }
    sums[y * TILE_WIDTH + threadIdx.x] = sum;
  }
  __syncthreads();
  const int column = blockIdx.x * TILE_WIDTH + threadIdx.x;
  for (int y = threadIdx.y; y < TILE_HEIGHT; y += blockDim.y) {
    const int row = blockIdx.y * TILE_HEIGHT + y;
    if (row >= height || column >= width) {
      continue;
    }
    const float *middle = sums + (y + radius) * TILE_WIDTH + threadIdx.x;
    float sum = middle[0] * weights[0];
    for (int by = 1; by <= radius; ++by) {
      sum += (middle[-by * TILE_WIDTH] + middle[by * TILE_WIDTH]) * weights[by];
    }
    const int sample = tile[(y + radius) * across + threadIdx.x + radius];
    const bool is_above = sample + offset > spaces::nearest(sum);
    output[static_cast<size_t>(row) * width + column] = is_above ? above : below;
  }
}
