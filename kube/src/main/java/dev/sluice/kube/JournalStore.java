package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import dev.sluice.kube.internal.journal.DirectoryStore;
import dev.sluice.kube.internal.journal.LocalDisk;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;

/**
 * Where a journal's files lie. A handful of named files, of two sorts: those that grow at their end
 * and those that are written whole. What is in them is the journal's business.
 *
 * <p>Reading needs no {@link #open()}, so that tools can look at a journal in use. One thread at a
 * time writes; methods may be called by different threads one after the other, and one may append
 * while another publishes.
 */
@Experimental
public interface JournalStore extends AutoCloseable {

  /** A directory of this machine. It is made when it is first opened; its files have mode 0600. */
  static JournalStore directory(Path directory) {
    return new DirectoryStore(new LocalDisk(directory));
  }

  /** Where it is, for messages. */
  String where();

  /**
   * Takes it for this process alone, and makes it if it is not there. May be called again, after
   * trouble.
   *
   * @throws JournalException if another process, or another journal of this one, has it
   * @throws IOException if it cannot be had for another reason
   */
  void open() throws IOException;

  /** The names of all files; none if it has not been made. */
  List<String> names() throws IOException;

  /** A file from its beginning. */
  InputStream read(String name) throws IOException;

  /** Begins a file that grows at its end. One of that name is replaced. */
  Appender append(String name) throws IOException;

  /** Writes a file: when this returns it is there as a whole and durably; else it is not there. */
  void publish(String name, Content content) throws IOException;

  /** Deletes a file, if it is there. */
  void delete(String name) throws IOException;

  /** Gives it back. */
  @Override
  void close();

  /** A file that grows. */
  interface Appender extends Closeable {
    /** Writes all that remains in a buffer. It need not be durable. */
    void write(ByteBuffer bytes) throws IOException;

    /** Makes durable what was written. */
    void sync() throws IOException;
  }

  /** What a file is to contain. */
  @FunctionalInterface
  interface Content {
    /** Writes it. */
    void writeTo(OutputStream out) throws IOException;
  }
}
