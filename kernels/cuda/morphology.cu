// The least, or the greatest, of a neighbourhood. Rectangles are columns, then rows, by doubling:
// the extremes of 2, 4, 8, … neighbours in shared memory, then of two of those that overlap. So
// are the rows that crosses and ellipses are made of.

namespace morphology {

enum { ALONG = 128, LANES = 16 };

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

// `widths` says how far each row of the element reaches, from the middle one on: the farther away,
// the less. Rows in which two overlapping spans of 1, 2, 4, … neighbours are all take those while
// they are there: the outermost rows come first.
extern "C" __global__ void morphology_element(const unsigned char *input, unsigned char *output,
                                              const unsigned char *widths, int width, int height,
                                              int channels, int radius, int border, int outside,
                                              int greatest) {
  using namespace morphology;
  const Tile tile = {width, height, channels, radius, radius, border};
  input = BATCH(input, tile.bytes()), output = BATCH(output, tile.bytes());
  DYN_SHARED(unsigned char, shared);
  tile.load(shared, input, outside);
  const int samples = tile.samples(), own = Tile::WIDTH * channels;
  unsigned char *now = shared, *next = tile.beyond(shared);
  unsigned char *extremes = tile.beyond(next);
  const unsigned char start = greatest ? 0 : 255;
  for (int y = threadIdx.y; y < Tile::HEIGHT; y += blockDim.y) {
    for (int at = threadIdx.x; at < own; at += blockDim.x) {
      extremes[y * own + at] = start;
    }
  }
  int away = radius;
  for (int wide = 1; away >= 0; wide *= 2) {
    for (; away >= 0 && 2 * widths[away] + 1 < 2 * wide; --away) {
      const int left = (radius - widths[away]) * channels;
      const int right = (radius + widths[away] + 1 - wide) * channels;
      for (int y = threadIdx.y; y < Tile::HEIGHT; y += blockDim.y) {
        const unsigned char *above = now + (y + radius - away) * samples;
        const unsigned char *below = now + (y + radius + away) * samples;
        for (int at = threadIdx.x; at < own; at += blockDim.x) {
          const unsigned char higher = pick(greatest, above[at + left], above[at + right]);
          const unsigned char lower = pick(greatest, below[at + left], below[at + right]);
          unsigned char &extreme = extremes[y * own + at];
          extreme = pick(greatest, extreme, pick(greatest, higher, lower));
        }
      }
    }
    if (away < 0) {
      break;
    }
    const int step = wide * channels, valid = samples - (2 * wide - 1) * channels;
    for (int y = threadIdx.y; y < tile.rows(); y += blockDim.y) {
      for (int at = threadIdx.x; at < valid; at += blockDim.x) {
        const unsigned char *from = now + y * samples + at;
        next[y * samples + at] = pick(greatest, from[0], from[step]);
      }
    }
    __syncthreads();
    unsigned char *const done = next;
    next = now, now = done;
  }
  tile.each([&](int y, int at, size_t to) { output[to] = extremes[y * own + at]; });
}

// Differences, 0 where they would be less.
extern "C" __global__ void morphology_subtract(const unsigned char *from,
                                               const unsigned char *what, unsigned char *output,
                                               int bytes) {
  const long long first = wide::first_byte();
  const Group<16> a = wide::read(BATCH(from, bytes), first, bytes);
  const Group<16> b = wide::read(BATCH(what, bytes), first, bytes);
  Group<16> result = {};
#pragma unroll
  for (int at = 0; at < 16; ++at) {
    result.put(at, max(a.get(at) - b.get(at), 0));
  }
  wide::write(result, BATCH(output, bytes), first, bytes);
}
