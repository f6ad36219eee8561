package dev.sluice.kube.internal.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.kube.internal.json.MalformedJsonException;
import dev.sluice.kube.internal.json.ObjectScanner;
import dev.sluice.modeltest.Gen;
import dev.sluice.modeltest.Seed;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReadersTest {
  /** Gives its bytes in pieces of random size. */
  private static InputStream pieces(byte[] bytes, Gen gen) {
    return new ByteArrayInputStream(bytes) {
      @Override
      public synchronized int read(byte[] b, int offset, int length) {
        return super.read(b, offset, Math.min(length, 1 + gen.nextInt(7)));
      }
    };
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Nested
  class Frames {
    private List<String> read(FrameReader reader) throws IOException {
      List<String> found = new ArrayList<>();
      while (true) {
        FrameReader.Next next = reader.next();
        String text =
            new String(
                reader.bytes(),
                reader.start(),
                reader.end() - reader.start(),
                StandardCharsets.UTF_8);
        switch (next) {
          case FRAME -> found.add(text);
          case TOO_LONG -> found.add("too long: " + reader.length());
          case CUT -> {
            found.add("cut: " + text);
            return found;
          }
          case END -> {
            return found;
          }
        }
      }
    }

    @Test
    void areLinesHoweverTheirBytesArrive() throws Exception {
      byte[] body = bytes("one\n\n  \r\n{\"é\":1}\r\nlonger than eight bytes\nx\n");
      for (int i = 0; i < 200; i++) {
        Gen gen = Seed.of("frames").derive(i).random();
        assertThat(read(new FrameReader(pieces(body, gen), 1000)))
            .containsExactly("one", "{\"é\":1}\r", "longer than eight bytes", "x");
      }
    }

    @Test
    void areWholeOnlyWithTheirNewline() throws Exception {
      byte[] body = bytes("first frame\nsecond frame\n");
      for (int end = 0; end <= body.length; end++) {
        List<String> found = read(new FrameReader(new ByteArrayInputStream(body, 0, end), 1000));
        long whole = end < 12 ? 0 : end < 25 ? 1 : 2;
        boolean clean = end == 0 || end == 12 || end == 25;
        assertThat(found).as("cut after %d", end).hasSize((int) whole + (clean ? 0 : 1));
        assertThat(found.stream().anyMatch(frame -> frame.startsWith("cut"))).isEqualTo(!clean);
      }
    }

    @Test
    void thatAreTooLongAreCrossedAndTheNextIsRead() throws Exception {
      byte[] body = bytes("a".repeat(300_000) + "\nshort\n" + "b".repeat(101) + "\nend\n");
      for (int i = 0; i < 5; i++) {
        Gen gen = Seed.of("long frames").derive(i).random();
        assertThat(read(new FrameReader(pieces(body, gen), 100)))
            .containsExactly("too long: 300000", "short", "too long: 101", "end");
      }
    }

    @Test
    void growTheBufferAndLetItShrinkAgain() throws Exception {
      String large = "x".repeat(3_000_000);
      FrameReader reader =
          new FrameReader(
              new ByteArrayInputStream(bytes(large + "\n" + "small\n".repeat(100_000))), 4 << 20);
      List<String> found = read(reader);

      assertThat(found).hasSize(100_001);
      assertThat(found.get(0)).isEqualTo(large);
      assertThat(reader.bytes().length).isLessThan(200_000);
    }

    @Test
    void neverEndingAreCutWithoutBeingKept() throws Exception {
      InputStream endless =
          new InputStream() {
            private long given;

            @Override
            public int read() {
              throw new UnsupportedOperationException();
            }

            @Override
            public int read(byte[] b, int offset, int length) throws IOException {
              given += length;
              if (given > 500_000_000) {
                throw new IOException("reset");
              }
              return length;
            }
          };
      FrameReader reader = new FrameReader(endless, 1 << 20);

      assertThatThrownBy(reader::next).isInstanceOf(IOException.class).hasMessage("reset");
      assertThat(reader.bytes().length).isLessThanOrEqualTo(4 << 20);
    }
  }

  @Nested
  class Lists {
    private static final String BUILT_IN =
        "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"17\",\"continue\":\"next\",\"remainingItemCount\":3},\"items\":[{\"a\":1},{\"b\":\"}],\\\"\"}"
            + " , {\"c\":[[],{}]}]}\n";
    private static final String SORTED =
        "{\"apiVersion\":\"v1\",\"items\":[{\"a\":1},{\"b\":\"}],\\\"\"},{\"c\":[[],{}]}],\"kind\":\"PodList\","
            + "\"metadata\":{\"continue\":\"next\",\"resourceVersion\":\"17\"}}";

    private List<String> read(ListReader reader) throws IOException, MalformedJsonException {
      List<String> found = new ArrayList<>();
      while (true) {
        ListReader.Next next = reader.next();
        switch (next) {
          case ITEM ->
              found.add(
                  new String(
                      reader.bytes(),
                      reader.start(),
                      reader.end() - reader.start(),
                      StandardCharsets.UTF_8));
          case TOO_LONG -> found.add("too long: " + reader.length());
          default -> {
            found.add(next.name());
            return found;
          }
        }
      }
    }

    @ParameterizedTest
    @ValueSource(strings = {BUILT_IN, SORTED})
    void giveTheirItemsHoweverTheBytesArrive(String body) throws Exception {
      for (int i = 0; i < 200; i++) {
        Gen gen = Seed.of("lists").derive(i).random();
        ListReader reader = new ListReader(pieces(bytes(body), gen), 1000);

        assertThat(read(reader))
            .containsExactly("{\"a\":1}", "{\"b\":\"}],\\\"\"}", "{\"c\":[[],{}]}", "END");
        assertThat(reader.resourceVersion()).isEqualTo("17");
        assertThat(reader.continueToken()).isEqualTo("next");
      }
    }

    @ParameterizedTest
    @ValueSource(strings = {BUILT_IN, SORTED})
    void giveTheSameItemsWhenTheyAreScannedInOnePass(String body) throws Exception {
      for (int i = 0; i < 200; i++) {
        Gen gen = Seed.of("scanned lists").derive(i).random();
        byte[] whole = bytes(body);
        InputStream in = i == 0 ? new ByteArrayInputStream(whole) : pieces(whole, gen);
        ListReader reader = new ListReader(in, 1000, new ObjectScanner());

        assertThat(read(reader))
            .containsExactly("{\"a\":1}", "{\"b\":\"}],\\\"\"}", "{\"c\":[[],{}]}", "END");
        assertThat(reader.resourceVersion()).isEqualTo("17");
      }
    }

    @Test
    void areReadInTheMemoryOfAFewItemsHoweverLongTheyAre() throws Exception {
      readInLittleMemory(32L << 20);
    }

    @Test
    @Tag("long")
    void ofAGigabyteAreReadInTheMemoryOfAFewItems() throws Exception {
      readInLittleMemory(1L << 30);
    }

    private static void readInLittleMemory(long size) throws Exception {
      byte[] head = bytes("{\"kind\":\"L\",\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[");
      byte[] item = bytes("{\"metadata\":{\"name\":\"x\"},\"data\":\"" + "v".repeat(4000) + "\"}");
      byte[] next = bytes("," + new String(item, StandardCharsets.UTF_8));
      long items = size / item.length;
      Enumeration<InputStream> parts =
          Collections.enumeration(
              new AbstractList<InputStream>() {
                @Override
                public InputStream get(int i) {
                  byte[] part = i == 0 ? head : i == 1 ? item : i <= items ? next : bytes("]}");
                  return new ByteArrayInputStream(part);
                }

                @Override
                public int size() {
                  return (int) items + 2;
                }
              });
      ListReader reader =
          new ListReader(new SequenceInputStream(parts), 1 << 20, new ObjectScanner());
      long found = 0;
      int most = 0;
      while (reader.next() == ListReader.Next.ITEM) {
        found++;
        most = Math.max(most, reader.bytes().length);
      }

      assertThat(found).isEqualTo(items);
      assertThat(most).isLessThanOrEqualTo(128 << 10);
    }

    @ParameterizedTest
    @ValueSource(strings = {BUILT_IN, SORTED})
    void areNotBelievedWhenTheyAreCutAtWhateverByte(String body) throws Exception {
      byte[] whole = bytes(body.strip());
      for (int end = 0; end < whole.length; end++) {
        ListReader reader = new ListReader(new ByteArrayInputStream(whole, 0, end), 1000);

        assertThat(read(reader)).as("cut after %d", end).last().isEqualTo("CUT");
      }
    }

    @Test
    void crossAnItemThatIsTooLong() throws Exception {
      String body =
          "{\"items\":[{\"a\":1},{\"b\":\""
              + "x".repeat(400_000)
              + "\"},{\"c\":\""
              + "y".repeat(94)
              + "\"},{\"d\":2}],\"kind\":\"L\",\"metadata\":{\"resourceVersion\":\"1\"}}";
      for (int i = 0; i < 3; i++) {
        ListReader reader =
            new ListReader(pieces(bytes(body), Seed.of("x").derive(i).random()), 100);
        assertThat(read(reader))
            .containsExactly("{\"a\":1}", "too long: 400008", "too long: 102", "{\"d\":2}", "END");
        assertThat(reader.resourceVersion()).isEqualTo("1");
      }
    }

    @Test
    void mayBeEmptyOrNull() throws Exception {
      for (String items : List.of("[]", "null", "[ ]")) {
        ListReader reader =
            new ListReader(
                new ByteArrayInputStream(
                    bytes(
                        "{\"kind\":\"L\",\"metadata\":{\"resourceVersion\":\"1\"},\"items\":"
                            + items
                            + "}")),
                100);
        assertThat(read(reader)).containsExactly("END");
      }
    }

    @Test
    void mayTurnOutToBeARefusal() throws Exception {
      ListReader reader =
          new ListReader(
              new ByteArrayInputStream(
                  bytes(
                      "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\"message\":\"too"
                          + " old\","
                          + "\"reason\":\"Expired\",\"code\":410,\"details\":{\"retryAfterSeconds\":3}}")),
              100);

      assertThat(read(reader)).containsExactly("STATUS");
      assertThat(reader.status()).isEqualTo(new ServerStatus(410, "Expired", "too old", 3, ""));
      assertThat(reader.status().expired()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "<html>",
          "[]",
          "{]",
          "{\"items\":[1 2]}",
          "{\"kind\":\"Pod\"}",
          "{\"items\" []}",
          "{\"items\":[}",
          "{\"items\":[]\"a\":1}",
          "{,}"
        })
    void thatAreNoneAreRefused(String body) {
      ListReader reader = new ListReader(new ByteArrayInputStream(bytes(body)), 100);

      assertThatThrownBy(() -> read(reader)).isInstanceOf(MalformedJsonException.class);
    }
  }
}
