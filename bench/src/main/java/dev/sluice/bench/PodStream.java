package dev.sluice.bench;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import dev.sluice.fabric8.SluiceFabric8;
import dev.sluice.kube.Informer;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Resource;
import dev.sluice.kube.ResourceKind;
import dev.sluice.kube.Transport;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.lang.ref.Reference;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * An informer's life: the list of 10,000 pods, 100,000 MODIFIED events as fast as it takes them,
 * over plain HTTP/1.1 from a replaying server in another process; and what it keeps. The CPU is
 * that of the whole process, compiler and collector included, from the list's end to the last
 * event's arrival in the cache. Each contender in a JVM of its own.
 *
 * <p>The floor reads the events from a socket, looks for the ends of lines and keeps nothing.
 */
@Work(
    name = "stream-cpu",
    title = "watch stream, CPU an event (4.6 KB pods, HTTP/1.1)",
    unit = Work.Unit.NS_PER_OP,
    target = "at most 10 us",
    goals = @Goal(atMost = 10_000))
@Work(
    name = "stream-events",
    title = "watch stream, events a second",
    unit = Work.Unit.OPS_PER_SECOND,
    target = "ahead of fabric8's informer",
    goals = @Goal(aheadOf = "fabric8.*"))
@Work(
    name = "stream-allocation",
    title = "watch stream, allocated an event",
    unit = Work.Unit.BYTES)
@Work(
    name = "stream-list",
    title = "list of 10,000 pods, from the start until the handler has all",
    unit = Work.Unit.MILLISECONDS,
    target = "at most 300 ms",
    goals = @Goal(atMost = 300))
@Work(
    name = "stream-memory",
    title = "heap an object after 100,000 events, client included",
    unit = Work.Unit.BYTES,
    target = "at most 1.2 KB",
    goals = @Goal(atMost = 1200))
public final class PodStream implements Measured {
  private static final String SLUICE = "sluice, fabric8 transport";
  private static final String FABRIC8 = "fabric8, informer on HTTP watches";
  private static final String FLOOR = "the floor";

  @Override
  public List<Figure> measure(Effort effort) throws Exception {
    List<Figure> figures = new ArrayList<>();
    for (String contender : List.of(SLUICE, FABRIC8, FLOOR)) {
      String version =
          contender.equals(FABRIC8)
              ? KubernetesClientBuilder.class.getPackage().getImplementationVersion()
              : "";
      double[] values = Fork.run(Life.class, effort, contender);
      String[] works = {
        "stream-cpu", "stream-events", "stream-allocation", "stream-list", "stream-memory"
      };
      for (int i = 0; i < values.length; i++) {
        figures.add(
            new Figure(works[i], contender, version == null ? "" : version, values[i], Double.NaN));
      }
    }
    return figures;
  }

  /** One contender's. */
  static final class Life implements Fork.Task {
    private static final ResourceKind PODS = ResourceKind.namespaced("", "v1", "pods", "Pod");
    private int count;
    private int events;

    private long began;
    private long synced;
    private double cpu;
    private double allocated;

    @Override
    public double[] run(Effort effort, String contender) throws Exception {
      count = effort.choose(10_000, 10_000, 50);
      events = effort.choose(100_000, 20_000, 200);
      if (effort == Effort.BLINK) {
        try (PodReplay replay = new PodReplay(count, events)) {
          return live(contender, replay.port());
        }
      }
      Process server =
          new ProcessBuilder(
                  System.getProperty("java.home") + "/bin/java",
                  "-Xmx512m",
                  "-XX:+UseSerialGC",
                  "-cp",
                  System.getProperty("java.class.path"),
                  PodReplay.class.getName(),
                  Integer.toString(count),
                  Integer.toString(events))
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      try {
        String port = server.inputReader(StandardCharsets.US_ASCII).readLine();
        return live(contender, Integer.parseInt(port));
      } finally {
        server.destroyForcibly();
      }
    }

