// Edges. The same integers as on the CPU; floats in the same order where a result is scaled. A
// block of threads makes one tile.

namespace edges {

// To the nearest sample, halves to even, of a number that is not negative.
__device__ __forceinline__ int round_sample(float value) {
  const float ones = 8388608.0f; // The last bit of the sum counts ones.
  return static_cast<int>((value < 255.0f ? value : 255.0f) + ones) & 255;
}

// What a sample is, of the derivatives along x and y.
__device__ __forceinline__ int combine(int x, int y, int how, float scale) {
  if (how == 3) { // the root of the sum of squares
    const float u = static_cast<float>(x), v = static_cast<float>(y);
    return round_sample(sqrtf(u * u + v * v) * scale);
  }
  const int value = how == 0 ? abs(x) : how == 1 ? abs(y) : how == 2 ? abs(x) + abs(y) : abs(x + y);
  return round_sample(static_cast<float>(value) * scale);
}

// Over 16, to the nearest, halves to even.
__device__ __forceinline__ int sixteenth(int value) { return (value + 7 + (value >> 4 & 1)) >> 4; }

// How steep pixels are, and where to, in one number: the direction takes the last two bits.
enum { FLAT = 0, ACROSS = 0, UPRIGHT = 1, FALLING = 2, RISING = 3 };

__device__ __forceinline__ int direction(int x, int y) {
  const int u = abs(x), v = abs(y) << 15;
  const int less = u * 13573; // 22.5 degrees, with 15 bits
  if (v < less) {
    return ACROSS;
  }
  if (v > less + (u << 16)) {
    return UPRIGHT;
  }
  return (x ^ y) < 0 ? RISING : FALLING;
}

// The number of this thread's `part`th pixel of the tile; -1 if that is outside of the image.
__device__ __forceinline__ int own_pixel(int y, int width, int height) {
  const int row = blockIdx.y * Tile::HEIGHT + y, column = blockIdx.x * Tile::WIDTH + threadIdx.x;
  return row < height && column < width ? row * width + column : -1;
}

// The pixel that stands for all that are connected with this one. Numbers only get less along the
// way, so it ends.
__device__ __forceinline__ int find(const int *roots, int at) {
  for (int next = ATOMIC_LOAD(roots + at); next != at; next = ATOMIC_LOAD(roots + at)) {
    at = next;
  }
  return at;
}

// Connects what two pixels stand for. If another thread is first, it has put a lesser number
// there, and this one goes on from that: numbers only get less, so it ends.
__device__ __forceinline__ void join(int *roots, int a, int b) {
  a = find(roots, a), b = find(roots, b);
  while (a != b) {
    const int high = max(a, b), low = min(a, b);
    const int before = atomicMin(roots + high, low);
    if (before == high) {
      return;
    }
    a = find(roots, before), b = low;
  }
}

} // namespace edges

extern "C" __global__ void edges_derivative(const unsigned char *input,
                                            const unsigned char *original, unsigned char *output,
                                            int width, int height, int channels, int radius,
                                            int border, int how, float scale,
                                            const unsigned char *data) {
  const Tile tile = {width, height, channels, radius, radius, border};
  input = BATCH(input, tile.bytes()), original = BATCH(original, tile.bytes());
  output = BATCH(output, tile.bytes());
  const short *smooth = reinterpret_cast<const short *>(data);
  const short *derive = smooth + 2 * radius + 1;
  DYN_SHARED(unsigned char, shared);
  const int samples = Tile::WIDTH * channels;
  // Along the rows here, down the columns below: the order does not matter to whole numbers.
  short *derived = reinterpret_cast<short *>(tile.beyond(shared));
  short *smoothed = derived + samples * tile.rows();
  tile.load(shared, input);
  tile.each_sum(shared, [&](int number, const unsigned char *from) {
    int difference = 0, sum = 0;
    for (int tap = 0; tap <= 2 * radius; ++tap) {
      const int sample = from[tap * channels];
      difference += sample * derive[tap];
      sum += sample * smooth[tap];
    }
    derived[number] = static_cast<short>(difference);
    smoothed[number] = static_cast<short>(sum);
  });
  tile.each([&](int y, int at, size_t to) {
    if (channels == 4 && at % 4 == 3) {
      output[to] = original[to];
      return;
    }
    int along_x = 0, along_y = 0;
    for (int tap = 0; tap <= 2 * radius; ++tap) {
      along_x += derived[(y + tap) * samples + at] * smooth[tap];
      along_y += smoothed[(y + tap) * samples + at] * derive[tap];
    }
    output[to] = static_cast<unsigned char>(edges::combine(along_x, along_y, how, scale));
  });
}

extern "C" __global__ void edges_gaussian(const unsigned char *input, unsigned char *output,
                                          int width, int height, int channels, int radius,
                                          int border, const unsigned char *data) {
  const Tile tile = {width, height, channels, radius, radius, border};
  const Gaussian gaussian = {tile, reinterpret_cast<const unsigned short *>(data)};
  input = BATCH(input, tile.bytes()), output = BATCH(output, tile.bytes());
  DYN_SHARED(unsigned char, shared);
  gaussian.load(shared, input);
  tile.each([&](int y, int at, size_t to) { output[to] = gaussian.blurred(shared, y, at); });
}

