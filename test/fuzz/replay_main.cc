// Drives a fuzz target without libFuzzer: first every file of a corpus directory, then mutations of
// them (bit flips, cuts, copies, splices, interesting integers) from a fixed seed, so that a run is
// repeatable. Usage: NAME_fuzz [--runs N] [--seed S] DIR|FILE...
// A target that costs milliseconds per input defines drey_fuzz_runs_max, which bounds N. An input
// that takes more than 100 ms of CPU is a failure. What crashed is left beside the program, as
// NAME_fuzz.crash: its place is the corpus, once the fault is mended.
#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
extern "C" __attribute__((weak)) uint64_t drey_fuzz_runs_max();

namespace {

using Input = std::vector<uint8_t>;

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : state_(seed) {}

  Input mutate(const std::vector<Input>& corpus) {
    Input input = corpus[below(corpus.size())];
    size_t changes = 1 + below(4);
    for (size_t i = 0; i < changes; ++i) change(&input, corpus);
    if (input.size() > 16384) input.resize(16384);
    return input;
  }

 private:
  size_t below(size_t bound) {
    state_ = state_ * 6364136223846793005ull + 1442695040888963407ull;
    return bound == 0 ? 0 : static_cast<size_t>((state_ >> 33) % bound);
  }

  void change(Input* input, const std::vector<Input>& corpus) {
    size_t at = below(input->size() + 1);
    auto from = input->begin() + static_cast<std::ptrdiff_t>(at);
    switch (below(7)) {
      case 0:
        if (at < input->size()) (*input)[at] ^= static_cast<uint8_t>(1u << below(8));
        break;
      case 1:
        if (at < input->size()) (*input)[at] = static_cast<uint8_t>(below(256));
        break;
      case 2:
        input->resize(at);
        break;
      case 3:
        input->insert(from, 1 + below(8), static_cast<uint8_t>(below(256)));
        break;
      case 4:
        input->erase(from, from + static_cast<std::ptrdiff_t>(below(input->size() - at + 1)));
        break;
      case 5: {
        const Input& other = corpus[below(corpus.size())];
        size_t begin = below(other.size() + 1);
        auto first = other.begin() + static_cast<std::ptrdiff_t>(begin);
        auto count = static_cast<std::ptrdiff_t>(below(other.size() - begin + 1));
        Input piece(first, first + count);  // `other` may be this very input
        input->insert(from, piece.begin(), piece.end());
        break;
      }
      default:
        write_integer(input, at);
    }
  }

  void write_integer(Input* input, size_t at) {
    static constexpr uint64_t kValues[] = {
        0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, UINT64_MAX};
    uint64_t value = kValues[below(std::size(kValues))];
    size_t width = size_t{1} << below(4);
    for (size_t i = 0; i < width && at + i < input->size(); ++i)
      (*input)[at + i] = static_cast<uint8_t>(value >> (8 * i));
  }

  uint64_t state_;
};

Input read_file(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return Input(std::istreambuf_iterator<char>(stream), {});
}

uint64_t cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
}

std::string crash_path;
const uint8_t* current_data;
size_t current_size;

void keep_input(int signal_number) {
  int file = open(crash_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file >= 0 && write(file, current_data, current_size) >= 0) close(file);
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

constexpr uint64_t kSlowestNs = 100 * 1000 * 1000;

uint64_t run(const Input& input) {
  // A heap copy of the exact size, so that sanitizers see a read past the end.
  auto* copy = static_cast<uint8_t*>(std::malloc(input.size() + (input.empty() ? 1 : 0)));
  if (!input.empty()) std::memcpy(copy, input.data(), input.size());
  current_data = copy;
  current_size = input.size();
  uint64_t begin = cpu_ns();
  LLVMFuzzerTestOneInput(copy, input.size());
  uint64_t took = cpu_ns() - begin;
  std::free(copy);
  return took;
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t runs = 0, seed = 1;
  std::vector<Input> corpus;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (argument == "--runs" && i + 1 < argc) {
      runs = std::strtoull(argv[++i], nullptr, 10);
    } else if (argument == "--seed" && i + 1 < argc) {
      seed = std::strtoull(argv[++i], nullptr, 10);
    } else if (std::filesystem::is_directory(argument)) {
      for (const auto& entry : std::filesystem::directory_iterator(argument))
        corpus.push_back(read_file(entry.path()));
    } else {
      corpus.push_back(read_file(argument));
    }
  }
  corpus.push_back({});
  crash_path = std::string(argv[0]) + ".crash";
  for (int number : {SIGABRT, SIGSEGV, SIGFPE, SIGBUS}) signal(number, keep_input);
  if (drey_fuzz_runs_max != nullptr) runs = std::min(runs, drey_fuzz_runs_max());
  uint64_t slowest = 0;
  for (const Input& input : corpus) slowest = std::max(slowest, run(input));
  Mutator mutator(seed);
  for (uint64_t i = 0; i < runs; ++i) slowest = std::max(slowest, run(mutator.mutate(corpus)));
  std::printf("%s: %zu corpus inputs, %llu mutations, seed %llu, slowest %.2f ms\n", argv[0],
              corpus.size() - 1, static_cast<unsigned long long>(runs),
              static_cast<unsigned long long>(seed), static_cast<double>(slowest) / 1e6);
  return slowest <= kSlowestNs ? 0 : 1;
}
