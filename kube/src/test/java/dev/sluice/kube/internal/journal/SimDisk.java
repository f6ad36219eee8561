package dev.sluice.kube.internal.journal;

import dev.sluice.kube.JournalStore;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A disk that forgets. It keeps what is durable and, in order, what is not yet; a power failure may
 * let any part of that through, in any order: each write wholly, half or not at all, each change of
 * a name or not. Only a sync orders: that of a file its writes, that of the directory its names.
 *
 * <p>It can also be made to fail: full, removed, or read-only.
 */
final class SimDisk implements Disk {
  private static final class Content {
    byte[] durable = new byte[0];
    byte[] present = new byte[0];
  }

  private sealed interface Op {
    record Write(Content file, int offset, byte[] bytes) implements Op {}

    /** A name comes to mean a file, or none. */
    record Name(String name, @Nullable Content file, @Nullable String gone) implements Op {}
  }

  private final Map<String, Content> present = new TreeMap<>();
  private final Map<String, Content> durable = new TreeMap<>();
  private final List<Op> pending = new ArrayList<>();
  private final Consumer<SimDisk> step;
  @Nullable String failure;
  long room = Long.MAX_VALUE;
  int syncs;

  /** A disk that tells somebody after each operation. */
  SimDisk(Consumer<SimDisk> step) {
    this.step = step;
  }

  SimDisk() {
    this(disk -> {});
  }

  private void check() throws IOException {
    if (failure != null) {
      throw new IOException(failure);
    }
  }

  @Override
  public String where() {
    return "a disk in memory";
  }

  @Override
  public void take() throws IOException {
    check();
  }

  @Override
  public void give() {}

  @Override
  public List<JournalStore.File> list() {
    return present.entrySet().stream()
        .map(file ->
            new JournalStore.File(file.getKey(), file.getValue().present.length, Instant.EPOCH))
        .toList();
  }

  @Override
  public InputStream read(String name) throws IOException {
    Content file = present.get(name);
    if (file == null) {
      throw new NoSuchFileException(name);
    }
    return new ByteArrayInputStream(file.present);
  }

  byte[] bytes(String name) {
    return Objects.requireNonNull(present.get(name), name).present;
  }

  void bytes(String name, byte[] bytes) {
    Content file = new Content();
    file.durable = bytes;
    file.present = bytes;
    present.put(name, file);
    durable.put(name, file);
  }

  /** Takes all files away. */
  void remove() {
    present.clear();
    durable.clear();
    pending.clear();
  }

  @Override
  public Out create(String name) throws IOException {
    check();
    Content file = new Content();
    present.put(name, file);
    did(new Op.Name(name, file, null));
    return new Out() {
      @Override
      public void write(ByteBuffer bytes) throws IOException {
        check();
        room -= bytes.remaining();
        if (room < 0) {
          throw new IOException("No space left on device");
        }
        byte[] written = new byte[bytes.remaining()];
        bytes.get(written);
        int offset = file.present.length;
        file.present = laid(file.present, offset, written, written.length);
        did(new Op.Write(file, offset, written));
      }

      @Override
      public void sync() throws IOException {
        check();
        syncs++;
        file.durable = file.present;
        pending.removeIf(op -> op instanceof Op.Write write && write.file == file);
        step.accept(SimDisk.this);
      }

      @Override
      public void close() {}
    };
  }

  private void did(Op op) {
    pending.add(op);
    step.accept(this);
  }

  @Override
  public void move(String from, String to) throws IOException {
    check();
    Content file = present.remove(from);
    if (file == null) {
      throw new NoSuchFileException(from);
    }
    present.put(to, file);
    did(new Op.Name(to, file, from));
  }

  @Override
  public void delete(String name) throws IOException {
    check();
    if (present.remove(name) != null) {
      did(new Op.Name(name, null, null));
    }
  }

  @Override
  public void sync() throws IOException {
    check();
    durable.clear();
    durable.putAll(present);
    pending.removeIf(op -> op instanceof Op.Name);
    step.accept(this);
  }

  private static byte[] laid(byte[] onto, int offset, byte[] bytes, int count) {
    byte[] result = Arrays.copyOf(onto, Math.max(onto.length, offset + count));
    System.arraycopy(bytes, 0, result, offset, count);
    return result;
  }

  /** How many operations are not yet durable. */
  int undecided() {
    return pending.size();
  }

  /**
   * What a power failure leaves.
   *
   * @param fates of each operation that is not durable: 0 nothing, 1 all, 2 half of it
   */
  SimDisk after(int[] fates) {
    Map<Content, Content> copies = new HashMap<>();
    Map<String, Content> names = new TreeMap<>(durable);
    for (int i = 0; i < fates.length; i++) {
      if (fates[i] == 0) {
        continue;
      }
      switch (pending.get(i)) {
        case Op.Write write -> {
          Content copy = copies.computeIfAbsent(write.file, SimDisk::copied);
          int count = fates[i] == 2 ? write.bytes.length / 2 : write.bytes.length;
          copy.durable = laid(copy.durable, write.offset, write.bytes, count);
        }
        case Op.Name name -> {
          if (name.file == null) {
            names.remove(name.name);
          } else {
            names.put(name.name, name.file);
            if (name.gone != null) {
              names.remove(name.gone);
            }
          }
        }
      }
    }
    SimDisk left = new SimDisk();
    names.forEach(
        (name, file) -> left.bytes(name, copies.computeIfAbsent(file, SimDisk::copied).durable));
    return left;
  }

  /** What the end of the process leaves: everything. */
  SimDisk afterKill() {
    SimDisk left = new SimDisk();
    present.forEach((name, file) -> left.bytes(name, file.present));
    return left;
  }

  private static Content copied(Content file) {
    Content copy = new Content();
    copy.durable = file.durable;
    return copy;
  }
}
