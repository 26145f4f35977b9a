#include "lib/base/host_memory.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/formats/made_files.h"

namespace precis {
namespace {

namespace fs = std::filesystem;
using testing::TemporaryFolder;

/// A made-up machine of 8 GB, half of it left.
class Machine {
 public:
  Machine() { put("proc/meminfo", "MemTotal: 8388608 kB\nMemAvailable:   4194304 kB\n"); }
  void put(const fs::path& name, const std::string& content) const {
    fs::create_directories((root() / name).parent_path());
    std::ofstream(root() / name) << content;
  }
  void group(const fs::path& folder, const std::string& max, const std::string& current,
             const std::string& cached = "0") const {
    put(folder / "memory.max", max + "\n");
    put(folder / "memory.current", current + "\n");
    put(folder / "memory.stat", "anon 5\ninactive_file " + cached + "\n");
  }
  fs::path root() const { return folder_.path(); }
  MemoryRoom room() const { return machine_memory(root()).value(); }

 private:
  TemporaryFolder folder_;
};

TEST(HostMemory, IsWhatTheMachineHasLeft) {
  const Machine machine;
  EXPECT_EQ(machine.room().bytes, int64_t{4} << 30);
  EXPECT_EQ(machine.room().bound, "the machine's memory");
  EXPECT_FALSE(machine_memory(machine.root() / "nowhere"));
}

TEST(HostMemory, IsTheLeastOfTheGroupsOfTheSecondKind) {
  const Machine machine;
  machine.put("proc/self/cgroup", "0::/user/job/step\n");
  machine.put("proc/self/mountinfo",
              "20 1 0:5 / /proc rw - proc proc rw\n"
              "25 20 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n");
  machine.group("sys/fs/cgroup/user/job/step", "max", "10");
  machine.group("sys/fs/cgroup/user/job", "2000", "1500", "100");
  machine.group("sys/fs/cgroup/user", "9000", "10");
  EXPECT_EQ(machine.room().bytes, 600) << "what files are cached in can be had";
  EXPECT_NE(machine.room().bound.find("user/job/memory.max"), std::string::npos)
      << machine.room().bound;
  machine.group("sys/fs/cgroup/user/job/step", "1000", "990");
  EXPECT_EQ(machine.room().bytes, 10);
  machine.group("sys/fs/cgroup/user/job/step", "1000", "1200");
  EXPECT_EQ(machine.room().bytes, 0);
}

TEST(HostMemory, KnowsGroupsOfTheFirstKindInAContainer) {
  const Machine machine;
  machine.put("proc/self/cgroup", "4:cpu,cpuacct:/docker/ab\n3:memory:/docker/ab\n0::/\n");
  machine.put("proc/self/mountinfo",
              "30 20 0:23 /docker/ab /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu,cpuacct\n"
              "31 20 0:24 /docker/ab /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
  const fs::path folder = "sys/fs/cgroup/memory";
  machine.put(folder / "memory.limit_in_bytes", "9223372036854771712\n");
  machine.put(folder / "memory.usage_in_bytes", "1000\n");
  EXPECT_EQ(machine.room().bytes, int64_t{4} << 30) << "that number means no limit";
  machine.put(folder / "memory.limit_in_bytes", "5000\n");
  machine.put(folder / "memory.stat", "inactive_file 1\ntotal_inactive_file 300\n");
  EXPECT_EQ(machine.room().bytes, 4300);
}

TEST(HostMemory, APathOfAnotherNamespaceMeansWhatIsMounted) {
  const Machine machine;
  machine.put("proc/self/cgroup", "0::/../other\n");
  machine.put("proc/self/mountinfo", "25 20 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  machine.group("sys/fs/cgroup", "700", "100");
  EXPECT_EQ(machine.room().bytes, 600);
}

TEST(HostMemory, OfAProcessIsWhatItsLimitLeaves) {
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
  struct rlimit limited = before;
  limited.rlim_cur = rlim_t{3} << 30;
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &limited), 0);
  const auto room = process_memory();
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &before), 0);
  ASSERT_TRUE(room);
  EXPECT_GT(room->bytes, 0);
  EXPECT_LT(room->bytes, int64_t{3} << 30) << "the program itself takes some";
  EXPECT_NE(room->bound.find("ulimit -v"), std::string::npos);
}

}  // namespace
}  // namespace precis
