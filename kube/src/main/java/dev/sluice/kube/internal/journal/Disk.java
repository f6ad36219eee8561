package dev.sluice.kube.internal.journal;

import dev.sluice.kube.JournalStore;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.List;

/** A directory, with just what a journal needs of one, so that tests can have one that forgets. */
public interface Disk {
  /** Where it is, for messages. */
  String where();

  /** Makes it if it is not there, and takes it for this process. */
  void take() throws IOException;

  /** Gives it back. */
  void give();

  /** The files in it; none if it is not there. */
  List<JournalStore.File> list() throws IOException;

  InputStream read(String name) throws IOException;

  /** A new, empty file; one of that name is replaced. */
  Out create(String name) throws IOException;

  /** Renames a file, in one step. */
  void move(String from, String to) throws IOException;

  /** Deletes a file, if it is there. */
  void delete(String name) throws IOException;

  /** Makes what was created, renamed and deleted durable. */
  void sync() throws IOException;

  /** A file being written. */
  interface Out extends Closeable {
    void write(ByteBuffer bytes) throws IOException;

    void sync() throws IOException;
  }
}
