package dev.sluice.bench;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/**
 * What nobody can do without: the events are read from the socket, the ends of lines are looked
 * for, eight bytes at a time, and nothing is kept. Over TLS it is HTTP/2, in which the whole stream
 * is allowed for at once.
 */
final class StreamFloor {
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());
  private static final long NEWLINES = 0x0a0a0a0a0a0a0a0aL;
  private static final long ONES = 0x0101010101010101L;
  private static final long TOPS = 0x8080808080808080L;
  private static final int WHOLE = Integer.MAX_VALUE;

  private final Socket socket;
  private final InputStream in;
  private final boolean http2;
  private final byte[] buffer = new byte[1 << 16];
  private int from;
  private int to;

  private StreamFloor(Socket socket, boolean http2) throws IOException {
    this.socket = socket;
    this.in = socket.getInputStream();
    this.http2 = http2;
  }

  /** Opens the watch. */
  static StreamFloor open(StreamLoad load, StreamReplay.Address replay, String certificate)
      throws IOException, GeneralSecurityException {
    String target = load.path() + "?watch=true";
    if (certificate.isEmpty()) {
      Socket socket = new Socket(InetAddress.getLoopbackAddress(), replay.port());
      socket
          .getOutputStream()
          .write(
              ("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n")
                  .getBytes(StandardCharsets.US_ASCII));
      StreamFloor floor = new StreamFloor(socket, false);
      floor.skipHead();
      return floor;
    }
    SSLSocket socket =
        (SSLSocket)
            trusting(Path.of(certificate))
                .getSocketFactory()
                .createSocket("127.0.0.1", replay.tlsPort());
    SSLParameters parameters = socket.getSSLParameters();
    parameters.setApplicationProtocols(new String[] {"h2"});
    socket.setSSLParameters(parameters);
    OutputStream out = socket.getOutputStream();
    out.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    frame(out, 4, 0, 0, ByteBuffer.allocate(6).putShort((short) 4).putInt(WHOLE).array());
    frame(out, 8, 0, 0, ByteBuffer.allocate(4).putInt(WHOLE - 65_535).array());
    ByteArrayOutputStream head = new ByteArrayOutputStream();
    head.write(0x82); // :method GET
    head.write(0x87); // :scheme https
    head.write(0x04); // :path
    head.write(target.length());
    head.writeBytes(target.getBytes(StandardCharsets.US_ASCII));
    head.write(0x01); // :authority
    head.write(9);
    head.writeBytes("localhost".getBytes(StandardCharsets.US_ASCII));
    frame(out, 1, 5, 1, head.toByteArray());
    return new StreamFloor(socket, true);
  }

  private static SSLContext trusting(Path certificate)
      throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    try (InputStream in = Files.newInputStream(certificate)) {
      store.setCertificateEntry(
          "replay", CertificateFactory.getInstance("X.509").generateCertificate(in));
    }
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }

  private static void frame(OutputStream out, int type, int flags, int stream, byte[] payload)
      throws IOException {
    ByteBuffer frame = ByteBuffer.allocate(9 + payload.length);
    frame.put((byte) (payload.length >> 16)).putShort((short) payload.length);
    frame.put((byte) type).put((byte) flags).putInt(stream).put(payload);
    out.write(frame.array());
    out.flush();
  }

  private void skipHead() throws IOException {
    int ends = 0;
    while (ends < 4) {
      if (from == to) {
        fill();
      }
      byte b = buffer[from++];
      ends = b == "\r\n\r\n".charAt(ends) ? ends + 1 : 0;
    }
  }

  private void fill() throws IOException {
    from = 0;
    to = in.read(buffer);
    if (to < 0) {
      throw new IOException("the replay has ended");
    }
  }

  /** Reads so many events. */
  void read(int events) throws IOException {
    // Over HTTP/1.1 each event's line stands between the two of its chunk.
    long lines = http2 ? events : 3L * events;
    while (lines > 0) {
      if (from == to) {
        fill();
      }
      if (!http2) {
        lines -= newlines(from, to);
        from = to;
        continue;
      }
      int length = next() << 16 | next() << 8 | next();
      int type = next();
      int flags = next();
      for (int i = 0; i < 4; i++) {
        next();
      }
      if (type == 4 && (flags & 1) == 0) {
        frame(socket.getOutputStream(), 4, 1, 0, new byte[0]);
      }
      for (int left = length; left > 0; ) {
        if (from == to) {
          fill();
        }
        int part = Math.min(left, to - from);
        if (type == 0) {
          lines -= newlines(from, from + part);
        }
        from += part;
        left -= part;
      }
    }
  }

  private int next() throws IOException {
    if (from == to) {
      fill();
    }
    return buffer[from++] & 0xff;
  }

  private int newlines(int start, int end) {
    int count = 0;
    int i = start;
    for (; i + 8 <= end; i += 8) {
      long word = (long) LONGS.get(buffer, i) ^ NEWLINES;
      long zeros = word - ONES & ~word & TOPS;
      if (zeros != 0) {
        for (int k = i; k < i + 8; k++) {
          if (buffer[k] == '\n') {
            count++;
          }
        }
      }
    }
    for (; i < end; i++) {
      if (buffer[i] == '\n') {
        count++;
      }
    }
    return count;
  }

  void close() throws IOException {
    socket.close();
  }
}