    private double[] live(String contender, int port) throws Exception {
      return switch (contender) {
        case SLUICE -> sluice(port);
        case FABRIC8 -> fabric8(port);
        default -> floor(port);
      };
    }

    private static Config config(int port) {
      return new ConfigBuilder(Config.empty())
          .withMasterUrl("http://127.0.0.1:" + port)
          .withOnlyHttpWatches(true)
          .build();
    }

    private double[] sluice(int port) throws Exception {
      long before = Heap.used();
      LongAdder told = new LongAdder();
      began = System.nanoTime();
      try (Transport transport = SluiceFabric8.transport(config(port));
          Informer<Resource> informer =
              Informer.of(transport, PODS).onChange(change -> told.increment()).start()) {
        await(() -> told.sum() >= count);
        synced();
        int pod = PodReplay.lastPod(count, events);
        ObjectKey last = ObjectKey.of(PodReplay.namespace(pod), PodReplay.name(pod));
        String version = PodReplay.lastVersion(events);
        await(
            () -> informer.store().resource(last).orElseThrow().resourceVersion().equals(version));
        return figures(before, informer);
      }
    }

    private double[] fabric8(int port) throws Exception {
      long before = Heap.used();
      LongAdder told = new LongAdder();
      began = System.nanoTime();
      try (KubernetesClient client =
              new KubernetesClientBuilder().withConfig(config(port)).build();
          SharedIndexInformer<Pod> informer =
              client
                  .pods()
                  .inAnyNamespace()
                  .inform(
                      new ResourceEventHandler<>() {
                        @Override
                        public void onAdd(Pod pod) {
                          told.increment();
                        }

                        @Override
                        public void onUpdate(Pod pod, Pod newer) {
                          told.increment();
                        }

                        @Override
                        public void onDelete(Pod pod, boolean unknown) {
                          told.increment();
                        }
                      })) {
        await(() -> told.sum() >= count);
        synced();
        int pod = PodReplay.lastPod(count, events);
        String last = PodReplay.namespace(pod) + "/" + PodReplay.name(pod);
        String version = PodReplay.lastVersion(events);
        await(() ->
            informer
                .getIndexer()
                .getByKey(last)
                .getMetadata()
                .getResourceVersion()
                .equals(version));
        return figures(before, informer);
      }
    }

    /** What reading alone costs. */
    private double[] floor(int port) throws Exception {
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
        socket
            .getOutputStream()
            .write(
                "GET /api/v1/pods?watch=true HTTP/1.1\r\nHost: x\r\n\r\n"
                    .getBytes(StandardCharsets.US_ASCII));
        InputStream in = socket.getInputStream();
        byte[] buffer = new byte[1 << 16];
        synced();
        // Each event's line is followed by two of its chunk, and four stand before the first.
        long lines = 0;
        while (lines < 4L + 3L * events) {
          int read = in.read(buffer);
          for (int i = 0; i < read; i++) {
            if (buffer[i] == '\n') {
              lines++;
            }
          }
        }
        double[] all = figures(0, socket);
        return new double[] {all[0], all[1], all[2]};
      }
    }

    private void synced() {
      synced = System.nanoTime();
      cpu = cpu();
      allocated = allocated();
    }

    private double[] figures(long before, Object kept) {
      double seconds = (System.nanoTime() - synced) / 1e9;
      double spent = cpu() - cpu;
      double made = allocated() - allocated;
      double memory = Heap.used() - before;
      Reference.reachabilityFence(kept);
      return new double[] {
        spent / events, events / seconds, made / events, (synced - began) / 1e6, memory / count
      };
    }

    private static void await(BooleanSupplier condition) {
      while (!condition.getAsBoolean()) {
        LockSupport.parkNanos(1_000_000);
      }
    }

    private static double cpu() {
      return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
          .getProcessCpuTime();
    }

    private static double allocated() {
      return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getTotalThreadAllocatedBytes();
    }
  }
}
