package dev.sluice.kube.internal.journal;

import dev.sluice.kube.JournalStore;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/**
 * A journal's files in a directory. What is published is written beside, made durable, and then
 * moved to its name in one step; the name itself is made durable before anything counts on it.
 */
public final class DirectoryStore implements JournalStore {
  private static final String BESIDE = ".new";
  private static final int BUFFER = 1 << 16;

  private final Disk disk;

  /** In a directory. */
  public DirectoryStore(Disk disk) {
    this.disk = disk;
  }

  @Override
  public String where() {
    return disk.where();
  }

  @Override
  public void open() throws IOException {
    disk.take();
    for (File file : disk.list()) {
      if (file.name().endsWith(BESIDE)) {
        disk.delete(file.name());
      }
    }
  }

  @Override
  public Pace pace() {
    return Pace.DISK;
  }

  @Override
  public List<File> files() throws IOException {
    return disk.list().stream()
        .filter(file -> !file.name().endsWith(BESIDE))
        .sorted(Comparator.comparing(File::name))
        .toList();
  }

  @Override
  public InputStream read(String name) throws IOException {
    return disk.read(name);
  }

  @Override
  public Appender append(String name) throws IOException {
    Disk.Out out = disk.create(name);
    return new Appender() {
      private boolean named;

      @Override
      public void write(ByteBuffer bytes) throws IOException {
        out.write(bytes);
      }

      @Override
      public void sync() throws IOException {
        out.sync();
        if (!named) {
          disk.sync();
          named = true;
        }
      }

      @Override
      public void close() throws IOException {
        out.close();
      }
    };
  }

  @Override
  public void publish(String name, Content content) throws IOException {
    String beside = name + BESIDE;
    try (Disk.Out out = disk.create(beside)) {
      OutputStream stream = new BufferedOutputStream(new Writing(out), BUFFER);
      content.writeTo(stream);
      stream.flush();
      out.sync();
    } catch (IOException | RuntimeException e) {
      try {
        disk.delete(beside);
      } catch (IOException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
    disk.move(beside, name);
    disk.sync();
  }

  @Override
  public void delete(Collection<String> names) throws IOException {
    for (String name : names) {
      disk.delete(name);
    }
  }

  @Override
  public void close() {
    disk.give();
  }

  private static final class Writing extends OutputStream {
    private final Disk.Out out;

    Writing(Disk.Out out) {
      this.out = out;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] b, int offset, int length) throws IOException {
      out.write(ByteBuffer.wrap(b, offset, length));
    }
  }
}
