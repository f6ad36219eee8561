package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * A place out of this process's reach that keeps blobs under names, and can replace one only if it
 * is still the one that was read: an S3 bucket, etcd, or another database. {@link
 * JournalStore#shared} makes of it a store that several processes may use one after the other.
 *
 * <p>Each call blocks until it is answered, or until a limit of the bucket's own, after which it
 * throws. All may be called by several threads at once.
 *
 * <p>An {@link IOException} of a call that writes leaves open whether it was carried out.
 */
@Experimental
public interface JournalBucket {

  /** Where it is, for messages: {@code s3://bucket/prefix}, say. */
  String where();

  /** What suits a journal in it; its files never grow. */
  JournalStore.Pace pace();

  /** The greatest blob that is put, in bytes; at least 16 KiB. Files are cut into such parts. */
  int partBytes();

  /** How many bytes a journal may have in it altogether. */
  long totalBytes();

  /**
   * Reads a blob; empty if there is none of that name. Sees what was last written.
   *
   * @throws IOException if it cannot be read, with the reason in its message
   */
  Optional<Blob> get(String name) throws IOException;

  /**
   * Writes a blob, as a whole or not at all. A name is put once and then only read or deleted.
   *
   * @param name letters, digits, hyphens and slashes
   */
  void put(String name, byte[] bytes) throws IOException;

  /**
   * Writes a blob if the one of this name is still that with a tag; in one step.
   *
   * @param tag of the blob to be replaced; empty if there must be none
   * @return the tag of the new one; empty if another one is there, and nothing was written
   */
  Optional<String> replace(String name, byte[] bytes, Optional<String> tag) throws IOException;

  /** Deletes blobs; those that are not there do not matter. */
  void delete(Collection<String> names) throws IOException;

  /** The names of all blobs. */
  List<String> list() throws IOException;

  /**
   * A blob.
   *
   * @param bytes its content
   * @param tag another one for each content that it has had
   */
  @SuppressWarnings("ArrayRecordComponent") // handed over, not compared
  record Blob(byte[] bytes, String tag) {}
}
