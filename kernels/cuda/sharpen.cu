// Sharpening. The same integers as on the CPU; floats in the same order where there are any. A
// block of threads makes one tile. Alpha stays.

namespace sharpen {

// To the nearest sample, halves to even.
__device__ __forceinline__ int round_sample(float value) {
  const float ones = 8388608.0f; // The last bit of the sum counts ones.
  const float positive = value > 0.0f ? value : 0.0f;
  return static_cast<int>((positive < 255.0f ? positive : 255.0f) + ones) & 255;
}

} // namespace sharpen

extern "C" __global__ void sharpen_unsharp_mask(const unsigned char *input, unsigned char *output,
                                                const unsigned char *data, int width, int height,
                                                int channels, int across, int down, int border,
                                                int amount, int threshold) {
  const Tile tile = {width, height, channels, across, down, border};
  const Gaussian gaussian = {tile, reinterpret_cast<const unsigned short *>(data)};
  input = BATCH(input, tile.bytes()), output = BATCH(output, tile.bytes());
  DYN_SHARED(unsigned char, shared);
  gaussian.load(shared, input);
  tile.each([&](int y, int at, size_t to) {
    const int before = shared[tile.within(y, at)];
    const int difference = before - gaussian.blurred(shared, y, at);
    const int added = (((difference * 16 * amount) >> 14) + 1) >> 1;
    const bool stays = (channels == 4 && at % 4 == 3) || abs(difference) <= threshold;
    output[to] = static_cast<unsigned char>(stays ? before : to_sample(before + added));
  });
}

extern "C" __global__ void sharpen_high_pass(const unsigned char *input, unsigned char *output,
                                             const unsigned char *data, int width, int height,
                                             int channels, int across, int down, int border) {
  const Tile tile = {width, height, channels, across, down, border};
  const Gaussian gaussian = {tile, reinterpret_cast<const unsigned short *>(data)};
  input = BATCH(input, tile.bytes()), output = BATCH(output, tile.bytes());
  DYN_SHARED(unsigned char, shared);
  gaussian.load(shared, input);
  tile.each([&](int y, int at, size_t to) {
    const int before = shared[tile.within(y, at)];
    const int difference = before - gaussian.blurred(shared, y, at);
    const bool stays = channels == 4 && at % 4 == 3;
    output[to] = static_cast<unsigned char>(stays ? before : to_sample(difference + 128));
  });
}

// `data`: whether all numbers of the kernel are whole, whether the sum only gets the offset added;
// a float that it is multiplied by otherwise, the offset as a float; the numbers, row by row, as
// integers or floats.
extern "C" __global__ void sharpen_convolution(const unsigned char *input, unsigned char *output,
                                               const unsigned char *data, int width, int height,
                                               int channels, int across, int down, int border) {
  const Tile tile = {width, height, channels, across, down, border};
  input = BATCH(input, tile.bytes()), output = BATCH(output, tile.bytes());
  const int *numbers = reinterpret_cast<const int *>(data);
  const bool whole = numbers[0] != 0, exact = numbers[1] != 0;
  const float scale = as_float(numbers[2]), offset = as_float(numbers[3]);
  numbers += 4;
  DYN_SHARED(unsigned char, shared);
  tile.load(shared, input);
  tile.each([&](int y, int at, size_t to) {
    if (channels == 4 && at % 4 == 3) {
      output[to] = shared[tile.within(y, at)];
      return;
    }
    int total = 0;
    float sum = 0.0f;
    const int *number = numbers;
    for (int row = 0; row <= 2 * down; ++row) {
      const unsigned char *sample = shared + (y + row) * tile.samples() + at;
      for (int column = 0; column <= 2 * across; ++column, ++number, sample += channels) {
        if (whole) {
          total += *sample * *number;
        } else {
          sum += static_cast<float>(*sample) * as_float(*number);
        }
      }
    }
    int result;
    if (whole && exact) {
      result = to_sample(total + static_cast<int>(offset));
    } else {
      const float value = whole ? static_cast<float>(total) : sum;
      result = sharpen::round_sample(exact ? value + offset : value * scale + offset);
    }
    output[to] = static_cast<unsigned char>(result);
  });
}
