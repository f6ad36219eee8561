package dev.sluice.kube.internal.json;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.kube.internal.transport.FrameReader;
import dev.sluice.modeltest.Gen;
import dev.sluice.modeltest.Seed;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;

/** Streams of events, whole and damaged, in pieces of any size, against a full parser. */
class FrameFuzzTest {
  private static final int LIMIT = 4000;

  private final ObjectScanner scanner = new ObjectScanner();

  @Test
  void agreesWithAFullParserOnTwoThousandStreams() throws Exception {
    int events = 0;
    for (int i = 0; i < 2_000; i++) {
      events += fuzz(i);
    }
    assertThat(events).isGreaterThan(2_000);
  }

  /** The parser accepts them, and the scanner does not. */
  @Test
  void refusesBytesOfAUidThatAreNoUtf8() throws Exception {
    fuzz(new Seed(8787756896013803731L));
  }

  @Test
  @Tag("minutes")
  void agreesWithAFullParserForAMinute() throws Exception {
    fuzz(Duration.ofSeconds(60));
  }

  @Test
  @Tag("long")
  @Timeout(value = 24, unit = TimeUnit.HOURS)
  void agreesWithAFullParserForHours() throws Exception {
    fuzz(Duration.ofSeconds(Integer.getInteger("sluice.fuzz.seconds", 7200)));
  }

  /** From where nobody has been before; a failure tells its seed. */
  private void fuzz(Duration time) throws IOException {
    long end = System.nanoTime() + time.toNanos();
    long events = 0;
    for (int i = ThreadLocalRandom.current().nextInt(2_000, 1 << 30);
        System.nanoTime() < end;
        i++) {
      events += fuzz(i);
    }
    assertThat(events).isPositive();
  }

  /** One stream; how many events both understood. */
  private int fuzz(int index) throws IOException {
    return fuzz(Seed.of("frames against a parser").derive(index));
  }

  private int fuzz(Seed seed) throws IOException {
    Gen gen = seed.random();
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    List<byte[]> lines = new ArrayList<>();
    for (int i = gen.between(1, 8); i > 0; i--) {
      byte[] line = line(gen);
      lines.add(line);
      body.writeBytes(line);
      body.write('\n');
    }
    FrameReader reader = new FrameReader(pieces(body.toByteArray(), gen), LIMIT);
    int understood = 0;
    for (byte[] line : lines) {
      if (new String(line, StandardCharsets.ISO_8859_1).isBlank()) {
        continue;
      }
      FrameReader.Next next = reader.next();
      if (line.length > LIMIT) {
        assertThat(next).as("%s", seed).isEqualTo(FrameReader.Next.TOO_LONG);
        assertThat(reader.length()).as("%s", seed).isEqualTo(line.length);
        continue;
      }
      assertThat(next).as("%s", seed).isEqualTo(FrameReader.Next.FRAME);
      assertThat(Arrays.copyOfRange(reader.bytes(), reader.start(), reader.end()))
          .as("%s", seed)
          .isEqualTo(line);
      if (compare(reader, line, seed + ": " + new String(line, StandardCharsets.UTF_8))) {
        understood++;
      }
    }
    assertThat(reader.next()).as("%s", seed).isEqualTo(FrameReader.Next.END);
    return understood;
  }

  private boolean compare(FrameReader reader, byte[] line, String message) {
    List<String> seen = seen(reader, message);
    JsonNode tree = ObjectScannerTest.parse(line);
    if (tree == null) {
      return false;
    }
    boolean event = tree.has("type") && tree.path("object").isObject();
    if (seen == null) {
      // The parser reads surrogates and other bytes that no UTF-8 has.
      assertThat(event && isUtf8(line)).as("refused: " + message).isFalse();
      return false;
    }
    if (!event) {
      // A bare Status, the only other thing that is understood.
      assertThat(ObjectScannerTest.text(tree.path("kind"))).as(message).isEqualTo("Status");
      return true;
    }
    JsonNode metadata = tree.path("object").path("metadata");
    assertThat(seen)
        .as(message)
        .containsExactly(
            ObjectScannerTest.text(tree.path("type")),
            ObjectScannerTest.text(metadata.path("name")),
            ObjectScannerTest.text(metadata.path("namespace")),
            ObjectScannerTest.text(metadata.path("uid")),
            ObjectScannerTest.text(metadata.path("resourceVersion")));
    return true;
  }

  private static boolean isUtf8(byte[] line) {
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(line));
      return true;
    } catch (CharacterCodingException e) {
      return false;
    }
  }

  private @Nullable List<String> seen(FrameReader reader, String message) {
    try {
      scanner.scanFrame(reader.bytes(), reader.start(), reader.end());
    } catch (MalformedJsonException e) {
      return null;
    } catch (RuntimeException e) {
      throw new AssertionError(message, e);
    }
    return List.of(
        scanner.type(),
        scanner.name(),
        scanner.namespace(),
        scanner.uid(),
        scanner.resourceVersion());
  }

  /** A line: an event mostly, or what is none, or nothing, or too much. */
  private static byte[] line(Gen gen) {
    if (gen.chance(0.05)) {
      return gen.oneOf("", " ", "\r", "\t ", "null", "[]", "\"\"", "{}", "}")
          .getBytes(StandardCharsets.UTF_8);
    }
    String object = new String(ObjectScannerTest.document(gen), StandardCharsets.UTF_8);
    List<String> members = new ArrayList<>();
    members.add("\"type\":" + (gen.chance(0.9) ? "\"MODIFIED\"" : ObjectScannerTest.value(gen, 2)));
    members.add("\"object\":" + (gen.chance(0.9) ? object : ObjectScannerTest.value(gen, 2)));
    if (gen.chance(0.2)) {
      members.add(ObjectScannerTest.string(gen) + ":" + ObjectScannerTest.value(gen, 3));
    }
    if (gen.chance(0.05)) {
      members.add("\"type\":\"ADDED\"");
    }
    if (gen.chance(0.05)) {
      members.add("\"x\":\"" + "z".repeat(LIMIT) + "\"");
    }
    if (gen.chance(0.3)) {
      members = members.reversed();
    }
    // Only a stream's own newlines end a line.
    byte[] line =
        ("{" + String.join(ObjectScannerTest.space(gen) + ",", members) + "}")
            .replace('\n', ' ')
            .getBytes(StandardCharsets.UTF_8);
    if (gen.chance(0.4)) {
      ObjectScannerTest.damage(line, gen);
      for (int i = 0; i < line.length; i++) {
        line[i] = line[i] == '\n' ? (byte) ' ' : line[i];
      }
    }
    return line;
  }

  private static InputStream pieces(byte[] bytes, Gen gen) {
    return new ByteArrayInputStream(bytes) {
      @Override
      public synchronized int read(byte[] b, int offset, int length) {
        return super.read(b, offset, Math.min(length, 1 + gen.nextInt(gen.chance(0.5) ? 7 : 3000)));
      }
    };
  }
}
