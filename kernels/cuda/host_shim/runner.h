// Runs programs of our kernels on the CPU.
//
// stdin holds them one after the other, as numbers and words between spaces:
//
//   images input-bytes output-bytes
//   count bytes... (scratch buffers)  count bytes... (data)
//   count of launches; for each: kernel grid-x grid-y block-x block-y shared-bytes
//     count of arguments; for each: input | output | scratch N | data N | int N | float BITS |
//       ints COUNT N...
//
// and a line's end; then the bytes of the input of each image and of the data. stdout gets the
// outputs of all images.
#pragma once

#include "cuda.h"

template <int COUNT> struct Constants; // pointwise.cu

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <utility>

namespace runner {

[[noreturn]] inline void fail(const std::string &message) {
  std::cerr << message << std::endl;
  std::exit(1);
}

template <class T> T read() {
  T value{};
  if (!(std::cin >> value)) {
    fail("the program ends early");
  }
  return value;
}

using Bytes = std::vector<unsigned char>;

// Of that many images, as on the device: the last one ends where its bytes end.
inline Bytes batch(size_t images, size_t bytes, unsigned char left_over) {
  Bytes all((images - 1) * ((bytes + 255) / 256 * 256) + bytes, left_over);
  all.shrink_to_fit();
  return all;
}

struct Buffers {
  Bytes input, output;
  std::vector<Bytes> scratch, data;
};

struct Argument {
  unsigned char *pointer = nullptr;
  long long number = 0;
  std::vector<int> ints;
  std::string kind;
};

// An argument as a parameter of that type.
template <class T> struct As;

template <> struct As<const unsigned char *> {
  static const unsigned char *get(const Argument &argument) {
    return argument.pointer ? argument.pointer : (fail("no pointer: " + argument.kind), nullptr);
  }
};

template <> struct As<unsigned char *> {
  static unsigned char *get(const Argument &argument) {
    return argument.pointer && argument.kind != "input" && argument.kind != "data"
               ? argument.pointer
               : (fail("no buffer to write to: " + argument.kind), nullptr);
  }
};

template <> struct As<int> {
  static int get(const Argument &argument) {
    return argument.kind == "int" ? static_cast<int>(argument.number)
                                  : (fail("no int: " + argument.kind), 0);
  }
};

template <> struct As<float> {
  static float get(const Argument &argument) {
    return argument.kind == "float" ? __int_as_float(static_cast<int>(argument.number))
                                    : (fail("no float: " + argument.kind), 0.0f);
  }
};

template <int COUNT> struct As<Constants<COUNT>> {
  static Constants<COUNT> get(const Argument &argument) {
    Constants<COUNT> constants;
    if (argument.ints.size() != COUNT) {
      fail("another number of constants");
    }
    std::copy(argument.ints.begin(), argument.ints.end(), constants.at);
    return constants;
  }
};

using Arguments = std::vector<Argument>;
using Kernel = std::function<void(const Arguments &)>;

template <class... T, size_t... At>
Kernel wrap(void (*function)(T...), std::index_sequence<At...>) {
  return [function](const Arguments &arguments) {
    if (arguments.size() != sizeof...(T)) {
      fail("another number of arguments");
    }
    function(As<T>::get(arguments[At])...);
  };
}

// A kernel that takes its arguments by the types that it declares.
template <class... T> Kernel wrap(void (*function)(T...)) {
  return wrap(function, std::index_sequence_for<T...>());
}

inline Argument argument(Buffers &buffers) {
  Argument argument;
  argument.kind = read<std::string>();
  if (argument.kind == "input") {
    argument.pointer = buffers.input.data();
  } else if (argument.kind == "output") {
    argument.pointer = buffers.output.data();
  } else {
    argument.number = read<long long>();
    if (argument.kind == "scratch") {
      argument.pointer = buffers.scratch.at(argument.number).data();
    } else if (argument.kind == "data") {
      argument.pointer = buffers.data.at(argument.number).data();
    } else if (argument.kind == "ints") {
      std::generate_n(std::back_inserter(argument.ints), argument.number, read<int>);
    }
  }
  return argument;
}

struct Launch {
  std::string kernel;
  Index grid, block;
  size_t shared_bytes = 0;
  Arguments arguments;
};

inline void program(int images, const std::map<std::string, Kernel> &kernels) {
  Buffers buffers;
  const auto input_bytes = read<size_t>();
  buffers.input = batch(images, input_bytes, 0);
  buffers.output = batch(images, read<size_t>(), 0xa5);
  for (auto count = read<int>(); count > 0; --count) {
    buffers.scratch.push_back(batch(images, read<size_t>(), 0xa5));
  }
  for (auto count = read<int>(); count > 0; --count) {
    buffers.data.emplace_back(read<size_t>()).shrink_to_fit();
  }
  std::vector<Launch> launches(read<size_t>());
  for (Launch &launch : launches) {
    launch.kernel = read<std::string>();
    launch.grid.x = read<int>(), launch.grid.y = read<int>(), launch.grid.z = images;
    launch.block.x = read<int>(), launch.block.y = read<int>(), launch.block.z = 1;
    launch.shared_bytes = read<size_t>();
    for (auto count = read<int>(); count > 0; --count) {
      launch.arguments.push_back(argument(buffers));
    }
  }
  std::cin.get();
  const auto take = [](unsigned char *to, size_t count) {
    std::cin.read(reinterpret_cast<char *>(to), static_cast<long>(count));
  };
  const size_t spacing = (input_bytes + 255) / 256 * 256;
  for (int image = 0; image < images; ++image) {
    take(buffers.input.data() + image * spacing, input_bytes);
  }
  for (Bytes &data : buffers.data) {
    take(data.data(), data.size());
  }
  for (const Launch &launch : launches) {
    const auto kernel = kernels.find(launch.kernel);
    if (kernel == kernels.end()) {
      fail("there is no kernel " + launch.kernel);
    }
    shim::launch(launch.grid, launch.block, launch.shared_bytes,
                 [&] { kernel->second(launch.arguments); });
  }
  std::cout.write(reinterpret_cast<const char *>(buffers.output.data()),
                  static_cast<long>(buffers.output.size()));
}

inline int run(const std::map<std::string, Kernel> &kernels) {
  for (int images; std::cin >> images;) {
    program(images, kernels);
  }
  return 0;
}

} // namespace runner
