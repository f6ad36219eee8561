package dev.sluice.kube;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/**
 * A server whose one object changes as fast as it is read, so often, and then no more. What comes
 * first may be a line of any length.
 */
final class Flood implements Transport {
  private final int events;
  private final long lineBefore;

  Flood(int events) {
    this(events, 0);
  }

  /**
   * A flood.
   *
   * @param lineBefore how many bytes the line before the first event has; 0 for none
   */
  Flood(int events, long lineBefore) {
    this.events = events;
    this.lineBefore = lineBefore;
  }

  @Override
  public Response send(Request request) {
    return request.path().contains("watch=true")
        ? new Answer(new Events())
        : new Answer(
            new ByteArrayInputStream(
                "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"0\"},\"items\":[]}"
                    .getBytes(StandardCharsets.UTF_8)));
  }

  @Override
  public void close() {}

  private record Answer(InputStream body) implements Response {
    @Override
    public int status() {
      return 200;
    }

    @Override
    public Map<String, List<String>> headers() {
      return Map.of();
    }

    @Override
    public void close() {
      try {
        body.close();
      } catch (IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
    }
  }

  private final class Events extends InputStream {
    private final CountDownLatch closed = new CountDownLatch(1);
    private byte[] current = {};
    private int at;
    private int sent;
    private long line = lineBefore;

    @Override
    public int read() {
      throw new UnsupportedOperationException();
    }

    @Override
    public int read(byte[] b, int offset, int length) throws IOException {
      if (line > 0) {
        int count = (int) Math.min(length, line);
        line -= count;
        Arrays.fill(b, offset, offset + count, (byte) 'x');
        if (line == 0) {
          b[offset + count - 1] = '\n';
        }
        return count;
      }
      if (at == current.length) {
        if (sent == events) {
          try {
            closed.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          throw new IOException("closed");
        }
        StringBuilder some = new StringBuilder();
        for (int i = 0; i < 64 && sent < events; i++) {
          sent++;
          some.append("{\"type\":\"")
              .append(sent == 1 ? "ADDED" : "MODIFIED")
              .append("\",\"object\":{\"metadata\":{\"name\":\"p\",\"namespace\":\"ns\",")
              .append("\"uid\":\"u\",\"resourceVersion\":\"")
              .append(sent)
              .append("\"},\"spec\":\"")
              .append(sent)
              .append("\"}}\n");
        }
        current = some.toString().getBytes(StandardCharsets.UTF_8);
        at = 0;
      }
      int count = Math.min(length, current.length - at);
      System.arraycopy(current, at, b, offset, count);
      at += count;
      return count;
    }

    @Override
    public void close() {
      closed.countDown();
    }
  }
}
