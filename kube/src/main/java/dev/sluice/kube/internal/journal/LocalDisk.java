package dev.sluice.kube.internal.journal;

import dev.sluice.kube.JournalException;
import dev.sluice.kube.JournalStore;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A directory of this machine. */
public final class LocalDisk implements Disk {
  private static final String LOCK = "LOCK";

  private final Path directory;
  private final boolean posix;
  private @Nullable FileChannel lockFile;
  private @Nullable FileLock lock;

  /** A directory, which need not be there. */
  public LocalDisk(Path directory) {
    this.directory = directory.toAbsolutePath().normalize();
    this.posix = directory.getFileSystem().supportedFileAttributeViews().contains("posix");
  }

  @Override
  public String where() {
    return directory.toString();
  }

  private FileAttribute<?>[] mode(String mode) {
    return posix
        ? new FileAttribute<?>[] {
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(mode))
        }
        : new FileAttribute<?>[0];
  }

  @Override
  public void take() throws IOException {
    if (!Files.isDirectory(directory)) {
      Path parent = directory.getParent();
      if (parent != null) {
        Files.createDirectories(parent);
      }
      Files.createDirectory(directory, mode("rwx------"));
    }
    Path file = directory.resolve(LOCK);
    if (lock != null && lock.isValid() && Files.exists(file)) {
      return;
    }
    give();
    FileChannel channel =
        FileChannel.open(
            file,
            Set.of(StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE),
            mode("rw-------"));
    FileLock taken;
    try {
      taken = channel.tryLock();
    } catch (OverlappingFileLockException e) {
      channel.close();
      throw new JournalException(
          "the journal in "
              + directory
              + " is in use by another informer of this process: give each informer a directory of"
              + " its own");
    } catch (IOException e) {
      channel.close();
      throw e;
    }
    if (taken == null) {
      String holder = holder(channel);
      channel.close();
      throw new JournalException(
          "the journal in "
              + directory
              + " is in use by another process"
              + holder
              + ": end that one first, or give this one a directory of its own");
    }
    lockFile = channel;
    lock = taken;
    byte[] pid = Long.toString(ProcessHandle.current().pid()).getBytes(StandardCharsets.US_ASCII);
    channel.truncate(0).write(ByteBuffer.wrap(pid), 0);
  }

  private static String holder(FileChannel channel) {
    try {
      ByteBuffer pid = ByteBuffer.allocate(20);
      int length = channel.read(pid, 0);
      return length <= 0
          ? ""
          : " (" + new String(pid.array(), 0, length, StandardCharsets.US_ASCII).trim() + ")";
    } catch (IOException e) {
      return "";
    }
  }

  @Override
  public void give() {
    FileChannel open = lockFile;
    lock = null;
    lockFile = null;
    if (open != null) {
      try {
        open.close();
      } catch (IOException e) {
        // It is given back by the system then.
      }
    }
  }

  @Override
  public List<JournalStore.File> list() throws IOException {
    List<JournalStore.File> found = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        String name = file.getFileName().toString();
        if (!name.equals(LOCK)) {
          stat(file)
              .ifPresent(stat ->
                  found.add(
                      new JournalStore.File(
                          name, stat.size(), stat.lastModifiedTime().toInstant())));
        }
      }
    } catch (NoSuchFileException e) {
      return List.of();
    }
    return found;
  }

  private static Optional<BasicFileAttributes> stat(Path file) throws IOException {
    try {
      return Optional.of(Files.readAttributes(file, BasicFileAttributes.class));
    } catch (NoSuchFileException e) {
      return Optional.empty(); // deleted while it was looked at
    }
  }

  @Override
  public InputStream read(String name) throws IOException {
    return Files.newInputStream(directory.resolve(name));
  }

  @Override
  public Out create(String name) throws IOException {
    Path file = directory.resolve(name);
    Files.deleteIfExists(file);
    FileChannel channel =
        FileChannel.open(
            file,
            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
            mode("rw-------"));
    return new Out() {
      @Override
      public void write(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
          channel.write(bytes);
        }
      }

      @Override
      public void sync() throws IOException {
        channel.force(false);
      }

      @Override
      public void close() throws IOException {
        channel.close();
      }
    };
  }

  @Override
  public void move(String from, String to) throws IOException {
    Files.move(
        directory.resolve(from),
        directory.resolve(to),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
  }

  @Override
  public void delete(String name) throws IOException {
    Files.deleteIfExists(directory.resolve(name));
  }

  @Override
  public void sync() throws IOException {
    if (!posix) {
      return; // Windows has no such thing; its file system orders names by itself.
    }
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
