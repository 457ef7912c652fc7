// Vignette, pixelate, emboss. The same arithmetic as on the CPU.

namespace effect {

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

// Each thread makes 16 samples, which need not be of one row.
extern "C" __global__ void effect_vignette(const unsigned char *input, unsigned char *output,
                                           int width, int height, int channels, float start,
                                           float slope, float strength, float unit) {
  using namespace effect;
  const long long bytes = static_cast<long long>(width) * height * channels;
  const long long first = wide::first_byte(), pixel = first / channels;
  if (first >= bytes) {
    return;
  }
  const Group<16> before = wide::read(BATCH(input, bytes), first, bytes);
  Group<16> after = {};
  int y = static_cast<int>(pixel / width), x = static_cast<int>(pixel % width);
  int channel = static_cast<int>(first % channels);
  int now = weight(x, y, width, height, start, slope, strength, unit);
#pragma unroll
  for (int at = 0; at < 16; ++at) {
    const int sample = before.get(at);
    after.put(at, channel == 3 ? sample : ((sample * now >> 14) + 1) >> 1);
    if (++channel == channels) {
      channel = 0;
      if (++x == width) {
        x = 0, ++y;
      }
      now = weight(x, y, width, height, start, slope, strength, unit);
    }
  }
  wide::write(after, BATCH(output, bytes), first, bytes);
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

// The three offsets are the neighbours that count positive, the second twice; the opposite ones
// count negative.
extern "C" __global__ void effect_emboss(const unsigned char *input, unsigned char *output,
                                         int width, int height, int channels, int border,
                                         int strength, int x0, int y0, int x1, int y1, int x2,
                                         int y2) {
  const Tile tile = {width, height, channels, 1, 1, border};
  input = BATCH(input, tile.bytes()), output = BATCH(output, tile.bytes());
  DYN_SHARED(unsigned char, shared);
  tile.load(shared, input);
  const int row = tile.samples();
  const int step0 = y0 * row + x0 * channels, step1 = y1 * row + x1 * channels;
  const int step2 = y2 * row + x2 * channels;
  tile.each([&](int y, int at, size_t to) {
    const unsigned char *here = shared + tile.within(y, at);
    const int difference = here[step0] - here[-step0] + 2 * (here[step1] - here[-step1]) +
                           here[step2] - here[-step2];
    const bool alpha = channels == 4 && at % 4 == 3;
    output[to] = alpha ? *here : to_sample(128 + strength * difference);
  });
}
