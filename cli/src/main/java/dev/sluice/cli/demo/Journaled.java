package dev.sluice.cli.demo;

import dev.sluice.fabric8.SluiceFabric8;
import dev.sluice.kube.Controller;
import dev.sluice.kube.Informer;
import dev.sluice.kube.Journal;
import dev.sluice.kube.JournalStatus;
import dev.sluice.kube.Outcome;
import dev.sluice.kube.Resource;
import dev.sluice.kube.ResourceKind;
import dev.sluice.kube.Transport;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * The process that {@link KillIncident} kills: an informer with a journal, and a controller that
 * looks at each object. It takes a pause with every hundredth, so that something is in hand when it
 * is killed.
 *
 * <p>Its first line of input is where the server is and as whom to speak with it; on each further
 * one it says how far it is, in words separated by spaces, and after {@code names} also which
 * objects it has reconciled. At the end of its input it ends.
 */
final class Journaled {
  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  private Journaled() {}

  /** The journal's directory is the one argument. */
  public static void main(String[] args) throws IOException {
    long began = System.nanoTime();
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    String[] server = in.readLine().split(" ", -1);
    Config config =
        new ConfigBuilder(Config.empty())
            .withMasterUrl(server[0])
            .withOauthToken(server[1])
            .build();
    ResourceKind kind = ResourceKind.namespaced(server[2], "v1", "gauges", "Gauge");
    Set<String> reconciled = ConcurrentHashMap.newKeySet();
    AtomicInteger inHand = new AtomicInteger();
    try (Transport transport = SluiceFabric8.transport(config);
        Informer<Resource> informer =
            Informer.of(transport, kind)
                .namespace(server[3])
                .journal(Journal.at(Path.of(args[0])))
                .start();
        Controller<Resource> controller =
            Controller.named("looker")
                .watching(informer)
                .unlimited()
                .reconcilerVersion("1")
                .reconcile((key, context) -> {
                  inHand.incrementAndGet();
                  try {
                    if (key.hashCode() % 100 == 0) {
                      LockSupport.parkNanos(PAUSE_NANOS);
                    }
                    reconciled.add(key.name());
                    return Outcome.done();
                  } finally {
                    inHand.decrementAndGet();
                  }
                })
                .start()) {
      long resumed = 0;
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        if (resumed == 0 && informer.status().synced()) {
          resumed = System.nanoTime() - began;
        }
        JournalStatus journal = informer.status().journal().orElseThrow();
        var status = controller.status();
        out.printf(
            Locale.ROOT,
            "%s %d %d %d %d %d %b %s%n",
            journal.rung().name().toLowerCase(Locale.ROOT),
            TimeUnit.NANOSECONDS.toMillis(resumed),
            journal.restored(),
            informer.store().size(),
            informer.status().counts().lists(),
            status.counts().started(),
            status.caughtUp()
                && status.backlog() + status.waiting() + status.inHand() == 0
                && journal.durable() == journal.position(),
            line.equals("names")
                ? String.join(",", new TreeSet<>(reconciled))
                : informer.status().anchor().orElse("0"));
      }
    }
  }
}