// How steep each pixel is: of several colours the steepest, the first of those that are as steep.
extern "C" __global__ void edges_canny_gradient(const unsigned char *input, unsigned char *slopes,
                                                int width, int height, int channels, int radius,
                                                int squared, const unsigned char *data) {
  using namespace edges;
  const size_t pixels = static_cast<size_t>(width) * height;
  input = BATCH(input, pixels * channels);
  int *to = reinterpret_cast<int *>(BATCH(slopes, pixels * sizeof(int)));
  const short *smooth = reinterpret_cast<const short *>(data);
  const short *derive = smooth + 2 * radius + 1;
  const Tile tile = {width, height, channels, radius, radius, 0};
  DYN_SHARED(unsigned char, shared);
  tile.load(shared, input);
  tile.each_pixel([&](int y, int x, size_t pixel) {
    int best = -1, slope = 0;
    for (int channel = 0; channel < min(channels, 3); ++channel) {
      int along_x = 0, along_y = 0;
      for (int down = 0; down <= 2 * radius; ++down) {
        const unsigned char *from = shared + (y + down) * tile.samples() + x * channels + channel;
        int difference = 0, sum = 0;
        for (int tap = 0; tap <= 2 * radius; ++tap) {
          const int sample = from[tap * channels];
          difference += sample * derive[tap];
          sum += sample * smooth[tap];
        }
        along_x += difference * smooth[down];
        along_y += sum * derive[down];
      }
      if (radius == 3) {
        along_x = sixteenth(along_x), along_y = sixteenth(along_y);
      }
      const int steep =
          squared ? along_x * along_x + along_y * along_y : abs(along_x) + abs(along_y);
      if (steep > best) {
        best = steep;
        slope = steep << 2 | direction(along_x, along_y);
      }
    }
    to[pixel] = slope;
  });
}

// Each pixel of a ridge that is steep enough stands for itself; the others are -1.
extern "C" __global__ void edges_canny_thin(unsigned char *slopes, unsigned char *to_roots,
                                            unsigned char *to_strong, int width, int height,
                                            int low, int high) {
  using namespace edges;
  const size_t bytes = static_cast<size_t>(width) * height * sizeof(int);
  const int *slope = reinterpret_cast<const int *>(BATCH(slopes, bytes));
  int *roots = reinterpret_cast<int *>(BATCH(to_roots, bytes));
  int *strong = reinterpret_cast<int *>(BATCH(to_strong, bytes));
  for (int y = threadIdx.y; y < Tile::HEIGHT; y += blockDim.y) {
    const int pixel = own_pixel(y, width, height);
    if (pixel < 0) {
      continue;
    }
    const int row = pixel / width, column = pixel % width;
    const int steep = slope[pixel] >> 2, way = slope[pixel] & 3;
    // From the pixel to the one after it, up or down the slope.
    const int right = way == UPRIGHT ? 0 : way == RISING ? -1 : 1, down = way == ACROSS ? 0 : 1;
    const bool has_before = row >= down && column - right >= 0 && column - right < width;
    const bool has_after = row + down < height && column + right >= 0 && column + right < width;
    const int step = down * width + right;
    const int before = has_before ? slope[pixel - step] >> 2 : 0;
    const int after = has_after ? slope[pixel + step] >> 2 : 0;
    // Of two that are as steep the first is the ridge; on diagonals neither is.
    const bool ridge = steep > before && (steep > after || (steep == after && way < FALLING));
    roots[pixel] = ridge && steep > low ? pixel : -1;
    strong[pixel] = ridge && steep > low && steep > high ? 1 : 0;
  }
}

// Connects neighbours: afterwards connected pixels stand for the same one.
extern "C" __global__ void edges_canny_join(unsigned char *to_roots, int width, int height) {
  using namespace edges;
  const size_t bytes = static_cast<size_t>(width) * height * sizeof(int);
  int *roots = reinterpret_cast<int *>(BATCH(to_roots, bytes));
  for (int y = threadIdx.y; y < Tile::HEIGHT; y += blockDim.y) {
    const int pixel = own_pixel(y, width, height);
    if (pixel < 0 || ATOMIC_LOAD(roots + pixel) < 0) {
      continue;
    }
    const int row = pixel / width, column = pixel % width;
    // The four that come before it; the other four find this one.
    const int across[] = {-1, -1, 0, 1}, down[] = {0, -1, -1, -1};
    for (int at = 0; at < 4; ++at) {
      const int x = column + across[at], other = pixel + down[at] * width + across[at];
      if (x >= 0 && x < width && row + down[at] >= 0 && ATOMIC_LOAD(roots + other) >= 0) {
        join(roots, pixel, other);
      }
    }
  }
}

// What a strong pixel stands for is strong.
extern "C" __global__ void edges_canny_mark(unsigned char *to_roots, unsigned char *to_strong,
                                            int width, int height) {
  using namespace edges;
  const size_t bytes = static_cast<size_t>(width) * height * sizeof(int);
  const int *roots = reinterpret_cast<const int *>(BATCH(to_roots, bytes));
  int *strong = reinterpret_cast<int *>(BATCH(to_strong, bytes));
  for (int y = threadIdx.y; y < Tile::HEIGHT; y += blockDim.y) {
    const int pixel = own_pixel(y, width, height);
    if (pixel >= 0 && roots[pixel] >= 0 && ATOMIC_LOAD(strong + pixel) != 0) {
      atomicMax(strong + find(roots, pixel), 1);
    }
  }
}

extern "C" __global__ void edges_canny_draw(unsigned char *to_roots, unsigned char *to_strong,
                                            unsigned char *output, int width, int height) {
  using namespace edges;
  const size_t pixels = static_cast<size_t>(width) * height;
  const int *roots = reinterpret_cast<const int *>(BATCH(to_roots, pixels * sizeof(int)));
  const int *strong = reinterpret_cast<const int *>(BATCH(to_strong, pixels * sizeof(int)));
  output = BATCH(output, pixels);
  for (int y = threadIdx.y; y < Tile::HEIGHT; y += blockDim.y) {
    const int pixel = own_pixel(y, width, height);
    if (pixel >= 0) {
      output[pixel] = roots[pixel] >= 0 && strong[find(roots, pixel)] != 0 ? 255 : 0;
    }
  }
}
