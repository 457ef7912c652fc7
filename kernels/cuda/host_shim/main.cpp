// Runs launches of our kernels on the CPU.
//
// stdin holds them one after the other: a line `kernel grid-x grid-y block-x block-y shared-bytes
// input-bytes output-bytes arguments…`, then the input. An argument is `input`, `output`, a number,
// or weights with commas between. stdout gets the outputs.

#include "cuda.h"

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>

#include "../blur.cu"
#include "../grayscale.cu"

namespace {

[[noreturn]] void fail(const std::string &message) {
  std::cerr << message << std::endl;
  std::exit(1);
}

struct Launch {
  std::string kernel;
  Index grid, block;
  size_t shared_bytes = 0;
  std::vector<unsigned char> input, output;
  std::vector<std::string> arguments;

  template <class T> T as(const std::string &argument);

  // Takes the arguments by the types that the kernel declares.
  template <class... T, size_t... At>
  void run(void (*function)(T...), std::index_sequence<At...>) {
    if (arguments.size() != sizeof...(T)) {
      fail(kernel + " takes another number of arguments");
    }
    shim::launch(grid, block, shared_bytes, [&] { function(as<T>(arguments[At])...); });
  }

  template <class... T> void run(void (*function)(T...)) {
    run(function, std::index_sequence_for<T...>());
  }
};

template <> const unsigned char *Launch::as(const std::string &argument) {
  return argument == "input" ? input.data() : (fail("not an input: " + argument), nullptr);
}

template <> unsigned char *Launch::as(const std::string &argument) {
  return argument == "output" ? output.data() : (fail("not an output: " + argument), nullptr);
}

template <> int Launch::as(const std::string &argument) { return std::stoi(argument); }

template <> Weights Launch::as(const std::string &argument) {
  Weights weights{};
  std::istringstream text(argument);
  std::string weight;
  for (int at = 0; std::getline(text, weight, ','); ++at) {
    weights.at[at] = static_cast<unsigned short>(std::stoi(weight));
  }
  return weights;
}

} // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    Launch launch;
    size_t input = 0, output = 0;
    words >> launch.kernel >> launch.grid.x >> launch.grid.y >> launch.block.x >> launch.block.y >>
        launch.shared_bytes >> input >> output;
    for (std::string word; words >> word;) {
      launch.arguments.push_back(word);
    }
    launch.input.resize(input);
    launch.input.shrink_to_fit();
    launch.output.resize(output);
    std::cin.read(reinterpret_cast<char *>(launch.input.data()), static_cast<long>(input));
    if (launch.kernel == "blur_separable") {
      launch.run(blur_separable);
    } else if (launch.kernel == "blur_direct") {
      launch.run(blur_direct);
    } else if (launch.kernel == "grayscale_gray") {
      launch.run(grayscale_gray);
    } else if (launch.kernel == "grayscale_rgb") {
      launch.run(grayscale_rgb);
    } else if (launch.kernel == "grayscale_rgba") {
      launch.run(grayscale_rgba);
    } else {
      fail("there is no kernel " + launch.kernel);
    }
    std::cout.write(reinterpret_cast<const char *>(launch.output.data()), static_cast<long>(output));
  }
}
