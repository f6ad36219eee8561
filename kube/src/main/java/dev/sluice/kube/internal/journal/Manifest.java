package dev.sluice.kube.internal.journal;

import dev.sluice.kube.JournalStore;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/**
 * What a shared store holds, and whose it is: the one blob whose replacement makes a change
 * visible. How it is written: {@code docs/journal-format.md}.
 *
 * @param epoch how often the store changed hands
 * @param turn how often the manifest was written
 * @param token of whoever has it; no other ever has the same
 * @param holder its name, for people
 * @param leaseMillis how long it may be silent; 0 if it was given back
 * @param files by name
 */
record Manifest(
    long epoch,
    long turn,
    String token,
    String holder,
    long leaseMillis,
    NavigableMap<String, Entry> files) {
  static final int VERSION = 1;
  private static final String HEAD = "sluice journal manifest ";

  /**
   * A file.
   *
   * @param file as others see it
   * @param stem its parts are the blobs {@code stem/0}, {@code stem/1} ...
   * @param parts how many
   */
  record Entry(JournalStore.File file, String stem, int parts) {
    List<String> blobs() {
      List<String> blobs = new ArrayList<>(parts);
      for (int i = 0; i < parts; i++) {
        blobs.add(stem + "/" + i);
      }
      return blobs;
    }
  }

  long bytes() {
    return files.values().stream().mapToLong(entry -> entry.file.bytes()).sum();
  }

  Manifest with(Entry entry) {
    NavigableMap<String, Entry> changed = new TreeMap<>(files);
    changed.put(entry.file.name(), entry);
    return new Manifest(epoch, turn, token, holder, leaseMillis, changed);
  }

  Manifest without(Collection<String> names) {
    NavigableMap<String, Entry> changed = new TreeMap<>(files);
    changed.keySet().removeAll(names);
    return new Manifest(epoch, turn, token, holder, leaseMillis, changed);
  }

  Manifest lease(long millis) {
    return new Manifest(epoch, turn, token, holder, millis, files);
  }

  Manifest nextTurn() {
    return new Manifest(epoch, turn + 1, token, holder, leaseMillis, files);
  }

  byte[] encode() {
    StringBuilder text = new StringBuilder(256 + 100 * files.size());
    text.append(HEAD).append(VERSION);
    text.append("\nepoch ").append(epoch);
    text.append("\nturn ").append(turn);
    text.append("\ntoken ").append(token);
    text.append("\nlease ").append(leaseMillis);
    text.append("\nholder ").append(holder).append('\n');
    for (Entry entry : files.values()) {
      text.append("file ")
          .append(entry.file.name())
          .append(' ')
          .append(entry.file.bytes())
          .append(' ')
          .append(entry.file.written().toEpochMilli())
          .append(' ')
          .append(entry.stem)
          .append(' ')
          .append(entry.parts)
          .append('\n');
    }
    byte[] all = text.toString().getBytes(StandardCharsets.UTF_8);
    return text.append("crc ")
        .append(crc(all))
        .append('\n')
        .toString()
        .getBytes(StandardCharsets.UTF_8);
  }

  private static String crc(byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, bytes.length);
    return HexFormat.of().toHexDigits((int) crc.getValue());
  }

  /**
   * Reads one.
   *
   * @throws IOException if it is damaged, or of a version not known here; the message says which
   */
  static Manifest decode(byte[] bytes) throws IOException {
    String text = new String(bytes, StandardCharsets.UTF_8);
    if (!text.startsWith(HEAD)) {
      throw new IOException("it does not begin as one");
    }
    int end = text.lastIndexOf("crc ");
    if (end < 0
        || !text.substring(end)
            .equals("crc " + crc(text.substring(0, end).getBytes(StandardCharsets.UTF_8)) + "\n")) {
      throw new IOException("its checksum is wrong");
    }
    String[] lines = text.substring(0, end).split("\n", -1);
    if (!lines[0].equals(HEAD + VERSION)) {
      throw new IOException(
          "it is of version " + lines[0].substring(HEAD.length()) + ", this one reads " + VERSION);
    }
    try {
      NavigableMap<String, Entry> files = new TreeMap<>();
      for (int i = 6; i < lines.length - 1; i++) {
        String[] words = lines[i].split(" ", -1);
        JournalStore.File file =
            new JournalStore.File(
                words[1], Long.parseLong(words[2]), Instant.ofEpochMilli(Long.parseLong(words[3])));
        files.put(words[1], new Entry(file, words[4], Integer.parseInt(words[5])));
      }
      return new Manifest(
          Long.parseLong(after("epoch ", lines[1])),
          Long.parseLong(after("turn ", lines[2])),
          after("token ", lines[3]),
          after("holder ", lines[5]),
          Long.parseLong(after("lease ", lines[4])),
          files);
    } catch (RuntimeException e) {
      throw new IOException("it cannot be understood", e);
    }
  }

  private static String after(String word, String line) {
    if (!line.startsWith(word)) {
      throw new IllegalArgumentException(line);
    }
    return line.substring(word.length());
  }
}
