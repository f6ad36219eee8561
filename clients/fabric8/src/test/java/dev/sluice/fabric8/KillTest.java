package dev.sluice.fabric8;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.testkit.ApiServer;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A controller with a journal, in a process of its own, killed again and again while objects
 * change. In the end its store is the server's, the last state of each object was reconciled, and
 * nothing was reconciled twice whose acknowledgement was durable when the process was killed.
 */
@Tag("R4.3")
class KillTest {
  private static final int OBJECTS = 40;

  @TempDir Path folder;

  @Test
  void losesNoKeyAndRepeatsNoneWhenItIsKilledUnderLoad() throws Exception {
    kill(1, 1);
  }

  @Test
  @Tag("real")
  void holdsWhenItIsKilledFiftyTimes() throws Exception {
    for (int seed = 1; seed <= 5; seed++) {
      kill(100 + seed, 10);
    }
  }

  @Test
  @Tag("long")
  void holdsWhenItIsKilledAThousandTimes() throws Exception {
    for (int seed = 1; seed <= Integer.getInteger("kill.rounds", 50); seed++) {
      kill(1000 + seed, 20);
    }
  }

  /** What was seen of one process. */
  private record Life(List<String> began, List<String> ended, int durable) {}

  private void kill(long seed, int times) throws Exception {
    SplittableRandom random = new SplittableRandom(seed);
    Path journal = folder.resolve("journal-" + seed);
    List<Life> lives = new ArrayList<>();
    Set<String> ever = new HashSet<>();
    try (ApiServer server = ApiServer.builder().bookmarkInterval(Duration.ofMillis(200)).start();
        KubernetesClient client = client(server)) {
      for (int life = 0; life < times; life++) {
        Path told = folder.resolve("told-" + seed + "-" + life);
        Child child = new Child(server, journal, told);
        try {
          child.await("ready");
          // The work of one life: changes at a seeded pace, to a seeded end.
          int changes = 20 + random.nextInt(120);
          for (int i = 0; i < changes; i++) {
            change(client, random, ever);
          }
          LockSupport.parkNanos(random.nextInt(60) * 1_000_000L);
        } finally {
          child.kill();
        }
        lives.add(life(told));
        // And some that it does not see.
        for (int i = random.nextInt(5); i > 0; i--) {
          change(client, random, ever);
        }
      }
      Path told = folder.resolve("told-" + seed + "-last");
      Child last = new Child(server, journal, told);
      try {
        last.await("ready");
        Map<String, String> truth = new TreeMap<>();
        for (ConfigMap map : client.configMaps().inNamespace("default").list().getItems()) {
          truth.put(map.getMetadata().getName(), map.getMetadata().getResourceVersion());
        }
        last.ask("settle " + server.resourceVersion());
        assertThat(last.store()).as("seed %d: the store", seed).isEqualTo(truth);
        lives.add(life(told));
        verify(seed, lives, truth, ever);
        assertThat(last.rung()).as("seed %d", seed).isEqualTo("NEWEST");
      } finally {
        last.kill();
      }
    }
  }

  private static void verify(
      long seed, List<Life> lives, Map<String, String> truth, Set<String> ever) {
    Map<String, String> latest = new HashMap<>();
    Set<String> finished = new HashSet<>();
    for (Life life : lives) {
      for (String began : life.began) {
        if (!began.endsWith(" gone")) {
          assertThat(finished)
              .as("seed %d: reconciled again although it was durably acknowledged", seed)
              .doesNotContain(began);
        }
      }
      life.ended.forEach(ended -> latest.put(ended.split(" ")[0], ended.split(" ")[1]));
      finished.addAll(life.ended.subList(0, Math.min(life.durable, life.ended.size())));
    }
    for (String name : ever) {
      if (truth.containsKey(name)) {
        assertThat(latest.get(name))
            .as("seed %d: the last reconcile of %s", seed, name)
            .isEqualTo(truth.get(name));
      } else if (latest.containsKey(name)) {
        assertThat(latest.get(name)).as("seed %d: %s is gone", seed, name).isEqualTo("gone");
      }
    }
  }

  private static KubernetesClient client(ApiServer server) {
    Config config =
        new ConfigBuilder(Config.empty()).withMasterUrl(server.url().toString()).build();
    return new KubernetesClientBuilder().withConfig(config).build();
  }

  private static void change(KubernetesClient client, SplittableRandom random, Set<String> ever) {
    String name = "c" + random.nextInt(OBJECTS);
    if (random.nextInt(6) == 0) {
      client.configMaps().inNamespace("default").withName(name).delete();
      return;
    }
    ever.add(name);
    ConfigMap map =
        new ConfigMapBuilder()
            .withNewMetadata()
            .withNamespace("default")
            .withName(name)
            .endMetadata()
            .addToData("value", Long.toHexString(random.nextLong()))
            .build();
    if (client.configMaps().inNamespace("default").withName(name).get() == null) {
      client.resource(map).create();
    } else {
      client.resource(map).update();
    }
  }

  private static Life life(Path told) throws IOException {
    List<String> began = new ArrayList<>();
    List<String> ended = new ArrayList<>();
    int durable = 0;
    String text = Files.exists(told) ? Files.readString(told) : "";
    for (String line : text.split("\n")) {
      if (line.startsWith("B ")) {
        began.add(line.substring(2));
      } else if (line.startsWith("E ")) {
        ended.add(line.substring(2));
      } else if (line.startsWith("D ")) {
        durable = Integer.parseInt(line.substring(2));
      }
    }
    return new Life(began, ended, durable);
  }

  /** The other process. */
  private static final class Child {
    private final Process process;
    private final BufferedReader out;

    Child(ApiServer server, Path journal, Path told) throws IOException {
      process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-Xmx128m",
                  "-XX:TieredStopAtLevel=1",
                  "-XX:+UseSerialGC",
                  "-cp",
                  System.getProperty("java.class.path"),
                  KilledController.class.getName(),
                  server.url().toString(),
                  journal.toString(),
                  told.toString())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      out =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    String await(String word) throws IOException {
      String line = out.readLine();
      assertThat(line).as("what the other process says").startsWith(word);
      return line;
    }

    void ask(String line) throws IOException {
      process.getOutputStream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
      process.getOutputStream().flush();
    }

    Map<String, String> store() throws IOException {
      Map<String, String> store = new TreeMap<>();
      String line = await("store");
      for (String pair : line.substring("store".length()).strip().split(" ")) {
        if (!pair.isEmpty()) {
          store.put(pair.split("=")[0], pair.split("=")[1]);
        }
      }
      return store;
    }

    String rung() throws IOException {
      return await("rung").split(" ")[1];
    }

    void kill() throws InterruptedException {
      process.destroyForcibly();
      assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    }
  }
}
