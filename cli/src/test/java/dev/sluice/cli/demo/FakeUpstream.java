package dev.sluice.cli.demo;

import dev.sluice.kube.Transport;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/** A server without a network: a watch's frames are what the test gives, all else is an echo. */
final class FakeUpstream implements Transport {
  static final String END = "";

  final List<Request> requests = new CopyOnWriteArrayList<>();
  final List<Watch> watches = new CopyOnWriteArrayList<>();
  @Nullable IOException failure;

  @Override
  public Response send(Request request) throws IOException {
    requests.add(request);
    IOException broken = failure;
    if (broken != null) {
      throw broken;
    }
    if (request.path().contains("watch=true")) {
      Watch watch = new Watch();
      watches.add(watch);
      return watch;
    }
    return new Echo(request);
  }

  @Override
  public void close() {
    watches.forEach(Watch::close);
  }

  private record Echo(Request request) implements Response {
    @Override
    public int status() {
      return request.method().equals("POST") ? 201 : 200;
    }

    @Override
    public Map<String, List<String>> headers() {
      return Map.of(
          "content-type", List.of("application/json"),
          "content-encoding", List.of("gzip"),
          "x-kubernetes-pf-flowschema-uid", List.of("f"));
    }

    @Override
    public InputStream body() {
      return new ByteArrayInputStream(
          (request.method()
                  + " "
                  + request.path()
                  + " "
                  + new String(request.body(), StandardCharsets.UTF_8))
              .getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public void close() {
      // holds nothing
    }
  }

  /** An open watch. */
  static final class Watch implements Response {
    private static final String CLOSED = "closed";

    private final BlockingQueue<String> frames = new LinkedBlockingQueue<>();
    volatile boolean closed;

    void send(String frame) {
      frames.add(frame);
    }

    @Override
    public int status() {
      return 200;
    }

    @Override
    public Map<String, List<String>> headers() {
      return Map.of("content-type", List.of("application/json"));
    }

    @Override
    public InputStream body() {
      return new InputStream() {
        @Override
        public int read() {
          throw new UnsupportedOperationException("read into an array");
        }

        @Override
        public int read(byte[] buffer, int from, int count) throws IOException {
          try {
            String frame = frames.take();
            if (closed) {
              throw new IOException("closed");
            }
            if (frame.equals(END)) {
              return -1;
            }
            byte[] bytes = frame.getBytes(StandardCharsets.UTF_8);
            System.arraycopy(bytes, 0, buffer, from, bytes.length);
            return bytes.length;
          } catch (InterruptedException e) {
            throw new IOException(e);
          }
        }
      };
    }

    @Override
    public void close() {
      closed = true;
      frames.add(CLOSED);
    }
  }
}
