package dev.sluice.fabric8;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.apache.hc.core5.http.ConnectionClosedException;
import org.apache.hc.core5.http.MalformedChunkCodingException;
import org.apache.hc.core5.http.impl.io.SessionInputBufferImpl;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Chunks, however they are cut into pieces on the way. */
class ChunkedBodyTest {

  private static ChunkedBody body(InputStream socket) {
    return new ChunkedBody(new SessionInputBufferImpl(1024), socket);
  }

  private static ChunkedBody body(String text) {
    return body(new ByteArrayInputStream(text.getBytes(StandardCharsets.US_ASCII)));
  }

  private static String all(InputStream body) throws IOException {
    return new String(body.readAllBytes(), StandardCharsets.US_ASCII);
  }

  /** Gives as much at a time as it likes. */
  private static InputStream inPieces(byte[] bytes, RandomGenerator random) {
    return new ByteArrayInputStream(bytes) {
      @Override
      public synchronized int read(byte[] target, int offset, int length) {
        return super.read(target, offset, Math.min(length, random.nextInt(1, 40)));
      }
    };
  }

  @Test
  void isItsDataHoweverItIsCut() throws IOException {
    for (int seed = 0; seed < 300; seed++) {
      RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
      ByteArrayOutputStream wire = new ByteArrayOutputStream();
      ByteArrayOutputStream data = new ByteArrayOutputStream();
      for (int chunk = random.nextInt(8); chunk > 0; chunk--) {
        byte[] bytes = new byte[random.nextInt(1, 700)];
        random.nextBytes(bytes);
        data.writeBytes(bytes);
        String size = Integer.toHexString(bytes.length);
        wire.writeBytes(
            (random.nextBoolean() ? size : "0" + size.toUpperCase(java.util.Locale.ROOT))
                .getBytes(StandardCharsets.US_ASCII));
        wire.writeBytes(
            (random.nextInt(4) == 0 ? ";a=b\r\n" : "\r\n").getBytes(StandardCharsets.US_ASCII));
        wire.writeBytes(bytes);
        wire.writeBytes("\r\n".getBytes(StandardCharsets.US_ASCII));
      }
      wire.writeBytes(
          (random.nextBoolean() ? "0\r\n\r\n" : "0\r\nDigest: x\r\n\r\n")
              .getBytes(StandardCharsets.US_ASCII));
      ChunkedBody body = body(inPieces(wire.toByteArray(), random));
      ByteArrayOutputStream read = new ByteArrayOutputStream();
      byte[] target = new byte[1000];
      while (true) {
        int offset = random.nextInt(100);
        int count = body.read(target, offset, random.nextInt(1, 900));
        if (count < 0) {
          break;
        }
        assertThat(count).isPositive();
        read.write(target, offset, count);
      }
      assertThat(read.toByteArray()).as("seed " + seed).isEqualTo(data.toByteArray());
    }
  }

  @Test
  void takesAllChunksThatHaveArrivedInOneRead() throws IOException {
    ChunkedBody body = body("3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n");
    byte[] target = new byte[4096];
    int count = body.read(target, 0, target.length);
    assertThat(new String(target, 0, count, StandardCharsets.US_ASCII)).isEqualTo("onetwothree");
    assertThat(body.read(target, 0, target.length)).isEqualTo(-1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "x\r\n",
        "\r\nabc",
        "-3\r\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "3\rx\nabc\r\n0\r\n\r\n",
        "1234567890123456\r\nabc",
        "0\r\n\r\nHTTP/1.1 200 OK"
      })
  void refusesWhatIsNotChunked(String text) {
    assertThatThrownBy(() -> all(body(text))).isInstanceOf(MalformedChunkCodingException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "3", "3\r\n", "3\r\nab", "3\r\nabc", "3\r\nabc\r\n", "0\r\n"})
  void doesNotTakeACutBodyForAWholeOne(String text) {
    assertThatThrownBy(() -> all(body(text))).isInstanceOf(ConnectionClosedException.class);
  }

  @Test
  void doesNotReadEndlessTrailers() {
    String text = "0\r\n" + "Trailer: x\r\n".repeat(10_000);
    assertThatThrownBy(() -> all(body(text)))
        .isInstanceOf(MalformedChunkCodingException.class)
        .hasMessageContaining("65536");
  }

  @Test
  void readsItsRestWhenItIsClosed() throws IOException {
    ByteArrayInputStream wire =
        new ByteArrayInputStream(
            "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    ChunkedBody body = body(wire);
    assertThat(body.read()).isEqualTo('o');
    body.close();
    assertThat(wire.available()).isZero();
  }
}
