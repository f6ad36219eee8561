package dev.sluice.kube.internal.json;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.modeltest.Gen;
import dev.sluice.modeltest.Seed;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A scanner that knows an earlier state finds what one finds that crosses everything. */
class KnownStatesTest {
  private static final byte[] TYPE_META =
      "\"kind\":\"K\",\"apiVersion\":\"v1\",".getBytes(StandardCharsets.UTF_8);

  private final ObjectScanner plain = new ObjectScanner();
  private final Last last = new Last();
  private final ObjectScanner knowing = new ObjectScanner(last);

  /** The state that was scanned last, of whatever object. */
  private static final class Last implements ObjectScanner.Known, ObjectScanner.Earlier {
    private byte @Nullable [] bytes;
    private int tailLength;
    private int lastLength;
    private int compared;

    void is(ObjectScanner object) {
      bytes = object.body(true, TYPE_META);
      tailLength = object.tailLength();
      lastLength = object.lastLength();
    }

    @Override
    public ObjectScanner.Earlier earlier(String namespace, String name) {
      return this;
    }

    @Override
    public byte @Nullable [] bytes() {
      return bytes;
    }

    @Override
    public int tailLength() {
      compared += tailLength >= 64 ? 1 : 0;
      return tailLength;
    }

    @Override
    public int lastLength() {
      return lastLength;
    }
  }

  /** All that a scanner says, or that it refuses. */
  private static String said(ObjectScanner scanner, byte[] frame) {
    try {
      scanner.scanFrame(frame, 0, frame.length);
      return List.of(
              scanner.type(),
              scanner.namespace(),
              scanner.name(),
              scanner.uid(),
              scanner.resourceVersion(),
              scanner.generation(),
              scanner.deleting(),
              scanner.isStatus(),
              scanner.hasMetadata(),
              scanner.objectStart(),
              scanner.objectEnd(),
              scanner.tailLength(),
              scanner.lastLength(),
              Arrays.hashCode(scanner.body(true, TYPE_META)))
          .toString();
    } catch (MalformedJsonException e) {
      return "refused: " + e.getMessage();
    }
  }

  private static byte[] frame(String metadata, String rest) {
    return ("{\"type\":\"MODIFIED\",\"object\":{\"metadata\":" + metadata + rest + "}}")
        .getBytes(StandardCharsets.UTF_8);
  }

  private void know(byte[] frame) throws MalformedJsonException {
    plain.scanFrame(frame, 0, frame.length);
    last.is(plain);
  }

  @Test
  void findsTheSameWhateverHasChanged() throws MalformedJsonException {
    int understood = 0;
    for (int i = 0; i < 4_000; i++) {
      Seed seed = Seed.of("known states").derive(i);
      Gen gen = seed.random();
      String object = new String(ObjectScannerTest.document(gen), StandardCharsets.UTF_8);
      byte[] first =
          gen.chance(0.5)
              ? ("{\"type\":\"ADDED\",\"object\":" + object + "}").getBytes(StandardCharsets.UTF_8)
              : frame("{\"name\":\"a\"}", members(gen));
      if (said(plain, first).startsWith("refused")) {
        continue;
      }
      understood++;
      last.is(plain);
      for (int change = 0; change < 8; change++) {
        byte[] next = changed(first, gen);
        assertThat(said(knowing, next))
            .as("%s: %s", seed, new String(next, StandardCharsets.UTF_8))
            .isEqualTo(said(plain, next));
      }
    }
    assertThat(understood).isGreaterThan(2_000);
    assertThat(last.compared).isGreaterThan(5_000);
  }

  private static String members(Gen gen) {
    StringBuilder members = new StringBuilder();
    for (String key : List.of("spec", "data", "status")) {
      if (gen.chance(0.8)) {
        members.append(",\"").append(key).append("\":");
        members.append(ObjectScannerTest.value(gen, 4));
      }
    }
    return members.append(",\"status\":{\"text\":\"").append("x".repeat(70)).append("\"}") + "";
  }

  /** Some bytes others, some gone, some twice; or all as it was. */
  private static byte[] changed(byte[] frame, Gen gen) {
    byte[] same = frame.clone();
    int at = gen.nextInt(frame.length);
    int count = Math.min(frame.length - at, gen.between(1, 20));
    return switch (gen.nextInt(5)) {
      case 0 -> same;
      case 1 -> {
        same[at] = (byte) gen.oneOf("}", "{", "]", ",", "\"", "\\", "7", " ").charAt(0);
        yield same;
      }
      case 2 -> joined(frame, at, at + count, frame.length);
      case 3 -> joined(frame, at + count, at, frame.length);
      default -> Arrays.copyOf(frame, at);
    };
  }

  /** Up to a position, and from another one on. */
  private static byte[] joined(byte[] frame, int to, int from, int end) {
    byte[] joined = Arrays.copyOf(frame, to + end - from);
    System.arraycopy(frame, from, joined, to, end - from);
    return joined;
  }

  @Test
  void seesMetadataThatComesOnceMoreBehindWhatIsTheSame() throws MalformedJsonException {
    String spec = ",\"spec\":{\"text\":\"" + "x".repeat(100) + "\"}";
    know(frame("{\"name\":\"a\"}", spec));
    byte[] next = frame("{\"name\":\"a\"}", spec + ",\"metadata\":{\"name\":\"b\"}");

    knowing.scanFrame(next, 0, next.length);

    assertThat(knowing.name()).isEqualTo("b");
  }

  @Test
  void doesNotCompareBehindMetadataThatWereRepeated() throws MalformedJsonException {
    String spec = ",\"spec\":{\"text\":\"" + "x".repeat(100) + "\"}";
    byte[] twice = frame("{\"name\":\"a\"}", spec + ",\"kind\":\"Status\"" + spec);

    know(twice);

    assertThat(last.tailLength).isZero();
  }

  @Test
  void crossesOnlyTheLastMemberIfOnlyThatHasChanged() throws MalformedJsonException {
    String spec = ",\"spec\":{\"text\":\"" + "x".repeat(100) + "\"}";
    know(frame("{\"name\":\"a\"}", spec + ",\"status\":{\"phase\":\"Pending\"}"));
    byte[] next = frame("{\"name\":\"a\"}", spec + ",\"status\":{\"phase\":\"Running\",\"n\":1}");

    knowing.scanFrame(next, 0, next.length);

    assertThat(knowing.lastLength())
        .isEqualTo(",\"status\":{\"phase\":\"Running\",\"n\":1}}".length());
    assertThat(knowing.tailLength()).isEqualTo(knowing.lastLength() + spec.length());
  }
}
