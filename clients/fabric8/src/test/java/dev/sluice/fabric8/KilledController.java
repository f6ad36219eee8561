package dev.sluice.fabric8;

import dev.sluice.kube.Controller;
import dev.sluice.kube.ControllerStatus;
import dev.sluice.kube.Informer;
import dev.sluice.kube.Journal;
import dev.sluice.kube.JournalStatus;
import dev.sluice.kube.Outcome;
import dev.sluice.kube.Resource;
import dev.sluice.kube.Transport;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;

/**
 * The process that {@link KillTest} kills. It tells a file of each reconcile that began and ended,
 * and how many of those that ended were durably acknowledged.
 */
final class KilledController {
  private KilledController() {}

  public static void main(String[] args) throws Exception {
    Config config = new ConfigBuilder(Config.empty()).withMasterUrl(args[0]).build();
    FileChannel told =
        FileChannel.open(
            Path.of(args[2]),
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.APPEND);
    Journal journal =
        Journal.at(Path.of(args[1]))
            .interval(Duration.ofMillis(20))
            .snapshotEvery(Duration.ofMillis(150));
    try (Transport transport = SluiceFabric8.transport(config);
        Informer<Resource> informer =
            Informer.of(transport, Line.CONFIG_MAPS).namespace("default").journal(journal).start();
        Controller<Resource> controller =
            Controller.named("killed")
                .watching(informer)
                .unlimited()
                .workers(1)
                .reconcile((key, context) -> {
                  String what =
                      key.name()
                          + " "
                          + context.resource().map(Resource::resourceVersion).orElse("gone");
                  tell(told, "B " + what);
                  LockSupport.parkNanos(500_000);
                  tell(told, "E " + what);
                  return Outcome.done();
                })
                .start()) {
      Thread.ofPlatform().daemon().start(() -> tellDurable(told, informer, controller));
      if (!informer.awaitSynced(Duration.ofSeconds(30))) {
        throw new IllegalStateException(informer.explain());
      }
      System.out.println("ready");
      BufferedReader in =
          new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        settle(Long.parseLong(line.split(" ")[1]), informer, controller);
        System.out.println(
            "store "
                + informer
                    .store()
                    .snapshot()
                    .resources()
                    .map(object -> object.key().name() + "=" + object.resourceVersion())
                    .collect(Collectors.joining(" ")));
        System.out.println("rung " + informer.status().journal().orElseThrow().rung());
      }
    }
  }

  /** With one worker, the first so many that ended are those that were acknowledged. */
  private static void tellDurable(
      FileChannel told, Informer<Resource> informer, Controller<Resource> controller) {
    long last = 0;
    while (true) {
      long done = controller.status().counts().done();
      JournalStatus journal = informer.status().journal().orElseThrow();
      long position = journal.position();
      while (journal.durable() < position) {
        LockSupport.parkNanos(1_000_000);
        journal = informer.status().journal().orElseThrow();
      }
      if (done > last) {
        tell(told, "D " + done);
        last = done;
      }
      LockSupport.parkNanos(2_000_000);
    }
  }

  private static void tell(FileChannel told, String line) {
    try {
      told.write(ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8)));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static void settle(
      long version, Informer<Resource> informer, Controller<Resource> controller) {
    while (true) {
      ControllerStatus status = controller.status();
      boolean reached = informer.status().anchor().map(Long::parseLong).orElse(0L) >= version;
      if (reached
          && status.caughtUp()
          && status.backlog() + status.waiting() + status.inHand() + status.delayed() == 0
          && controller.status().counts().started() == status.counts().done()) {
        return;
      }
      LockSupport.parkNanos(5_000_000);
    }
  }
}
