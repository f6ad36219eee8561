package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import dev.sluice.flow.Gate;
import dev.sluice.kube.internal.informer.Source;
import dev.sluice.kube.internal.watch.StreamOptions;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Informers that share their streams: parts of a program that ask for the same objects get them
 * from one list, one watch and one store.
 *
 * <pre>{@code
 * Informers informers = Informers.over(transport);
 * Informer<Pod> one = informers.of(pods, codec).onChange(...).start();  // lists and watches
 * Informer<Resource> two = informers.of(pods).onChange(...).start();    // uses what is there
 * one.close();                                                          // the stream goes on
 * two.close();                                                          // and ends
 * }</pre>
 *
 * <p>A stream is shared by informers of the same kind, namespaces, selectors, {@code metadataOnly},
 * and whose stores keep the same: {@code keepManagedFields}, {@code keep} or {@code drop}, indexes
 * and {@code compressAfter}. What belongs to the reader is each informer's own: its codec, its
 * handlers and controllers, each with a COALESCE gate of its own, its resync. So a slow consumer
 * holds nobody but itself, and one that throws disturbs nobody. An informer that comes later is
 * first told all that is there.
 *
 * <p>What belongs to the stream must be the same: an informer that asks for another page size or
 * deadline than the stream has is refused, and told so. The stream's time, clock, listener and
 * source of randomness are those of the informer that was first.
 *
 * <p>A stream begins with the first informer that asks for it and ends when the last one is closed.
 * BLOCK and PAUSE gates act on the whole stream, so an informer with one of them cannot share:
 * {@link Informer#of}.
 *
 * <p>Safe for use by any number of threads.
 */
@Experimental
public final class Informers implements AutoCloseable {
  private record Selection(
      ResourceKind kind,
      List<String> namespaces,
      String labelSelector,
      String fieldSelector,
      boolean metadataOnly,
      Object kept) {}

  /** A stream in use. Guarded by the lock. */
  private static final class Shared {
    final Source source;
    final List<StreamOptions> options;
    int users;

    Shared(Source source, List<StreamOptions> options) {
      this.source = source;
      this.options = options;
    }
  }

  private final Transport transport;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<Selection, Shared> streams = new HashMap<>();
  private final List<Informer<?>> informers = new ArrayList<>();
  private boolean closed;

  private Informers(Transport transport) {
    this.transport = transport;
  }

  /**
   * Informers over a transport.
   *
   * @param transport stays open when this is closed
   */
  public static Informers over(Transport transport) {
    return new Informers(Objects.requireNonNull(transport, "transport"));
  }

  /** An informer that shows bytes and metadata; it shares its stream from its start on. */
  public Informer.Builder<Resource> of(ResourceKind kind) {
    return of(kind, Codec.none());
  }

  /**
   * An informer whose objects are decoded when they are read; it shares its stream from its start
   * on.
   *
   * @param codec how; informers with different codecs share a stream as well
   */
  public <T> Informer.Builder<T> of(ResourceKind kind, Codec<T> codec) {
    return new Informer.Builder<>(
        transport,
        Objects.requireNonNull(kind, "kind"),
        Objects.requireNonNull(codec, "codec"),
        this);
  }

  /** How many streams there are; one for each namespace where several are watched. */
  public int streams() {
    lock.lock();
    try {
      return streams.values().stream().mapToInt(shared -> shared.options.size()).sum();
    } finally {
      lock.unlock();
    }
  }

  /**
   * {@linkplain Informer#close() Closes} all informers that are still open. Blocks until that is
   * done. Closing twice is harmless.
   */
  @Override
  public void close() {
    List<Informer<?>> open;
    lock.lock();
    try {
      closed = true;
      open = List.copyOf(informers);
    } finally {
      lock.unlock();
    }
    open.forEach(Informer::close);
  }

  <T> Informer<T> start(Informer.Builder<T> builder) {
    Gate<ObjectKey> bounded = builder.bounded();
    if (bounded != null) {
      throw new IllegalStateException(
          "a "
              + bounded.kind()
              + " gate acts on the whole stream and cannot share it: start '"
              + builder.name()
              + "' with Informer.of, or use COALESCE");
    }
    List<StreamOptions> options = builder.options();
    Selection selection = selection(builder, options);
    lock.lock();
    try {
      if (closed) {
        throw new IllegalStateException("these informers are closed");
      }
      Shared shared = streams.get(selection);
      boolean first = shared == null;
      if (shared == null) {
        shared = new Shared(new Source(builder.settings(), transport, options), options);
      } else {
        refuseDifferent(shared.options.get(0), options.get(0));
      }
      Shared used = shared;
      Informer<T> informer = builder.over(used.source, () -> release(selection, used), null);
      shared.users++;
      streams.put(selection, shared);
      informers.removeIf(Informer::isClosed);
      informers.add(informer);
      if (first) {
        shared.source.start();
      }
      return informer;
    } finally {
      lock.unlock();
    }
  }

  private static Selection selection(Informer.Builder<?> builder, List<StreamOptions> options) {
    StreamOptions one = options.get(0);
    return new Selection(
        one.kind(),
        options.stream().map(StreamOptions::namespace).sorted().toList(),
        one.labelSelector(),
        one.fieldSelector(),
        one.metadataOnly(),
        builder.kept().selection());
  }

  private static void refuseDifferent(StreamOptions has, StreamOptions wanted) {
    List<String> differences = new ArrayList<>();
    for (RecordComponent setting : StreamOptions.class.getRecordComponents()) {
      if (setting.getName().equals("name") || setting.getName().equals("namespace")) {
        continue;
      }
      Object before = valueOf(setting, has);
      Object now = valueOf(setting, wanted);
      if (!before.equals(now)) {
        differences.add(setting.getName() + " " + before + " and not " + now);
      }
    }
    if (!differences.isEmpty()) {
      throw new IllegalStateException(
          "the shared stream '"
              + has.name()
              + "' of "
              + has.kind()
              + " has "
              + String.join(", ", differences)
              + ": ask for the same, or start '"
              + wanted.name()
              + "' with Informer.of");
    }
  }

  private static Object valueOf(RecordComponent setting, StreamOptions options) {
    try {
      return setting.getAccessor().invoke(options);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private void release(Selection selection, Shared shared) throws InterruptedException {
    lock.lock();
    try {
      if (--shared.users > 0) {
        return;
      }
      streams.remove(selection);
    } finally {
      lock.unlock();
    }
    shared.source.stop();
  }
}
