package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;

/**
 * The keys that a journal is encrypted with: one to write with, and any number that it may have
 * been written with before. Immutable.
 *
 * <p>To rotate, put a new key first and keep the old one until {@code sluice journal inspect} no
 * longer names it, which is after five snapshots and the time for which the log is kept. A key is
 * good for four billion writes: at twenty a second, which is the most, for six years.
 */
@Experimental
public final class JournalKeys {
  private static final int MOST_ID = 64;

  private final Map<String, SecretKey> keys;

  private JournalKeys(Map<String, SecretKey> keys) {
    this.keys = keys;
  }

  /**
   * One key.
   *
   * @param id its name, of up to 64 printable characters without spaces; it stands in the files
   * @param key 16, 24 or 32 random bytes, for AES; copied
   * @throws IllegalArgumentException if the name or the length is another
   */
  public static JournalKeys of(String id, byte[] key) {
    return new JournalKeys(Map.of()).with(id, key);
  }

  /**
   * These and one more, which is read with only.
   *
   * @throws IllegalArgumentException as {@link #of}, or if there is a key of that name
   */
  public JournalKeys with(String id, byte[] key) {
    if (id.isEmpty() || id.length() > MOST_ID || !id.chars().allMatch(c -> c > ' ' && c < 127)) {
      throw new IllegalArgumentException(
          "a key is named by 1 to 64 printable ASCII characters without spaces, not by \""
              + id
              + "\"");
    }
    if (key.length != 16 && key.length != 24 && key.length != 32) {
      throw new IllegalArgumentException(
          "the key '" + id + "' has " + key.length + " bytes; AES takes 16, 24 or 32");
    }
    Map<String, SecretKey> more = new LinkedHashMap<>(keys);
    if (more.put(id, new SecretKeySpec(key, "AES")) != null) {
      throw new IllegalArgumentException("there are two keys named '" + id + "'");
    }
    return new JournalKeys(more);
  }

  /**
   * Keys from a file, as a mounted Secret has it: a line for each, its name, a space, and the key
   * in Base64. The first one is written with. Empty lines and those that begin with {@code #} are
   * passed over.
   *
   * @throws IOException if it cannot be read
   * @throws IllegalArgumentException if a line is none; what it says is not repeated
   */
  public static JournalKeys read(Path file) throws IOException {
    JournalKeys read = new JournalKeys(Map.of());
    List<String> lines = Files.readAllLines(file, StandardCharsets.UTF_8);
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      if (line.isEmpty() || line.startsWith("#")) {
        continue;
      }
      String[] parts = line.split("\\s+", -1);
      String where = "line " + (i + 1) + " of " + file;
      if (parts.length != 2) {
        throw new IllegalArgumentException(
            where + " is not a key's name, a space and the key in Base64");
      }
      byte[] key;
      try {
        key = Base64.getDecoder().decode(parts[1]);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(
            where + ": the key '" + parts[0] + "' is not in Base64"); // without what it is
      }
      try {
        read = read.with(parts[0], key);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(where + ": " + e.getMessage());
      }
    }
    if (read.keys.isEmpty()) {
      throw new IllegalArgumentException(
          file + " holds no key: a line is a name, a space, and 32 bytes in Base64");
    }
    return read;
  }

  /** The name of the key that is written with. */
  public String current() {
    return keys.keySet().iterator().next();
  }

  /** The names of all. */
  public Set<String> ids() {
    return new java.util.LinkedHashSet<>(keys.keySet());
  }

  /** A key; for the journal only. */
  public Optional<SecretKey> key(String id) {
    return Optional.ofNullable(keys.get(id));
  }

  /** The names, and nothing else. */
  @Override
  public String toString() {
    return "JournalKeys" + new ArrayList<>(keys.keySet());
  }
}
