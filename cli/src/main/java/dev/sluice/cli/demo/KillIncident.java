package dev.sluice.cli.demo;

import dev.sluice.kube.Resource;
import dev.sluice.kube.Store;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A controller in a process of its own, with a journal, is killed while objects change, and started
 * again: it comes back without listing, and reconciles what it had not finished and what changed.
 */
final class KillIncident implements Incident {
  @Override
  public String name() {
    return "kill -9";
  }

  @Override
  public String story(Settings settings) {
    return "a second controller, in a process of its own and with a journal, is killed under load,"
        + " misses some changes, and is started again";
  }

  @Override
  public Duration needs(Settings settings) {
    return Duration.ofSeconds(10);
  }

  @Override
  public Verdict run(Scene scene) throws Exception {
    int objects = scene.settings().objects();
    int some = Math.max(1, objects / 20);
    Path folder = Files.createTempDirectory("sluice-demo");
    try {
      Said before;
      boolean all = scene.awaitSettled();
      long startedBefore;
      boolean first;
      try (Process running = start(scene, folder)) {
        first = running.await(scene, said -> said.idle() && said.objects() >= objects);
        startedBefore = running.last().started();
        Load.Job during = scene.load().change(some, i -> i * 7 % objects);
        // In the middle of it, while the changes come in.
        long idle = startedBefore;
        running.await(scene, said -> said.started() > idle);
        before = running.last();
        running.kill();
        all &= during.await(scene.left());
      }
      Load.Job missed = scene.load().change(some, i -> (i * 7 + 3) % objects);
      all &= missed.await(scene.left());
      try (Process again = start(scene, folder)) {
        boolean settled = scene.awaitSettled();
        boolean back =
            again.await(
                scene,
                said -> said.idle() && said.resumedMillis() > 0 && said.reached(newest(scene)));
        Said after = again.last();
        Set<String> reconciled = new TreeSet<>(List.of(again.ask("names").rest().split(",")));
        Set<String> changed = new TreeSet<>();
        for (int i = 0; i < some; i++) {
          changed.add(scene.load().key(i * 7 % objects).name());
          changed.add(scene.load().key((i * 7 + 3) % objects).name());
        }
        changed.add(scene.load().key(1).name()); // the heartbeat's
        Set<String> others = new TreeSet<>(reconciled);
        others.removeAll(changed);
        others.remove("");
        long unseen =
            missedBy(reconciled, some, i -> scene.load().key((i * 7 + 3) % objects).name());
        return Verdict.heldBy(
                "a journal on the disk: the store comes back, the stream resumes at its anchor, and"
                    + " what was finished stays so")
            .check(all && settled, "not every change was made and answered in time")
            .check(first && back, "the second controller did not come to rest: %s", after.text())
            .check(after.lists() == 0, "%d lists were read after the restart", after.lists())
            .check(
                others.size() <= scene.settings().workers(),
                "%d objects were reconciled again although nothing had changed, such as %s",
                others.size(),
                others.stream().findFirst().orElse(""))
            .check(unseen == 0, "%d objects that changed meanwhile were not reconciled", unseen)
            .check(
                after.objects() == scene.pipeline().informer().store().size(),
                "%d objects instead of %d",
                after.objects(),
                scene.pipeline().informer().store().size())
            .shown(before.started() > startedBefore, "it was killed before the load reached it")
            .figure(
                "%,d objects back and the watch open %.1f s after main",
                after.restored(), after.resumedMillis() / 1e3)
            .figure("%d lists", after.lists())
            .figure("%,d reconciles at its first start", startedBefore)
            .figure(
                "%,d of %,d objects reconciled after the kill; %,d had changed",
                reconciled.size(), after.objects(), changed.size())
            .build();
      }
    } finally {
      remove(folder);
    }
  }

  private static long newest(Scene scene) {
    Store<Gauge> store = scene.pipeline().informer().store();
    return store
        .snapshot()
        .resources()
        .map(Resource::resourceVersion)
        .mapToLong(Long::parseLong)
        .max()
        .orElse(0);
  }

  private interface Name {
    String of(int i);
  }

  private static long missedBy(Set<String> reconciled, int count, Name name) {
    long missed = 0;
    for (int i = 0; i < count; i++) {
      missed += reconciled.contains(name.of(i)) ? 0 : 1;
    }
    return missed;
  }

  private static void remove(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  /** What the other process says of itself. */
  private record Said(
      String text,
      long resumedMillis,
      long restored,
      long objects,
      long lists,
      long started,
      boolean idle,
      String rest) {
    static Said of(String line) {
      String[] words = line.split(" ", -1);
      return new Said(
          line,
          Long.parseLong(words[1]),
          Long.parseLong(words[2]),
          Long.parseLong(words[3]),
          Long.parseLong(words[4]),
          Long.parseLong(words[5]),
          Boolean.parseBoolean(words[6]),
          words[7]);
    }

    boolean reached(long version) {
      return Long.parseLong(rest) >= version;
    }
  }

  private interface Condition {
    boolean holds(Said said);
  }

  private static Process start(Scene scene, Path folder) throws IOException {
    Stage stage = scene.stage();
    java.lang.Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Dslf4j.internal.verbosity=ERROR",
                "-cp",
                System.getProperty("java.class.path"),
                Journaled.class.getName(),
                folder.resolve("journal").toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    Process started = new Process(process, process.inputReader(StandardCharsets.UTF_8));
    // Not among the arguments, where everybody on the machine can read it.
    started.write(
        stage.proxy().url()
            + " "
            + stage.proxy().token()
            + " "
            + stage.kind().group()
            + " "
            + stage.namespace());
    return started;
  }

  /** The other process. */
  private static final class Process implements AutoCloseable {
    private final java.lang.Process process;
    private final BufferedReader out;
    private Said last = new Said("nothing was heard of it", 0, 0, 0, 0, 0, false, "0");

    Process(java.lang.Process process, BufferedReader out) {
      this.process = process;
      this.out = out;
    }

    private void write(String line) throws IOException {
      process.getOutputStream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
      process.getOutputStream().flush();
    }

    Said last() {
      return last;
    }

    Said ask(String what) throws IOException {
      write(what);
      String line = out.readLine();
      if (line == null) {
        throw new IOException("the second controller's process has ended");
      }
      last = Said.of(line);
      return last;
    }

    boolean await(Scene scene, Condition condition) throws IOException, InterruptedException {
      long end = System.nanoTime() + Math.min(Scene.PATIENCE.toNanos(), scene.left().toNanos());
      while (!condition.holds(ask("status"))) {
        if (System.nanoTime() - end >= 0) {
          return false;
        }
        TimeUnit.MILLISECONDS.sleep(20);
      }
      return true;
    }

    /** As {@code kill -9} does. */
    void kill() throws InterruptedException {
      process.destroyForcibly();
      process.waitFor(10, TimeUnit.SECONDS);
    }

    @Override
    public void close() throws InterruptedException {
      kill();
    }
  }
}
