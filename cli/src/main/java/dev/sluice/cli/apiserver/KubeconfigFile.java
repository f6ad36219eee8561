package dev.sluice.cli.apiserver;

import dev.sluice.cli.ExitCode;
import dev.sluice.cli.Trouble;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The kubeconfig of a server that is gone at the end, and the file with it. Readable by its owner
 * only. Never in the place of a file that somebody else wrote: elsewhere {@code --kubeconfig} names
 * the file that is read, and one's own would be lost by a slip.
 */
final class KubeconfigFile implements AutoCloseable {
  private static final String MARK = "# Written by sluice apiserver; gone when it ends.\n";

  private final Path path;
  private final @Nullable Path temporaryFolder;
  private byte @Nullable [] written;

  private KubeconfigFile(Path path, @Nullable Path temporaryFolder) {
    this.path = path;
    this.temporaryFolder = temporaryFolder;
  }

  /**
   * Chooses the place.
   *
   * @param named what the command line says; null for a temporary file
   * @throws Trouble if there is another file, or it cannot be there
   */
  static KubeconfigFile reserve(@Nullable Path named) throws IOException {
    if (named == null) {
      Path folder = Files.createTempDirectory("sluice-apiserver-");
      return new KubeconfigFile(folder.resolve("kubeconfig"), folder);
    }
    Path path = named.toAbsolutePath().normalize();
    if (Files.exists(path, LinkOption.NOFOLLOW_LINKS) && !isOurs(path)) {
      throw new Trouble(
          ExitCode.LOCAL,
          path
              + " is there and was not written by sluice apiserver; name another file with"
              + " --kubeconfig, or remove it");
    }
    Path parent = path.getParent();
    if (parent == null || !Files.isDirectory(parent)) {
      throw cannot(path, "there is no folder " + parent + "; create it first", null);
    }
    return new KubeconfigFile(path, null);
  }

  private static Trouble cannot(Path path, String why, @Nullable Throwable cause) {
    return new Trouble(ExitCode.LOCAL, "cannot write the kubeconfig " + path + ": " + why, cause);
  }

  private static boolean isOurs(Path path) {
    if (!Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) {
      return false;
    }
    try (var in = Files.newInputStream(path)) {
      return new String(in.readNBytes(MARK.length()), StandardCharsets.UTF_8).equals(MARK);
    } catch (IOException e) {
      return false;
    }
  }

  Path path() {
    return path;
  }

  /** Writes it: whole, or not at all. */
  void write(String kubeconfig) {
    Path folder = path.toAbsolutePath().getParent();
    if (folder == null) {
      throw new IllegalStateException("a reserved path has a folder: " + path);
    }
    byte[] content = (MARK + kubeconfig).getBytes(StandardCharsets.UTF_8);
    try {
      Path temporary = Files.createTempFile(folder, ".kubeconfig", ".part", ownerOnly(folder));
      try {
        Files.write(temporary, content);
        Files.move(temporary, path, StandardCopyOption.REPLACE_EXISTING);
        written = content;
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException e) {
      throw cannot(path, e + "; check the rights of its folder, or name another one", e);
    }
  }

  private static FileAttribute<?>[] ownerOnly(Path folder) {
    return folder.getFileSystem().supportedFileAttributeViews().contains("posix")
        ? new FileAttribute<?>[] {
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
        }
        : new FileAttribute<?>[0];
  }

  /** Removes what was written, if it is still what was written: it may be another server's now. */
  @Override
  public void close() throws IOException {
    byte[] content = written;
    if (content != null
        && Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)
        && Arrays.equals(Files.readAllBytes(path), content)) {
      Files.delete(path);
    }
    if (temporaryFolder != null && Files.isDirectory(temporaryFolder)) {
      try (Stream<Path> left = Files.list(temporaryFolder)) {
        if (left.findAny().isEmpty()) {
          Files.delete(temporaryFolder);
        }
      }
    }
  }
}
