#include "keel-bench/machine.hpp"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

namespace bench {

namespace {

double ticks_to_seconds(double ticks) { return ticks / static_cast<double>(sysconf(_SC_CLK_TCK)); }

// Of `name : value` lines, as in /proc/cpuinfo and /proc/meminfo.
std::string value_in(const char* file, const std::string& name) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(name)) continue;
    const std::size_t value = line.find_first_not_of(": \t", name.size());
    return value == std::string::npos ? std::string() : line.substr(value);
  }
  return {};
}

// user and kernel ticks of a process: fields 14 and 15, counted behind the name, which may hold anything.
CpuTime coarse_cpu(pid_t process) {
  std::ifstream in("/proc/" + std::to_string(process) + "/stat");
  std::string line;
  std::getline(in, line);
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream fields(line.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field)
    fields >> skipped;
  double user = 0;
  double kernel = 0;
  fields >> user >> kernel;
  return {ticks_to_seconds(user), ticks_to_seconds(kernel)};
}

// The sum to the nanosecond, which /proc tells only in ticks of 10 ms.
double fine_cpu(pid_t process, double otherwise) {
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &time) != 0) return otherwise;
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace

CpuTime cpu_of(const std::vector<pid_t>& processes) {
  CpuTime sum;
  for (const pid_t process : processes) {
    const CpuTime coarse = coarse_cpu(process);
    sum.kernel += coarse.kernel;
    sum.user += fine_cpu(process, coarse.all()) - coarse.kernel;
  }
  return sum;
}

double own_cpu() { return fine_cpu(getpid(), 0); }

double busy_cpu() {
  std::ifstream in("/proc/stat");
  std::string cpu;
  double user = 0;
  double nice = 0;
  double system = 0;
  double idle = 0;
  double waiting = 0;
  double interrupts = 0;
  double soft_interrupts = 0;
  double stolen = 0;
  in >> cpu >> user >> nice >> system >> idle >> waiting >> interrupts >> soft_interrupts >> stolen;
  return ticks_to_seconds(user + nice + system + interrupts + soft_interrupts + stolen);
}

unsigned cores() {
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? static_cast<unsigned>(online) : 1;
}

Machine look_at_machine() {
  Machine machine;
  utsname system{};
  uname(&system);
  machine.kernel = std::string(system.sysname) + " " + system.release + " " + system.machine;
  machine.cpu = value_in("/proc/cpuinfo", "model name");
  machine.cores = cores();
  machine.memory_gib = std::strtod(value_in("/proc/meminfo", "MemTotal").c_str(), nullptr) / (1024 * 1024);
  if (double average[1]; getloadavg(average, 1) == 1) machine.load_average = average[0];
  const double busy = busy_cpu();
  constexpr std::chrono::milliseconds watched{500};
  std::this_thread::sleep_for(watched);
  machine.busy_before = (busy_cpu() - busy) / (std::chrono::duration<double>(watched).count() * machine.cores);
  return machine;
}

}  // namespace bench
